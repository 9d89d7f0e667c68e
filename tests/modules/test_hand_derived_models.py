"""Whole models whose FLOPs are derived by hand: 2 per multiply-add, from the list of layers."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from support.by_hand import Wide, cases_of, counted, zeros


def _bottleneck(inputs, width, stride):
    """ResNet's block: 1x1, 3x3 (which strides), 1x1 to 4 times the width, and a shortcut."""

    def forward(self, x):
        return (self.layers(x) + (self.shortcut(x) if hasattr(self, "shortcut") else x)).relu()

    layers = nn.Sequential(
        *_normed(inputs, width, 1), *_normed(width, width, 3, stride), *_normed(width, 4 * width, 1)
    )
    if inputs == 4 * width:
        return Wide(forward, layers=layers)
    shortcut = nn.Sequential(*_normed(inputs, 4 * width, 1, stride))
    return Wide(forward, layers=layers, shortcut=shortcut)


def _normed(inputs, outputs, kernel, stride=1):
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return conv, nn.BatchNorm2d(outputs), nn.ReLU()


def resnet50():
    """ResNet-50 (He et al., arXiv:1512.03385, table 1), which strides in its 3x3 convolutions."""
    stages, inputs = [], 64
    for width, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(blocks):
            stages.append(_bottleneck(inputs, width, stride if block == 0 else 1))
            inputs = 4 * width
    return nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.MaxPool2d(3, 2, 1), *stages)


def case_resnet50():
    macs = 112**2 * 64 * 3 * 7**2
    for width, inputs, blocks, before, after in (
        (64, 64, 3, 56, 56),
        (128, 256, 4, 56, 28),
        (256, 512, 6, 28, 14),
        (512, 1024, 3, 14, 7),
    ):
        # The first block of a stage reduces what is there before it strides; and it has a shortcut.
        macs += before**2 * inputs * width + after**2 * (9 * width**2 + 4 * width**2)
        macs += after**2 * inputs * 4 * width
        macs += (blocks - 1) * after**2 * (4 * width**2 + 9 * width**2 + 4 * width**2)
    assert 2 * macs == 8_174_272_512
    return resnet50(), [zeros(1, 3, 224, 224)], 2 * macs


def case_resnet50_with_head():
    module, inputs, flops = case_resnet50()
    head = nn.Sequential(module, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))
    return head, inputs, flops + 2 * 2048 * 1000


def case_vit_b_16():
    # 14 x 14 patches of 3 x 16 x 16 and a class token: 197 tokens of 768, in 12 layers.
    def forward(self, image):
        patches = self.patch(image).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.weight.expand(len(image), 1, 768), patches], 1)
        return self.head(self.encoder(tokens + self.position.weight)[:, 0])

    layer = nn.TransformerEncoderLayer(
        768, 12, 3072, activation="gelu", batch_first=True, norm_first=True
    )
    module = Wide(
        forward,
        patch=nn.Conv2d(3, 768, 16, 16),
        token=nn.Embedding(1, 768),
        position=nn.Embedding(197, 768),
        encoder=nn.TransformerEncoder(layer, 12, enable_nested_tensor=False),
        head=nn.Linear(768, 1000),
    )
    per_layer = 197 * 12 * 768**2 + 2 * 197**2 * 768
    macs = 196 * 768 * 3 * 16**2 + 12 * per_layer + 768 * 1000
    return module.eval(), [zeros(1, 3, 224, 224)], 2 * macs


def case_bert_base():
    from transformers import BertConfig, BertModel

    # 128 tokens of 768, 12 layers: 4 d^2 + 8 d^2 per token, and 2 d per pair. The pooler has one.
    macs = 12 * (128 * 12 * 768**2 + 2 * 128**2 * 768) + 768**2
    assert 2 * macs == 22_348_431_360
    return BertModel(BertConfig()), [torch.zeros(1, 128, dtype=torch.long)], 2 * macs


