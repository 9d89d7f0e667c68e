"""A small checkpoint's own code, with the module names and calls of DeepSeek-OCR's.

Written for the tests of ``vendor.remote_code``: the published code cannot ship here. Like
it, this one computes RoPE's angles as a product, attends in the vision tower by
scaled_dot_product_attention, routes tokens to experts by their values, makes buffers of numbers
in constructors, and has blocks that call the ``forward`` of their parts, past their hooks.
"""

import math

import torch
from torch import nn
from torch.nn import functional
from transformers import PretrainedConfig, PreTrainedModel


class SmallConfig(PretrainedConfig):
    model_type = "small_deepseek_ocr"

    def __init__(self, language_config=None, vision_config=None, projector_config=None, **kwargs):
        self.language_config = language_config or {}
        self.vision_config = vision_config or {}
        self.projector_config = projector_config or {}
        super().__init__(**kwargs)


def heads_first(x, heads):
    batch, tokens, width = x.shape
    return x.reshape(batch, tokens, heads, width // heads).transpose(1, 2)


class SamAttention(nn.Module):
    def __init__(self, width, heads, side):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.rel_pos = nn.Parameter(torch.empty(2, side, side, width // heads))

    def forward(self, x):
        batch, height, width, channels = x.shape
        q, k, v = self.qkv(x).view(batch, height * width, 3 * channels).chunk(3, dim=-1)
        q, k, v = (heads_first(part, self.heads) for part in (q, k, v))
        grid = q.reshape(batch * self.heads, height, width, -1)
        rows = torch.einsum("bhwc,hkc->bhwk", grid, self.rel_pos[0, :height, :height])
        columns = torch.einsum("bhwc,wkc->bhwk", grid, self.rel_pos[1, :width, :width])
        bias = (rows[..., :, None] + columns[..., None, :]).reshape(
            batch, self.heads, height * width, height * width
        )
        x = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self.proj(x.transpose(1, 2).reshape(batch, height, width, channels))


class SamMlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.lin1 = nn.Linear(width, 4 * width)
        self.lin2 = nn.Linear(4 * width, width)

    def forward(self, x):
        return self.lin2(functional.gelu(self.lin1(x)))


class SamBlock(nn.Module):
    def __init__(self, width, heads, window):
        super().__init__()
        self.window = window
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = SamAttention(width, heads, window or 64)
        self.mlp = SamMlp(width)

    def attend(self, x):
        if not self.window:
            return self.attn(x)
        batch, height, width, channels = x.shape
        size = self.window
        down, right = -height % size, -width % size
        x = functional.pad(x, (0, 0, 0, right, 0, down))
        rows, columns = (height + down) // size, (width + right) // size
        x = x.reshape(batch, rows, size, columns, size, channels).transpose(2, 3)
        x = self.attn(x.reshape(-1, size, size, channels))
        x = x.view(batch, rows, columns, size, size, channels).transpose(2, 3)
        return x.reshape(batch, rows * size, columns * size, channels)[:, :height, :width]

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ChannelNorm(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class PatchEmbed(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.proj = nn.Conv2d(3, width, 16, stride=16)

    def forward(self, x):
        return self.proj(x).permute(0, 2, 3, 1)


class SamModel(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        width, (middle, last) = sizes["width"], sizes["downsample_channels"]
        self.patch_embed = PatchEmbed(width)
        self.blocks = nn.ModuleList(
            SamBlock(width, sizes["heads"], 0 if i in sizes["global_attn_indexes"] else 14)
            for i in range(sizes["layers"])
        )
        self.neck = nn.Sequential(
            nn.Conv2d(width, 256, 1, bias=False),
            ChannelNorm(256),
            nn.Conv2d(256, 256, 3, padding=1, bias=False),
            ChannelNorm(256),
        )
        self.net_2 = nn.Conv2d(256, middle, 3, stride=2, padding=1, bias=False)
        self.net_3 = nn.Conv2d(middle, last, 3, stride=2, padding=1, bias=False)

    def forward(self, x):
        x = self.patch_embed(x)
        for block in self.blocks:
            x = block(x)
        return self.net_3(self.net_2(self.neck(x.permute(0, 3, 1, 2))))


class ClipAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x):
        q, k, v = (heads_first(part, self.heads) for part in self.qkv_proj(x).chunk(3, dim=-1))
        x = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return self.out_proj(x)


class ClipMlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        x = self.fc1(x)
        return self.fc2(x * torch.sigmoid(1.702 * x))


class ClipLayer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.self_attn, self.mlp = ClipAttention(width, heads), ClipMlp(width)
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x):
        x = x + self.self_attn.forward(self.layer_norm1(x))
        return x + self.mlp.forward(self.layer_norm2(x))


class ClipTransformer(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = nn.ModuleList(
            ClipLayer(sizes["width"], sizes["heads"]) for _ in range(sizes["layers"])
        )

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class ClipEmbeddings(nn.Module):
    """Adds a class token, and positions of a grid that is resized to the image's."""

    def __init__(self, width, side=3):
        super().__init__()
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.position_embedding = nn.Embedding(side * side + 1, width)
        self.register_buffer("position_ids", torch.arange(side * side + 1).expand(1, -1))

    def forward(self, x):
        table = self.position_embedding(self.position_ids)[0]
        old, new = math.isqrt(int(self.position_ids.max())), math.isqrt(x.shape[1])
        grid = table[1:].T.reshape(1, -1, old, old).float()
        grid = functional.interpolate(grid, size=(new, new), mode="bicubic").flatten(2)
        positions = torch.cat((table[:1], grid[0].T.to(x.dtype)))
        return torch.cat((self.class_embedding.expand(len(x), 1, -1), x), dim=1) + positions


class ClipModel(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.embeddings = ClipEmbeddings(sizes["width"])
        self.pre_layrnorm = nn.LayerNorm(sizes["width"])
        self.transformer = ClipTransformer(sizes)

    def forward(self, pixels, patch_embeds):
        x = patch_embeds.flatten(2).transpose(1, 2)
        return self.transformer(self.pre_layrnorm(self.embeddings(x)))


class Projector(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = nn.Linear(sizes["input_dim"], sizes["n_embed"])

    def forward(self, x):
        return self.layers(x)


class Rotary(nn.Module):
    def __init__(self, head_dim):
        super().__init__()
        exponents = torch.arange(0, head_dim, 2) / head_dim
        self.register_buffer("inv_freq", 10000.0**-exponents, persistent=False)

    def forward(self, positions):
        frequencies = self.inv_freq[None, :, None].float().expand(len(positions), -1, 1)
        angles = (frequencies @ positions[:, None, :].float()).transpose(1, 2)
        return torch.cat((angles, angles), dim=-1)


class Attention(nn.Module):
    def __init__(self, sizes, index):
        super().__init__()
        width, self.heads, self.index = sizes["hidden_size"], sizes["num_attention_heads"], index
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (
            nn.Linear(width, width, bias=False) for _ in range(4)
        )
        self.rotary_emb = Rotary(width // self.heads)

    def forward(self, x, positions, cache):
        q, k, v = (heads_first(f(x), self.heads) for f in (self.q_proj, self.k_proj, self.v_proj))
        angles = self.rotary_emb(positions)[:, None].to(q.dtype)
        q, k = q * angles.cos(), k * angles.cos()
        k, v = cache.update(k, v, self.index)
        scores = q @ k.transpose(2, 3)
        return self.o_proj((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x):
        return self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))


class Gate(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.top_k = sizes["num_experts_per_tok"]
        self.weight = nn.Parameter(torch.empty(sizes["n_routed_experts"], sizes["hidden_size"]))

    def forward(self, x):
        scores = functional.linear(x.float(), self.weight.float()).softmax(-1)
        return scores.topk(self.top_k, dim=-1)


class Moe(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        width, inner = sizes["hidden_size"], sizes["moe_intermediate_size"]
        self.gate = Gate(sizes)
        self.experts = nn.ModuleList(Mlp(width, inner) for _ in range(sizes["n_routed_experts"]))
        self.shared_experts = Mlp(width, inner * sizes["n_shared_experts"])

    def forward(self, x):
        tokens = x.flatten(0, 1)
        weights, chosen = self.gate(tokens)
        out = torch.zeros_like(tokens)
        for index, expert in enumerate(self.experts):
            token, slot = torch.where(chosen == index)
            if len(token):
                out[token] += expert(tokens[token]) * weights[token, slot, None].to(x.dtype)
        return out.view_as(x) + self.shared_experts(x)


class Layer(nn.Module):
    def __init__(self, sizes, index):
        super().__init__()
        width = sizes["hidden_size"]
        dense = index < sizes["first_k_dense_replace"]
        self.self_attn = Attention(sizes, index)
        self.mlp = Mlp(width, sizes["intermediate_size"]) if dense else Moe(sizes)
        self.input_layernorm = nn.RMSNorm(width)
        self.post_attention_layernorm = nn.RMSNorm(width)

    def forward(self, x, positions, cache):
        x = x + self.self_attn(self.input_layernorm(x), positions, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class SmallModel(nn.Module):
    def __init__(self, config):
        super().__init__()
        text, towers = config.language_config, config.vision_config["width"]
        self.sam_model = SamModel(towers["sam_vit_b"])
        self.vision_model = ClipModel(towers["clip-l-14-224"])
        self.projector = Projector(config.projector_config)
        self.embed_tokens = nn.Embedding(text["vocab_size"], text["hidden_size"])
        self.layers = nn.ModuleList(Layer(text, i) for i in range(text["num_hidden_layers"]))

    def forward(self, input_ids, position_ids, past_key_values, images):
        if input_ids.shape[1] != 1 and torch.sum(images[0][1]).item() != 0:
            raise NotImplementedError("the images are encoded apart in these tests")
        x = self.embed_tokens(input_ids)
        for layer in self.layers:
            x = layer(x, position_ids, past_key_values)
        return x


class SmallForCausalLM(PreTrainedModel):
    config_class = SmallConfig

    def __init__(self, config):
        super().__init__(config)
        text = config.language_config
        self.model = SmallModel(config)
        self.lm_head = nn.Linear(text["hidden_size"], text["vocab_size"], bias=False)
        self.post_init()

    def _init_weights(self, module):
        pass

    def forward(self, input_ids=None, position_ids=None, past_key_values=None, images=None, **_):
        return self.lm_head(self.model(input_ids, position_ids, past_key_values, images))
