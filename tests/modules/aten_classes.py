"""Every ATen op that computes, by class, written by hand from what the op is defined to do.

What torch itself tags as pointwise, declares as a view, or decomposes into other ops before
anyone sees it, is not listed. A trailing underscore (in place) is left out of a name.
"""


def families(text):
    return frozenset(text.split())


_DIMS = ("1d", "2d", "3d")


def of_dims(*names, dims=_DIMS):
    return " ".join(f"{name.replace('#', d)}" for name in names for d in dims)


FREE = {
    "pointwise, though not tagged so": families("""
        __irshift__ _add_relu addr complex polar floor_divide fill zero glu glu_backward
        glu_backward_jvp glu_jvp hardswish hardswish_backward elu_backward hardshrink_backward
        hardsigmoid_backward hardtanh_backward leaky_relu_backward log_sigmoid_backward
        log_sigmoid_forward rrelu_with_noise rrelu_with_noise_backward
        rrelu_with_noise_functional softplus_backward softshrink_backward _prelu_kernel
        _prelu_kernel_backward isin bucketize searchsorted _masked_scale _thnn_fused_gru_cell
        _thnn_fused_gru_cell_backward _thnn_fused_lstm_cell _thnn_fused_lstm_cell_backward_impl
        _transform_bias_rescale_qkv _fused_adagrad _fused_adam _fused_adamw _fused_sgd
        _amp_foreach_non_finite_check_and_unscale _amp_update_scale _standard_gamma_grad
        _dirichlet_grad _philox_key_fold_in _philox_key_split"""),
    "pointwise over lists": families("""
        _foreach_abs _foreach_acos _foreach_add _foreach_addcdiv _foreach_addcmul _foreach_asin
        _foreach_atan _foreach_ceil _foreach_clamp_max _foreach_clamp_min _foreach_clone
        _foreach_copy _foreach_cos _foreach_cosh _foreach_div _foreach_erf _foreach_erfc
        _foreach_exp _foreach_expm1 _foreach_floor _foreach_frac _foreach_lerp _foreach_lgamma
        _foreach_log _foreach_log10 _foreach_log1p _foreach_log2 _foreach_max _foreach_maximum
        _foreach_minimum _foreach_mul _foreach_neg _foreach_norm _foreach_pow _foreach_powsum
        _foreach_reciprocal _foreach_round _foreach_rsqrt _foreach_sigmoid _foreach_sign
        _foreach_sin _foreach_sinh _foreach_sqrt _foreach_sub _foreach_tan _foreach_tanh
        _foreach_trunc _foreach_zero"""),
    "quantization": families("""
        _empty_per_channel_affine_quantized empty_quantized dequantize int_repr
        _fake_quantize_learnable_per_channel_affine
        _fake_quantize_learnable_per_channel_affine_backward
        _fake_quantize_learnable_per_tensor_affine
        _fake_quantize_learnable_per_tensor_affine_backward
        _fake_quantize_per_tensor_affine_cachemask_tensor_qparams
        fake_quantize_per_channel_affine_cachemask fake_quantize_per_tensor_affine_cachemask
        _fused_moving_avg_obs_fq_helper _fused_moving_avg_obs_fq_helper_functional
        _make_per_channel_quantized_tensor _make_per_tensor_quantized_tensor
        q_per_channel_scales q_per_channel_zero_points quantize_per_channel quantize_per_tensor
        quantize_per_tensor_dynamic"""),
    "copies and layouts": families("""
        _chunk_cat _coalesce _coalesced _conj_copy _convert_indices_from_coo_to_csr
        _convert_indices_from_csr_to_coo _convert_weight_to_int4pack
        _convert_weight_to_int4pack_for_cpu _copy_from _copy_from_and_resize _cslt_compress
        _cudnn_rnn_flatten_weight _dyn_quant_pack_4bit_weight _fw_primal_copy _indices_copy
        _jagged_to_padded_dense_forward _lazy_clone _make_dual_copy _mkldnn_reshape
        _mkldnn_transpose _neg_view_copy _nested_compute_contiguous_strides_offsets
        _nested_from_padded _nested_from_padded_and_nested_example _nested_from_padded_tensor
        _nested_get_jagged_dummy _nested_get_lengths _nested_get_max_seqlen
        _nested_get_min_seqlen _nested_get_offsets _nested_get_values_copy
        _nested_select_backward _nested_tensor_from_mask _nested_tensor_from_tensor_list
        _nested_tensor_size _nested_tensor_storage_offsets _nested_tensor_strides
        _nested_view_from_buffer_copy _nested_view_from_jagged_copy _pack_padded_sequence
        _padded_dense_to_jagged_forward _pin_memory _reshape_alias_copy _reshape_copy
        _resize_output _sparse_broadcast_to_copy _sparse_coo_tensor_with_dims_and_tensors
        _sparse_mask_projection _sparse_semi_structured_apply _sparse_semi_structured_apply_dense
        _sparse_semi_structured_tile _spdiags _stack _to_copy _to_dense _to_sparse _to_sparse_bsc
        _to_sparse_bsr _to_sparse_csc _to_sparse_csr _to_sparse_semi_structured _unsafe_view
        _values_copy alias_copy as_strided as_strided_copy as_strided_scatter block_diag cat
        ccol_indices_copy channel_shuffle col_indices_copy constant_pad_nd copy
        copy_sparse_to_sparse crow_indices_copy detach detach_copy diag_embed diagonal_backward
        diagonal_copy diagonal_scatter expand_copy flip im2col col2im indices_copy lift
        lift_fresh_copy lu_unpack mkldnn_reorder_conv2d_weight mkldnn_reorder_conv3d_weight
        narrow_copy permute_copy pixel_shuffle pixel_unshuffle record_stream repeat
        repeat_interleave resize resize_as resize_as_sparse roll rot90 row_indices_copy
        select_backward select_copy select_scatter set slice_backward slice_copy slice_scatter
        sparse_compressed_tensor sparse_mask sparse_resize sparse_resize_and_clear split_copy
        split_with_sizes_copy squeeze squeeze_copy stack t t_copy to_mkldnn to_padded_tensor
        transpose transpose_copy tril triu unbind_copy unfold_backward unfold_copy unsafe_split
        unsafe_split_with_sizes unsqueeze unsqueeze_copy values_copy view_as_complex_copy
        view_as_real_copy view_copy""")
    | families(of_dims("reflection_pad#", "replication_pad#"))
    | families(of_dims("reflection_pad#_backward", "replication_pad#_backward")),
    "factories": families("""
        empty_like full_like new_empty new_empty_strided new_full new_ones new_zeros ones_like
        zeros_like linspace logspace _new_zeros_with_same_feature_meta"""),
    "questions and tests": families("""
        _foobar _functional_assert_async _functional_assert_scalar
        _functional_sym_constrain_range _functional_sym_constrain_range_for_size
        _test_autograd_multiple_dispatch _test_autograd_multiple_dispatch_view_copy
        _test_functorch_fallback _test_optional_filled_intlist _test_optional_floatlist
        _test_optional_intlist _test_parallel_materialize _test_warn_in_autograd"""),
    "random": families("""
        _fill_mem_eff_dropout_mask _fused_dropout _philox_normal _philox_uniform
        _sample_dirichlet _standard_gamma bernoulli binomial cauchy exponential geometric
        log_normal multinomial native_dropout normal normal_functional poisson rand_like
        randint_like randn_like random uniform"""),
    "lookups and scatters": families("""
        _index_put_impl _unsafe_index _unsafe_index_put
        _unsafe_masked_index _unsafe_masked_index_put_accumulate bincount embedding
        embedding_dense_backward embedding_renorm gather histc histogram _histogramdd_bin_edges
        _histogramdd_from_bin_cts _histogramdd_from_bin_tensors index index_add index_copy
        index_fill index_put index_reduce index_select masked_scatter masked_scatter_backward
        masked_select nonzero nonzero_static put scatter scatter_add scatter_reduce take
        _unique _unique2 unique_consecutive unique_dim unique_dim_consecutive"""),
    "reductions, scans and sorts": families("""
        _aminmax _cummax_helper _cummin_helper _is_all_true _is_any_true _logcumsumexp
        _nested_sum_backward _segment_reduce_backward _sparse_csr_prod _sparse_csr_sum
        _sparse_sum _sparse_sum_backward all amax amin aminmax any argmax argmin count_nonzero
        cummax cummin cumprod cumsum hash_tensor kthvalue linalg__powsum linalg_vector_norm
        logcumsumexp logsumexp mean median mode nanmedian nansum native_norm norm prod renorm
        segment_reduce sort std std_mean sum topk trace var var_mean"""),
    "softmax": families("""
        _log_softmax _log_softmax_backward_data _masked_softmax _masked_softmax_backward
        _nested_tensor_softmax_with_shape _safe_softmax _softmax _softmax_backward_data
        _sparse_log_softmax _sparse_log_softmax_backward_data _sparse_softmax
        _sparse_softmax_backward_data log_softmax softmax"""),
    "norms": families("""
        _batch_norm_no_update _batch_norm_with_update _batch_norm_with_update_functional
        _fused_rms_norm_backward _native_batch_norm_legit _native_batch_norm_legit_functional
        _native_batch_norm_legit_no_training _weight_norm_interface
        _weight_norm_interface_backward batch_norm_backward batch_norm_backward_elemt
        batch_norm_backward_reduce batch_norm_elemt batch_norm_gather_stats
        batch_norm_gather_stats_with_counts batch_norm_stats batch_norm_update_stats
        cudnn_batch_norm cudnn_batch_norm_backward miopen_batch_norm miopen_batch_norm_backward
        native_batch_norm native_batch_norm_backward native_group_norm
        native_group_norm_backward native_layer_norm native_layer_norm_backward
        quantized_batch_norm"""),
    "pools": families("""
        _adaptive_avg_pool2d _adaptive_avg_pool2d_backward _adaptive_avg_pool3d
        _adaptive_avg_pool3d_backward adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
        adaptive_avg_pool3d_backward adaptive_max_pool2d adaptive_max_pool2d_backward
        adaptive_max_pool3d adaptive_max_pool3d_backward avg_pool1d avg_pool2d
        avg_pool2d_backward avg_pool3d avg_pool3d_backward fractional_max_pool2d
        fractional_max_pool2d_backward fractional_max_pool3d fractional_max_pool3d_backward
        max_pool2d_backward max_pool2d_with_indices max_pool2d_with_indices_backward
        max_pool3d_with_indices max_pool3d_with_indices_backward max_unpool2d max_unpool3d
        mkldnn_adaptive_avg_pool2d mkldnn_adaptive_avg_pool2d_backward mkldnn_max_pool2d
        mkldnn_max_pool2d_backward mkldnn_max_pool3d mkldnn_max_pool3d_backward
        quantized_max_pool1d quantized_max_pool2d quantized_max_pool3d"""),
}
"""Ops without products of two operands, summed."""
