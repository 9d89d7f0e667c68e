"""What flopbench ships passes the suites that plugin authors run."""

from pathlib import Path

from flopbench.testing import (
    AttentionConformance,
    CounterConformance,
    ModelConformance,
    ReporterConformance,
)
from flopbench_deepseek_ocr.analytic import DeepseekOcr
from flopbench_unlimited_ocr.analytic import UnlimitedOcr
from support.deepseek_strategies import architectures

SMALL = Path(__file__).parents[1] / "plugins" / "deepseek_ocr" / "checkpoint" / "config.json"
SMALL_WINDOW = Path(__file__).with_name("small_window.json")


class TestDeepseekOcr(ModelConformance):
    model = "deepseek_ocr"
    overrides = (f"model.config={SMALL}", "workload.mode=tiny", "workload.decode_steps=8")
    models = architectures().map(DeepseekOcr)


class TestUnlimitedOcr(ModelConformance):
    model = "unlimited_ocr"
    overrides = (
        f"model.config={SMALL_WINDOW}",
        "workload.image=[640,640]",
        "workload.decode_steps=8",
    )
    models = architectures().map(UnlimitedOcr)


class TestDeepseekOcr2(ModelConformance):
    model = "deepseek_ocr2"
    overrides = ("workload.mode=small", "workload.decode_steps=5")
    vendor_examples = 1


class TestLlama(ModelConformance):
    model = "hf/llama"
    overrides = (
        "model.overrides={hidden_size: 64, intermediate_size: 96, vocab_size: 100}",
        "model.overrides.num_hidden_layers=2",
        "model.overrides.num_attention_heads=4",
        "model.overrides.num_key_value_heads=2",
        "workload.context_tokens=20",
        "workload.decode_steps=5",
    )
    vendor_examples = 2
    deviations = {
        "closed_forms_need_no_torch": "transformers' configuration classes import torch",
    }


class TestInternVl(ModelConformance):
    model = "vl/internvl"
    overrides = (
        "model.overrides.text_config={hidden_size: 32, intermediate_size: 24, vocab_size: 100}",
        "model.overrides.text_config.num_hidden_layers=2",
        "model.overrides.text_config.num_attention_heads=4",
        "model.overrides.text_config.num_key_value_heads=2",
        "model.overrides.vision_config={num_hidden_layers: 2, hidden_size: 16}",
        "model.overrides.vision_config.image_size=[56,56]",
        "model.overrides.vision_config.num_attention_heads=2",
        "model.overrides.vision_config.intermediate_size=20",
        "workload.image=[300,200]",
        "workload.decode_steps=5",
    )
    vendor_examples = 2
    deviations = {
        "closed_forms_need_no_torch": "transformers' configuration classes import torch",
    }


class TestEager(AttentionConformance):
    mode = "eager"


class TestFlash(AttentionConformance):
    mode = "flash"


class TestFlash3(AttentionConformance):
    mode = "flash3"


class TestSparse(AttentionConformance):
    mode = "sparse"


class TestFlashTorch(AttentionConformance):
    mode = "flash_torch"


class TestFlashExecuted(AttentionConformance):
    mode = "flash_executed"


class TestTorch(CounterConformance):
    counter = "torch"


class TestNcu(CounterConformance):
    counter = "ncu"


class TestNcuEveryType(CounterConformance):
    counter = "ncu_every_type"


class TestFvcore(CounterConformance):
    counter = "fvcore"


class TestCalflops(CounterConformance):
    counter = "calflops"
    deviations = {
        "counts_what_is_known_by_hand[matmul]": "calflops does not replace the operator @",
    }


class TestConsole(ReporterConformance):
    reporter = "console"


class TestJson(ReporterConformance):
    reporter = "json"


class TestMarkdown(ReporterConformance):
    reporter = "markdown"


class TestCsv(ReporterConformance):
    reporter = "csv"