def case_gpt2_small():
    from transformers import GPT2Config, GPT2LMHeadModel

    # The head gives each of 64 tokens scores of 50257 words. Masked pairs are computed, too.
    macs = 12 * (64 * 12 * 768**2 + 2 * 64**2 * 768) + 64 * 768 * 50257
    tokens = torch.zeros(1, 64, dtype=torch.long)
    return GPT2LMHeadModel(GPT2Config(use_cache=False)), [tokens], 2 * macs


def case_a_llama():
    from transformers import LlamaConfig, LlamaModel

    # 8 heads of 32 and 2 of keys and values; the gated MLP has 3 matrices. The rotary embedding is
    # elementwise.
    config = LlamaConfig(
        hidden_size=256,
        intermediate_size=688,
        num_hidden_layers=2,
        num_attention_heads=8,
        num_key_value_heads=2,
        vocab_size=100,
        use_cache=False,
    )
    per_token = 2 * 256 * 256 + 2 * 256 * 64 + 3 * 256 * 688
    macs = 2 * (20 * per_token + 2 * 20**2 * 256)
    return LlamaModel(config), [torch.zeros(1, 20, dtype=torch.long)], 2 * macs


def case_vgg11():
    # Five stages of 3x3 convolutions, halved by pools: 224, 112, 56, 28 and 14.
    plan = [(64, 224), (128, 112), (256, 56), (256, 56), (512, 28), (512, 28), (512, 14), (512, 14)]
    layers, macs, inputs = [], 0, 3
    for i, (outputs, side) in enumerate(plan):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
        if i + 1 == len(plan) or plan[i + 1][1] < side:
            layers.append(nn.MaxPool2d(2))
        macs += side**2 * inputs * outputs * 9
        inputs = outputs
    layers += [
        nn.Flatten(),
        nn.Linear(512 * 49, 4096),
        nn.Linear(4096, 4096),
        nn.Linear(4096, 1000),
    ]
    macs += 512 * 49 * 4096 + 4096 * 4096 + 4096 * 1000
    return nn.Sequential(*layers), [zeros(1, 3, 224, 224)], 2 * macs


def case_unet():
    # Two levels down, a bottom, and two up: each up doubles the side, by a transposed 2x2, and then
    # convolves what was there on the way down with it.
    def forward(self, x):
        top = self.down1(x)
        middle = self.down2(functional.max_pool2d(top, 2))
        bottom = self.bottom(functional.max_pool2d(middle, 2))
        middle = self.join2(torch.cat([middle, self.up2(bottom)], 1))
        return self.head(self.join1(torch.cat([top, self.up1(middle)], 1)))

    module = Wide(
        forward,
        down1=nn.Conv2d(1, 16, 3, padding=1),
        down2=nn.Conv2d(16, 32, 3, padding=1),
        bottom=nn.Conv2d(32, 64, 3, padding=1),
        up2=nn.ConvTranspose2d(64, 32, 2, 2),
        join2=nn.Conv2d(64, 32, 3, padding=1),
        up1=nn.ConvTranspose2d(32, 16, 2, 2),
        join1=nn.Conv2d(32, 16, 3, padding=1),
        head=nn.Conv2d(16, 2, 1),
    )
    full = 64**2 * (1 * 16 * 9 + 32 * 16 * 9 + 16 * 2)
    half = 32**2 * (16 * 32 * 9 + 64 * 32 * 9 + 32 * 16 * 4)
    quarter = 16**2 * (32 * 64 * 9 + 64 * 32 * 4)
    return module, [zeros(1, 1, 64, 64)], 2 * (full + half + quarter)


def case_dcgan_generator():
    # Noise of 100 is a 1x1 image; each layer has 4x4 filters: 1 -> 4 -> 8 -> 16 -> 32 -> 64. A
    # transposed convolution works per position of its input.
    layers = [nn.ConvTranspose2d(100, 512, 4), nn.ReLU()]
    macs, width, side = 100 * 512 * 16, 512, 4
    for outputs in (256, 128, 64, 3):
        layers += [nn.ConvTranspose2d(width, outputs, 4, 2, 1), nn.ReLU()]
        macs += side**2 * width * outputs * 16
        width, side = outputs, 2 * side
    return nn.Sequential(*layers), [zeros(7, 100, 1, 1)], 2 * 7 * macs


