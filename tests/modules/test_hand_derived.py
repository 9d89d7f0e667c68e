"""Layers and blocks whose FLOPs are derived by hand: 2 per multiply-add, from the layer list.

Nothing below looks at what flopbench or torch say; only the last line of each case does.
"""

import pytest
import torch
from torch import nn
from torch.nn import functional

from support.by_hand import Wide, cases_of, counted, zeros


def case_perceptron():
    layers = nn.Sequential(nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 10, bias=False))
    return layers, [zeros(32, 784)], 2 * 32 * (784 * 300 + 300 * 10)


def case_strided_convolution():
    # 3x5 filters, stride 2x1, padding 1x0: 17 -> (17 + 2 - 3) // 2 + 1 = 9, and 20 -> 16.
    layer = nn.Conv2d(6, 8, (3, 5), stride=(2, 1), padding=(1, 0))
    return layer, [zeros(4, 6, 17, 20)], 2 * 4 * 8 * (9 * 16) * 6 * 3 * 5


def case_dilated_grouped_convolution():
    # A dilation of 4 spreads 3 taps over 9: 50 -> 42. Each output channel sees 12 / 3 inputs.
    layer = nn.Conv1d(12, 9, 3, dilation=4, groups=3)
    return layer, [zeros(2, 12, 50)], 2 * 2 * 9 * 42 * (12 // 3) * 3


def case_convolution_in_three_dimensions():
    # 8x10x12 -> 7x5x4, with filters of 2x3x4, padding 0x1x2 and strides 1x2x4.
    layer = nn.Conv3d(3, 5, (2, 3, 4), stride=(1, 2, 4), padding=(0, 1, 2))
    return layer, [zeros(2, 3, 8, 10, 12)], 2 * 2 * 5 * (7 * 5 * 4) * 3 * (2 * 3 * 4)


def case_transposed_convolution():
    # Each of the 7 x 6 inputs goes to 3 x 4 outputs in the 10 / 2 channels of its group,
    # whatever stride, dilation and padding are.
    layer = nn.ConvTranspose2d(
        8, 10, (3, 4), stride=2, dilation=(2, 3), groups=2, padding=1, output_padding=1
    )
    return layer, [zeros(3, 8, 7, 6)], 2 * 3 * (7 * 6) * 8 * (10 // 2) * (3 * 4)


def case_depthwise_separable():
    # MobileNet: a filter per channel, then a matrix over channels, at 14 x 14 and 7 x 7.
    block = nn.Sequential(
        nn.Conv2d(64, 64, 3, stride=2, padding=1, groups=64, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU6(),
        nn.Conv2d(64, 128, 1, bias=False),
        nn.BatchNorm2d(128),
    )
    return block, [zeros(1, 64, 14, 14)], 2 * (7 * 7) * (64 * 9 + 64 * 128)


def case_inverted_residual():
    # MobileNetV2: 24 channels to 6 times as many, 3x3 on each of them, and back; at 28 x 28.
    layers = nn.Sequential(
        nn.Conv2d(24, 144, 1),
        nn.ReLU6(),
        nn.Conv2d(144, 144, 3, padding=1, groups=144),
        nn.ReLU6(),
        nn.Conv2d(144, 24, 1),
    )
    block = Wide(lambda self, x: x + self.layers(x), layers=layers)
    return block, [zeros(2, 24, 28, 28)], 2 * 2 * 28 * 28 * (24 * 144 + 144 * 9 + 144 * 24)


def case_squeeze_and_excite():
    def forward(self, x):
        weights = self.expand(self.squeeze(x.mean((2, 3))).relu()).sigmoid()
        return x * weights[:, :, None, None]

    block = Wide(forward, squeeze=nn.Linear(96, 24), expand=nn.Linear(24, 96))
    return block, [zeros(5, 96, 7, 7)], 2 * 5 * (96 * 24 + 24 * 96)


def case_lstm():
    # Layer 1 sees the 10 inputs, layers 2 and 3 both directions of the one below: 2 x 20. Each of
    # the 4 gates has a matrix for these and one for the state.
    layer = nn.LSTM(10, 20, num_layers=3, bidirectional=True)
    first, above = 4 * 20 * (10 + 20), 4 * 20 * (2 * 20 + 20)
    return layer, [zeros(7, 5, 10)], 2 * (7 * 5) * 2 * (first + 2 * above)


def case_lstm_with_projection():
    # The state, and what the layer above sees, is the projection of 20 to 6.
    layer = nn.LSTM(10, 20, num_layers=2, proj_size=6, batch_first=True)
    gates = 4 * 20 * (10 + 6) + 4 * 20 * (6 + 6)
    return layer, [zeros(5, 7, 10)], 2 * (5 * 7) * (gates + 2 * (20 * 6))


def case_gru():
    layer = nn.GRU(10, 20, num_layers=2, bias=False)
    return layer, [zeros(7, 5, 10)], 2 * (7 * 5) * 3 * 20 * ((10 + 20) + (20 + 20))


def case_unbatched_rnn():
    return nn.RNN(4, 3, nonlinearity="relu"), [zeros(11, 4)], 2 * 11 * 3 * (4 + 3)


def case_unrolled_cells():
    # A decoder that feeds its word back for 6 steps: two cells, and a head over 50 words.
    def forward(self, word, h1, c1, h2, c2):
        for _ in range(6):
            h1, c1 = self.lower(word, (h1, c1))
            h2, c2 = self.upper(h1, (h2, c2))
            word = self.embed(self.head(h2).argmax(-1))
        return word

    module = Wide(
        forward,
        lower=nn.LSTMCell(12, 16),
        upper=nn.LSTMCell(16, 16),
        head=nn.Linear(16, 50),
        embed=nn.Embedding(50, 12),
    )
    gates = 4 * 16 * (12 + 16) + 4 * 16 * (16 + 16)
    return module, [zeros(3, 12), *(zeros(3, 16) for _ in range(4))], 2 * 6 * 3 * (gates + 16 * 50)


def case_gru_cell():
    return nn.GRUCell(9, 5), [zeros(4, 9)], 2 * 4 * 3 * 5 * (9 + 5)


def case_masked_attention():
    # 4 heads of 8: each query meets each key twice (score and context), masked or not.
    layer = nn.MultiheadAttention(32, 4, batch_first=True)
    tokens = zeros(2, 9, 32)
    mask = torch.ones(9, 9, dtype=torch.bool).triu(1)
    module = Wide(lambda self, x: self.layer(x, x, x, attn_mask=mask)[0], layer=layer)
    return module, [tokens], 2 * 2 * (4 * 9 * 32 * 32 + 2 * 9 * 9 * 32)


def case_cross_attention():
    # Keys have 20 features and values 12. A bias and a zero make 7 keys 9.
    layer = nn.MultiheadAttention(32, 4, kdim=20, vdim=12, add_bias_kv=True, add_zero_attn=True)
    projections = 5 * 32 * 32 + 7 * 20 * 32 + 7 * 12 * 32 + 5 * 32 * 32
    operands = [zeros(5, 3, 32), zeros(7, 3, 20), zeros(7, 3, 12)]
    return layer, operands, 2 * 3 * (projections + 2 * 5 * 9 * 32)


def case_grouped_query_attention():
    # 8 heads share 2 of keys and values, which takes nothing from the products with them.
    def forward(self, x):
        q, k, v = (
            project(x).unflatten(-1, (-1, 16)).transpose(1, 2)
            for project in (self.q, self.k, self.v)
        )
        out = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return self.out(out.transpose(1, 2).flatten(2))

    module = Wide(
        forward,
        q=nn.Linear(128, 128),
        k=nn.Linear(128, 32),
        v=nn.Linear(128, 32),
        out=nn.Linear(128, 128),
    )
    linear = 128 * (128 + 32 + 32 + 128)
    return module, [zeros(2, 10, 128)], 2 * 2 * (10 * linear + 2 * 10 * 10 * 8 * 16)


def case_encoder_layer():
    layer = nn.TransformerEncoderLayer(64, 4, 256, batch_first=True).eval()
    per_token = 4 * 64 * 64 + 2 * 64 * 256
    return layer, [zeros(3, 10, 64)], 2 * 3 * (10 * per_token + 2 * 10 * 10 * 64)


def case_encoder_with_padding():
    # Padding takes part like any token; 2 layers.
    layer = nn.TransformerEncoderLayer(64, 4, 256, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2).eval()
    padding = torch.tensor([[False] * 10, [False] * 4 + [True] * 6])
    module = Wide(lambda self, x: self.encoder(x, src_key_padding_mask=padding), encoder=encoder)
    per_token = 4 * 64 * 64 + 2 * 64 * 256
    return module, [zeros(2, 10, 64)], 2 * 2 * 2 * (10 * per_token + 2 * 10 * 10 * 64)


def case_decoder_layer():
    # Self-attention over 6 tokens, attention to 10 of the encoder, and two linear layers.
    layer = nn.TransformerDecoderLayer(64, 4, 256)
    self_attention = 4 * 6 * 64 * 64 + 2 * 6 * 6 * 64
    cross_attention = (2 * 6 + 2 * 10) * 64 * 64 + 2 * 6 * 10 * 64
    operands = [zeros(6, 3, 64), zeros(10, 3, 64)]
    return layer, operands, 2 * 3 * (self_attention + cross_attention + 2 * 6 * 64 * 256)


def case_bilinear():
    # For each of 7 outputs: a row of 5 times a matrix of 5 x 6, then a dot product of 6.
    return nn.Bilinear(5, 6, 7), [zeros(4, 5), zeros(4, 6)], 2 * 4 * 7 * (5 * 6 + 6)


def case_einsum():
    # Scores of 3 heads, as the products of 10 queries and 12 keys with 8 features.
    module = Wide(lambda _, q, k: torch.einsum("bqhd,bkhd->bhqk", q, k))
    return module, [zeros(2, 10, 3, 8), zeros(2, 12, 3, 8)], 2 * 2 * 3 * 10 * 12 * 8


def case_linear_attention():
    # Keys meet values first: [8, 10] of a head, whatever the length of 50; so does the sum of keys.
    def forward(_, q, k, v):
        state = torch.einsum("bnhd,bnhe->bhde", k, v)
        norm = torch.einsum("bnhd,bhd->bnh", q, k.sum(1))
        return torch.einsum("bnhd,bhde->bnhe", q, state) / norm[..., None]

    operands = [zeros(2, 50, 3, 8), zeros(2, 50, 3, 8), zeros(2, 50, 3, 10)]
    return Wide(forward), operands, 2 * 2 * 3 * 50 * (8 * 10 + 8 + 8 * 10)


def case_mixer_block():
    # MLP-Mixer: 49 patches of 128 channels; the patches are mixed by 64, the channels by 512.
    def forward(self, x):
        x = x + self.patches(self.norm(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm(x))

    module = Wide(
        forward,
        norm=nn.LayerNorm(128),
        patches=nn.Sequential(nn.Linear(49, 64), nn.GELU(), nn.Linear(64, 49)),
        channels=nn.Sequential(nn.Linear(128, 512), nn.GELU(), nn.Linear(512, 128)),
    )
    macs = 128 * 2 * 49 * 64 + 49 * 2 * 128 * 512
    return module, [zeros(2, 49, 128)], 2 * 2 * macs


def case_convnext_block():
    # 7x7 on each channel, then two linear layers over channels: 96 to 384 and back; at 14 x 14.
    def forward(self, x):
        y = self.depthwise(x).permute(0, 2, 3, 1)
        return x + self.project(functional.gelu(self.expand(y))).permute(0, 3, 1, 2)

    module = Wide(
        forward,
        depthwise=nn.Conv2d(96, 96, 7, padding="same", groups=96),
        expand=nn.Linear(96, 384),
        project=nn.Linear(384, 96),
    )
    return module, [zeros(1, 96, 14, 14)], 2 * 14 * 14 * (96 * 49 + 2 * 96 * 384)


def case_wavenet_layer():
    # A causal convolution with 2 taps, 8 apart, into a filter and a gate; then 1x1 back.
    def forward(self, x):
        kept, gate = self.conv(functional.pad(x, (8, 0))).chunk(2, 1)
        return x + self.out(kept.tanh() * gate.sigmoid())

    module = Wide(forward, conv=nn.Conv1d(32, 64, 2, dilation=8), out=nn.Conv1d(32, 32, 1))
    return module, [zeros(1, 32, 100)], 2 * 100 * (32 * 64 * 2 + 32 * 32)


def case_spatial_transformer():
    # A grid of 12 x 9 points, each [x, y, 1] times a matrix of 3 x 2; sampling is interpolation.
    def forward(self, image):
        theta = self.locate(image.flatten(1)).view(-1, 2, 3)
        grid = functional.affine_grid(theta, image.shape, align_corners=False)
        return functional.grid_sample(image, grid, align_corners=False)

    module = Wide(forward, locate=nn.Linear(3 * 12 * 9, 6))
    return module, [zeros(4, 3, 12, 9)], 2 * 4 * (3 * 12 * 9 * 6 + 12 * 9 * 3 * 2)


def case_codebook():
    # Nearest of 40 codes of 8: |x - c|^2 = [-2x, |x|^2, 1] . [c, 1, |c|^2], of 10 numbers each.
    def forward(self, x):
        nearest = torch.cdist(x, self.codes.weight).argmin(-1)
        return self.codes(nearest)

    return Wide(forward, codes=nn.Embedding(40, 8)), [zeros(30, 8)], 2 * 30 * 40 * (8 + 2)


def case_experts_by_hand():
    # A router over 4 experts, all of which run for all tokens, weighted.
    def forward(self, x):
        weights = self.router(x).softmax(-1)
        outputs = torch.stack([expert(x) for expert in self.experts], -1)
        return (outputs @ weights[..., None]).squeeze(-1)

    experts = nn.ModuleList(nn.Linear(16, 16) for _ in range(4))
    module = Wide(forward, router=nn.Linear(16, 4), experts=experts)
    return module, [zeros(5, 16)], 2 * 5 * (16 * 4 + 4 * 16 * 16 + 16 * 4)


CASES = cases_of(globals())


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("name", CASES)
def test_the_count_is_that_derived_by_hand(name):
    module, inputs, flops = CASES[name]()
    assert counted(module, *inputs) == flops
    # The kernels of a CPU do the same, in one op where meta does several.
    assert counted(module, *inputs, run=True) == flops


def test_there_are_enough_cases():
    assert len(CASES) >= 24
