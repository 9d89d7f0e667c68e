"""Matrix products: their tiles by the kernel's name, their sizes by the op, and their padding."""

import attrs
import pytest

from flopbench.kernels.gemm_products import Product, executed_flops, product_of
from flopbench.kernels.gemm_tiles import base_name, short_name, tile_of

NVJET = "nvjet_sm90_tst_128x72_64x8_2x1_v_bz_TNT"


@pytest.mark.parametrize(
    ("name", "tile"),
    [
        (NVJET, (128, 72, 64, (2, 1))),
        ("nvjet_sm90_tst_192x192_64x4_2x1_v_bz_coopB_bias_TNN", (192, 192, 64, (2, 1))),
        ("void cutlass::Kernel2<cutlass_75_tensorop_bf16_s1688gemm_bf16_256x128_tn_align1>(T1)",
         (256, 128, None, (1, 1))),
        ("cutlass::Kernel2<cutlass_80_tensorop_bf16_s16816gemm_bf16_64x128_64x3_nn_align2>",
         (64, 128, 64, (1, 1))),
        ("sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64_cgasize1x1x1",
         (128, 128, 64, (1, 1))),
        ("fmha_cutlassF_bf16_aligned_64x64_rf_sm80", (64, 64, None, (1, 1))),
        ("cudnn_generated_fort_native_sdpa_sm80_flash_fprop_wmma_f16_knob_35_16x128x128_1x4x1",
         (16, 128, 128, (1, 1))),
        ("void pytorch_flash::flash_fwd_kernel<Flash_fwd_kernel_traits<128, 128, 64, 4, 0>>(T)",
         (128, 64, 128, (1, 1))),
        ("device_kernel<64x128x128, cluster 2x1>", (64, 128, 128, (2, 1))),
    ],
)  # fmt: skip
def test_the_tile_is_read_from_the_kernels_name(name, tile):
    assert attrs.astuple(tile_of(name), recurse=False) == tile


def test_a_name_without_a_tile_has_none():
    assert tile_of("void at::native::vectorized_elementwise_kernel<4, int>(int)") is None


def test_long_template_arguments_give_way_to_the_tile():
    def shape(*sides):
        return f"cute::tuple<{', '.join(f'cute::C<{side}>' for side in sides)}>"

    main = f"Warps<4, {shape(2, 1, 1)}, Pingpong>, {shape(64, 128, 128)}"
    name = f"void cutlass::device_kernel<Gemm<{main}, {'x' * 99}>>(T)"
    assert short_name(name) == "cutlass::device_kernel<64x128x128, cluster 2x1>"
    assert tile_of(short_name(name)) == tile_of(name)


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("void at::native::<unnamed>::CatCopy<at::<unnamed>::T<2>, 3>(int)", "at::native::CatCopy"),
        ("nvjet_sm90_tst_8x8(T1)", "nvjet_sm90_tst_8x8"),
        ("void at::(anonymous namespace)::foo<int>(x)", "at::foo"),
    ],
)
def test_a_base_name_has_no_arguments(name, base):
    assert base_name(name) == base


@pytest.mark.parametrize(
    ("op", "operands", "product"),
    [
        ("aten.mm", "3x5 5x7", Product(1, 3, 7, 5)),
        ("aten.addmm", "7 3x5 5x7", Product(1, 3, 7, 5)),
        ("aten.bmm", "2x3x5 2x5x7", Product(2, 3, 7, 5)),
        # Two images of 9 x 9, windows of 3 x 3 at stride 2, padded by 1: 5 x 5 positions.
        ("aten.convolution", "2x4x9x9 6x4x3x3 [2,2] [1,1] [1,1] [0,0]", Product(1, 6, 50, 36)),
        ("aten._grouped_mm", "6x5 3x5x7 [1,1,6]", Product(1, 6, 7, 5, (1, 0, 5))),
        ("aten.add", "3x5", None),
    ],
)
def test_a_product_is_read_from_an_op(op, operands, product):
    assert product_of(op, operands) == product


def test_a_product_is_padded_to_tiles_clusters_and_splits():
    product = Product(1, 100, 300, 1000)
    assert product.useful_flops == 2 * 100 * 300 * 1000
    # Columns to 2 x 128, rows to 72, depth to 64.
    assert executed_flops(product, NVJET, "(2, 65, 1)") == 2 * 144 * 512 * 1024
    # 16 steps of 64 in 5 splits are 20; the grid has 2 x 4 x 5 blocks.
    split = NVJET.replace("bz_", "bz_splitK_")
    assert executed_flops(product, split, "(2, 20, 1)") == 2 * 144 * 512 * 1280
    # Groups are padded apart, an empty one not at all.
    grouped = Product(1, 6, 128, 64, (1, 0, 5))
    assert executed_flops(grouped, NVJET, "(1, 1, 1)") == 2 * 2 * 72 * 256 * 64
    assert executed_flops(product, "gemv2T", "(1, 1, 1)") is None