def case_translation_transformer():
    # nn.Transformer: 2 layers each way of width 64; 9 tokens in, 5 out.
    module = nn.Transformer(64, 4, 2, 2, 128, batch_first=True)
    encoder = 9 * (4 * 64**2 + 2 * 64 * 128) + 2 * 9**2 * 64
    decoder = 5 * (6 * 64**2 + 2 * 64 * 128) + 9 * 2 * 64**2 + 2 * (5**2 + 5 * 9) * 64
    return module, [zeros(3, 9, 64), zeros(3, 5, 64)], 2 * 3 * 2 * (encoder + decoder)


def case_speech_encoder():
    # Two convolutions, the second of stride 2, a bidirectional GRU, and a head over 30 letters.
    def forward(self, spectrum):
        return self.head(self.rnn(self.convs(spectrum).transpose(1, 2))[0])

    module = Wide(
        forward,
        convs=nn.Sequential(nn.Conv1d(80, 64, 3, padding=1), nn.Conv1d(64, 64, 3, 2, 1)),
        rnn=nn.GRU(64, 48, bidirectional=True, batch_first=True),
        head=nn.Linear(96, 30),
    )
    macs = 100 * 80 * 64 * 3 + 50 * (64 * 64 * 3 + 2 * 3 * 48 * (64 + 48) + 96 * 30)
    return module, [zeros(2, 80, 100)], 2 * 2 * macs


def case_two_towers():
    # Embeddings of 32 for 10 users and 20 items, each through its own layer, and all scores.
    def forward(self, users, items):
        return self.left(self.users(users)) @ self.right(self.items(items)).T

    module = Wide(
        forward,
        users=nn.Embedding(100, 32),
        items=nn.Embedding(500, 32),
        left=nn.Linear(32, 16),
        right=nn.Linear(32, 16),
    )
    inputs = [torch.zeros(n, dtype=torch.long) for n in (10, 20)]
    return module, inputs, 2 * (10 * 32 * 16 + 20 * 32 * 16 + 10 * 16 * 20)


def case_graph_convolution():
    # Kipf and Welling: A (X W), twice, with a dense matrix of 34 nodes.
    def forward(self, adjacency, x):
        return adjacency @ self.second((adjacency @ self.first(x)).relu())

    module = Wide(forward, first=nn.Linear(20, 16, bias=False), second=nn.Linear(16, 4, bias=False))
    macs = 34 * 20 * 16 + 34 * 34 * 16 + 34 * 16 * 4 + 34 * 34 * 4
    return module, [zeros(34, 34), zeros(34, 20)], 2 * macs


CASES = cases_of(globals())


@pytest.mark.parametrize("name", CASES)
def test_the_count_is_that_derived_by_hand(name):
    module, inputs, flops = CASES[name]()
    assert counted(module, *inputs) == flops


def test_a_training_step_of_a_perceptron():
    # Backward: a product for each weight's gradient, and for each layer's input but the first.
    module = nn.Sequential(nn.Linear(20, 30), nn.Tanh(), nn.Linear(30, 5))
    first, second = 8 * 20 * 30, 8 * 30 * 5
    forward, backward = first + second, first + 2 * second
    assert counted(module, zeros(8, 20), backward=True) == 2 * (forward + backward)


def test_a_training_step_of_a_convolution():
    # The gradient of the weight costs what the layer does; that of an image is not needed, and
    # that of the hidden image costs it again.
    module = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 3, 2, 1))
    first, second = 16**2 * 3 * 8 * 9, 8**2 * 4 * 8 * 9
    steps = counted(module, zeros(5, 3, 16, 16), backward=True)
    assert steps == 2 * 5 * (2 * first + 3 * second)
