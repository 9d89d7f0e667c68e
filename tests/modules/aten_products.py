"""ATen ops that do sum products of two operands, or transform one, by class."""

from modules.aten_classes import families, of_dims

FUSED = {
    "resizing: a fixed number of neighbours each": families("""
        _grid_sampler_2d_cpu_fallback _grid_sampler_2d_cpu_fallback_backward
        _upsample_bicubic2d_aa _upsample_bicubic2d_aa_backward _upsample_bilinear2d_aa
        _upsample_bilinear2d_aa_backward _upsample_lanczos2d_aa _upsample_lanczos2d_aa_backward
        cudnn_grid_sampler cudnn_grid_sampler_backward grid_sampler_2d grid_sampler_2d_backward
        grid_sampler_3d grid_sampler_3d_backward upsample_bicubic2d upsample_bicubic2d_backward
        upsample_bilinear2d upsample_bilinear2d_backward upsample_linear1d
        upsample_linear1d_backward upsample_trilinear3d upsample_trilinear3d_backward""")
    | families(of_dims("_upsample_nearest_exact#", "upsample_nearest#"))
    | families(of_dims("_upsample_nearest_exact#_backward", "upsample_nearest#_backward")),
    "vectors of 3 elements": families("linalg_cross"),
    "losses: one pass over pairs of elements": families("""
        _ctc_loss _ctc_loss_backward _cudnn_ctc_loss miopen_ctc_loss binary_cross_entropy
        binary_cross_entropy_backward binary_cross_entropy_with_logits dist huber_loss
        huber_loss_backward mse_loss mse_loss_backward multi_margin_loss
        multi_margin_loss_backward multilabel_margin_loss_backward
        multilabel_margin_loss_forward nll_loss2d_backward nll_loss2d_forward nll_loss_backward
        nll_loss_forward smooth_l1_loss smooth_l1_loss_backward soft_margin_loss
        soft_margin_loss_backward"""),
}
"""One pass over the elements, with a fixed number of products each: no matrix work."""

WEIGHTED = families("""
    _embedding_bag _embedding_bag_forward_only _embedding_bag_backward
    _embedding_bag_dense_backward""")
"""Lookups that sum rows; with weights per sample, they are products."""

TRANSFORMS = families("_fft_c2c _fft_c2r _fft_r2c affine_grid_generator")
"""Products of one operand with constants."""

FACTORS = families("""
    _linalg_det _linalg_eigh _linalg_eigvals _linalg_slogdet _linalg_svd cholesky
    cholesky_inverse geqrf linalg_cholesky_ex linalg_eig linalg_eigvals
    linalg_householder_product linalg_inv_ex linalg_ldl_factor_ex linalg_lu linalg_lu_factor_ex
    linalg_matrix_exp linalg_pinv linalg_qr _compute_linear_combination""")
"""Matrices taken apart: products of one operand with itself."""

PRODUCTS = families("""
    _addmm_activation _cdist_backward _cdist_forward _cholesky_solve_helper _conv_depthwise2d
    _convolution _cslt_sparse_mm _cudnn_attention_backward _cudnn_attention_forward _cudnn_rnn
    _cudnn_rnn_backward _dyn_quant_matmul_4bit _efficient_attention_backward
    _efficient_attention_forward _embedding_bag_per_sample_weights_backward _euclidean_dist
    _flash_attention_backward _flash_attention_forward
    _flash_attention_forward_no_dropout_inplace _foreach_mm _grouped_mm _int_mm
    _linalg_solve_ex _lstm_mps _mixed_dtypes_linear _mps_convolution
    _mps_convolution_transpose _native_multi_head_attention _nnpack_spatial_convolution
    _pdist_backward _pdist_forward _scaled_dot_product_attention_math_for_mps
    _scaled_dot_product_cudnn_attention _scaled_dot_product_cudnn_attention_backward
    _scaled_dot_product_efficient_attention _scaled_dot_product_efficient_attention_backward
    _scaled_dot_product_flash_attention _scaled_dot_product_flash_attention_backward
    _scaled_dot_product_flash_attention_for_cpu
    _scaled_dot_product_flash_attention_for_cpu_backward
    _scaled_dot_product_fused_attention_overrideable
    _scaled_dot_product_fused_attention_overrideable_backward _scaled_grouped_mm
    _scaled_grouped_mm_v2 _scaled_mm _scaled_mm_v2 _slow_conv2d_backward _slow_conv2d_forward
    _sparse_addmm _sparse_mm_reduce_impl _sparse_mm_reduce_impl_backward
    _sparse_semi_structured_addmm _sparse_semi_structured_linear _sparse_semi_structured_mm
    _sparse_sparse_matmul _spsolve _transformer_encoder_layer_fwd _trilinear
    _triton_multi_head_attention _triton_scaled_dot_attention _weight_int4pack_mm
    _weight_int4pack_mm_for_cpu _weight_int4pack_mm_with_scales_and_zeros _weight_int8pack_mm
    addbmm addmm addmv baddbmm bmm cholesky_solve conv_depthwise3d conv_tbc convolution
    convolution_backward convolution_backward_overrideable convolution_overrideable
    cudnn_affine_grid_generator cudnn_affine_grid_generator_backward cudnn_convolution
    cudnn_convolution_add_relu cudnn_convolution_relu cudnn_convolution_transpose dot hspmm
    linalg_ldl_solve linalg_lstsq linalg_lu_solve linalg_solve_triangular linear
    linear_backward lstm_mps_backward matmul_backward miopen_convolution
    miopen_convolution_add_relu miopen_convolution_relu miopen_convolution_transpose
    miopen_depthwise_convolution miopen_rnn miopen_rnn_backward mkldnn_convolution
    mkldnn_linear mkldnn_linear_backward mkldnn_linear_backward_input
    mkldnn_linear_backward_weights mkldnn_rnn_layer mkldnn_rnn_layer_backward mm
    mps_convolution_backward mps_convolution_transpose_backward mv ormqr quantized_gru
    quantized_lstm slow_conv3d_forward slow_conv_dilated2d slow_conv_dilated3d
    slow_conv_transpose2d slow_conv_transpose3d sparse_sampled_addmm sspaddmm
    triangular_solve vdot""")
"""Sums of products of two operands. An op that no list has counts as one of these."""
