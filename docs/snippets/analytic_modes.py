"""All series of DeepSeek-OCR's three stages, what the counter can see of each, and verdicts."""

from flopbench.commands.run.runner import run
from flopbench.plan import make_plan
from flopbench.registry.catalog import build_catalog
from flopbench.registry.loading import load_plugins

catalog = build_catalog(load_plugins([]))
options = {
    "run.attention": ["eager", "flash", "flash_torch"],
    "run.stages": ["vision", "prefill", "decode"],
}
report = run(make_plan(catalog, "deepseek_ocr", options=options), catalog)

verdicts = {(c.stage, c.attention): c for c in report.comparisons}
for stage in report.stages:
    print(f"{stage.name + ', FLOPs':32} {'all':>17} {'torch-visible':>17}")
    for series in (s for s in report.series if s.stage == stage.name):
        if series.kind == "vendor":
            print(f"  {series.label:30} {'':17} {series.flops:17,}")
            continue
        verdict = verdicts[stage.name, series.attention].verdict
        numbers = f"{series.flops:17,} {series.torch_visible_flops:17,}"
        print(f"  {series.label:30} {numbers}  {verdict}")
for fallback in report.provenance.fallbacks:
    print(f"{fallback.attention} runs {fallback.component} eagerly: {fallback.reason}")
