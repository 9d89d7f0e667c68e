"""The explorer in a real browser: exact at any sizes, by keyboard, and its address is the view."""

import json
import random
import re
from pathlib import Path

import attrs
import pytest

import flopbench
from exports.samples import NASTY, laws
from flopbench.errors import UsageError
from flopbench.exports.explorer import page
from flopbench.exports.laws import Assumption, ExportedLaw, StageLaws, Symbol
from flopbench.pages import html
from pages.test_browser import FOCUS, REACHED, faults

SET = """async (settings) => {
  const found = [];
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  for (const sizes of settings) {
    for (const [name, value] of Object.entries(sizes)) {
      const box = document.querySelector(`input[type=number][aria-label^="${name},"]`);
      box.value = value;
      box.dispatchEvent(new Event('input'));
    }
    await frame();
    const rows = [...document.querySelectorAll('.results tbody')][0].rows;
    found.push([...rows].map((row) => [...row.cells].slice(2, 8).map((cell) => cell.title)));
  }
  return found;
}"""
"""Set sizes, and read the exact numbers of each row of the first table."""


def whole(text):
    """Return the integer in a cell such as ``1,024 FLOP`` or ``≥ 1,024 B``; None if it is empty."""
    return int(text.split()[-2].replace(",", "")) if text else None


def until(opened, part):
    """Wait until the address has a part; the page lets no one evaluate text, as waiting would."""
    for _ in range(100):
        if part in opened.evaluate("location.hash"):
            return
        opened.wait_for_timeout(50)
    raise AssertionError(part)


def two_laws():
    """Return laws of two models that share a size, with components."""
    first = laws(conditions=(), name="first")
    (stage,) = first.stages
    parts = [
        ExportedLaw(
            "flops", "eager", f"decoder/{name}", f"f_{name}", ["*", number, "S"], f"{number}*S"
        )
        for name, number in (("attention/core", "3"), ("mlp", "4"))
    ]
    made = StageLaws(
        name=stage.name,
        title="Prefill",
        identifier="prefill",
        symbols=("S", "n"),
        verdict="proved",
        laws=(ExportedLaw("flops", "eager", None, "f", ["*", "7", "S"], "7*S"), *parts),
    )
    symbols = (Symbol("S", "S", "tokens", 1, 5), Symbol("n", "n", "tiles", 0, 2))
    second = attrs.evolve(first, name="second", symbols=symbols, stages=(made,))
    return [first, second]


def test_each_operator_gives_what_python_gives_or_refuses(shown):
    draw, exported = random.Random(1), laws()  # noqa: S311 - the same ones each time
    settings = [{"S": draw.randint(1, 70), "B": draw.randint(1, 9)} for _ in range(50)]
    settings += [{"S": 2**59, "B": 1}, {"S": 1, "B": 1}]
    with shown(html(page([exported]))) as opened:
        found = opened.evaluate(SET, settings)
        said = opened.get_by_role("status").inner_text()
    assert said == ""
    refused = 0
    for sizes, ((flops, *_),) in zip(settings, found, strict=True):
        try:
            wanted = exported.at(exported.stages[0].laws[0].identifier, **sizes)
        except UsageError:
            wanted, refused = None, refused + 1
        assert whole(flops) == wanted, sizes
    assert 5 < refused < 45


def test_what_an_assumption_excludes_is_said(shown):
    with shown(html(page([laws()]))) as opened:
        opened.get_by_label("S, tokens plain").fill("13")
        opened.get_by_role("status").get_by_text("assumes Ne(S, 13)").wait_for()
        assert opened.locator(".results tbody").first.locator("td.number").first.inner_text() == ""


def test_models_side_by_side_share_sizes(shown):
    with shown(html(page(two_laws()))) as opened:
        assert opened.locator("input[type=range]").count() == 3
        opened.get_by_label("S, tokens plain; tokens").fill("40")
        rows = opened.locator(".results tbody").first.locator("tr")
        rows.nth(1).get_by_title("280 FLOP").wait_for()
        assert rows.nth(0).locator("th").inner_text() == "first"
        law = opened.get_by_role("row").filter(has_text="decoder/mlp")
        assert law.locator("td").nth(0).get_attribute("title") == "160 FLOP"
        assert law.locator("td").nth(1).inner_text() == "57.1 %"
        assert law.locator("td").nth(2).inner_text() == "4*S"
        assert opened.locator(".legend button").all_inner_texts() == [
            "first, eager",
            "second, eager",
        ]


DRAWN = """() => [...document.querySelectorAll('.chart [data-mark=line] path')].map((path) =>
  path.getAttribute('d').match(/[-0-9.e]+/g).map(Number))"""

MOVE_AND_LOOK = f"""async () => {{
  const before = document.querySelector('.chart svg');
  const box = document.querySelector('input[type=number][aria-label^="B,"]');
  box.value = 3;
  box.dispatchEvent(new Event('input'));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return [({DRAWN})(), document.querySelector('.chart svg') === before];
}}"""


def test_curves_that_are_moved_are_those_of_a_new_chart(shown):
    slope = ["*", "7", "B", ["^", "S", "2"]]
    with shown(html(page([laws(slope, conditions=())]))) as opened:
        opened.locator(".chart svg").wait_for()
        (first,) = opened.evaluate(DRAWN)
        (moved,), in_place = opened.evaluate(MOVE_AND_LOOK)
        assert in_place
        assert len(moved) == len(first) > 20
        assert moved != first
        until(opened, "size.B=3")
        assert opened.evaluate(DRAWN) == [pytest.approx(moved, abs=0.01)]
        opened.locator("[data-mark=line] path").hover()
        tip = opened.locator("[aria-label=tip] text")
        size, flops = re.search(r"S = (\d+)\D.*?([\d,]+) FLOP$", tip.text_content()).groups()
        assert int(flops.replace(",", "")) == 21 * int(size) ** 2


@pytest.mark.parametrize("text", ["1e3", "2.5", "-4", "0", "9" * 19])
def test_what_is_no_size_is_told_at_its_field_and_not_taken(shown, text):
    with shown(html(page(two_laws()))) as opened:
        field = opened.get_by_label("S, tokens")
        field.fill("12")
        until(opened, "size.S=12")
        field.fill(text)
        field.press("Enter")
        assert field.evaluate("box => box.validationMessage") == (
            "S is a whole number of 1 or more, of up to 18 digits"
        )
        assert "size.S=12" in opened.url
        field.fill("13")
        assert field.evaluate("box => box.validity.valid")
        until(opened, "size.S=13")


def test_the_address_is_the_view(shown):
    text = html(page(two_laws()))
    with shown(text) as opened:
        opened.get_by_label("n, tiles").fill("17")
        opened.get_by_label("GPU", exact=True).select_option("NVIDIA H200 SXM")
        opened.get_by_label("Axes").select_option("linear")
        opened.get_by_role("button", name="first, eager").press("Enter")
        until(opened, "hide=")
        where = opened.evaluate("location.hash")
    with shown(text, where) as opened:
        assert opened.get_by_label("n, tiles").input_value() == "17"
        assert opened.get_by_label("Axes").input_value() == "linear"
        assert opened.locator(".gpu").first.is_visible()
        assert (
            opened.get_by_role("button", name="first, eager").get_attribute("aria-pressed")
            == "false"
        )
        opened.evaluate("location.hash = '#size.S=33&gpu=&axes=nonsense&size.n=-5'")
        until(opened, "size.n=17")
        assert opened.get_by_label("S, tokens plain; tokens").input_value() == "33"
        assert opened.get_by_label("Axes").input_value() == "logarithmic"


def test_a_legend_follows_the_address(shown):
    with shown(html(page(two_laws())), "#hide=first%2C+eager") as opened:
        toggles = opened.locator(".legend button")
        assert [t.get_attribute("aria-pressed") for t in toggles.all()] == ["false", "true"]
        opened.evaluate("location.hash = '#hide=second%2C+eager&size.S=9'")
        until(opened, "size.S=9&")
        assert [t.get_attribute("aria-pressed") for t in toggles.all()] == ["true", "false"]
        toggles.nth(1).press("Enter")
        until(opened, "axes=log")
        opened.wait_for_timeout(300)
        assert "hide" not in opened.evaluate("location.hash")


QUARTER = ["/", "S", "4"]
DIVIDES = (Assumption("S mod (S - 7) = 0", ["==", ["mod", "S", ["+", "S", "-7"]], "0"]),)


def test_a_division_without_a_value_leaves_the_page_at_work(shown):
    exported = laws(QUARTER, conditions=DIVIDES)
    with shown(html(page([exported]))) as opened:
        found = opened.evaluate(SET, [{"S": s} for s in (14, 7, 8, 6)])
        opened.get_by_label("S, tokens plain").fill("14")
        with opened.expect_download() as download:
            opened.get_by_role("button", name="Download this view as JSON").click()
        view = json.loads(Path(download.value.path()).read_text())
    assert [whole(flops) for ((flops, *_),) in found] == [None, None, 2, None]
    assert view["models"][0]["stages"]["prefill plain"]["flops"] is None
    assert exported.at("flops_prefill", S=8, B=1) == 2
    for size in (14, 7):
        with pytest.raises(UsageError, match=r"no value there|assumes"):
            exported.at("flops_prefill", S=size, B=1)


def test_laws_without_a_size_are_no_page():
    (stage,) = laws("7").stages
    made = attrs.evolve(laws(), symbols=(), stages=(attrs.evolve(stage, symbols=()),))
    with pytest.raises(UsageError, match="toy leaves no size open"):
        page([made])


def test_a_view_is_saved_with_exact_integers(shown):
    with shown(html(page(two_laws()))) as opened:
        opened.get_by_label("S, tokens plain; tokens").fill(str(2**59))
        with opened.expect_download() as download:
            opened.get_by_role("button", name="Download this view as JSON").click()
        found = json.loads(Path(download.value.path()).read_text())
    assert found["sizes"]["S"] == 2**59
    assert found["models"][1]["stages"]["prefill plain"]["flops decoder/mlp"] == 2**61


def test_keys_alone_reach_everything_and_axe_finds_no_fault(shown):
    with shown(html(page(two_laws()))) as opened:
        opened.locator(".chart svg").wait_for()
        assert faults(opened) == {}
        reached = 0
        opened.keyboard.press("Tab")
        while now := opened.evaluate(FOCUS):
            reached = now
            opened.keyboard.press("Tab")
        assert reached == opened.evaluate(REACHED) > 20
        slider = opened.locator("input[type=range]").first
        slider.focus()
        before = slider.get_attribute("aria-valuetext")
        opened.keyboard.press("ArrowRight")
        opened.keyboard.press("PageUp")
        assert int(slider.get_attribute("aria-valuetext")) > int(before)


def test_hostile_names_are_text(shown):
    hostile = [laws(name=NASTY, nasty=NASTY), laws(name=NASTY, nasty=NASTY)]
    with shown(html(page(hostile))) as opened:
        opened.locator(".chart svg").wait_for()
        for each in opened.locator("summary").all():
            each.click()
        assert opened.locator("body").inner_text().count("</script><script>alert(1)</script>") > 10
        assert opened.locator("main script, main img").count() == 0


def test_a_page_narrow_or_wide_fits(shown):
    for width in (400, 1600):
        with shown(html(page(two_laws())), viewport={"width": width, "height": 900}) as opened:
            opened.locator(".chart svg").wait_for()
            assert opened.evaluate("document.documentElement.scrollWidth") == width


def test_models_of_one_name_are_told_apart_by_what_differs():
    one, two = (
        attrs.evolve(laws(), provenance={"config": {"model": {"dtype": dtype, "layers": 2}}})
        for dtype in ("float32", "bfloat16")
    )
    labels = [model["label"] for model in page([one, two, two]).explorer["models"]]
    second = "toy (model.dtype=bfloat16)"
    assert labels == ["toy (model.dtype=float32)", second, f"{second} #3"]


def test_it_is_what_is_saved_and_exported(tmp_path):
    exported = laws()
    assert exported.save(tmp_path / "one.html").read_text() == html(page([exported])) + "\n"
    assert [path.name for path in exported.export(tmp_path / "out", "html")] == ["toy.html"]
    assert (tmp_path / "out" / "toy.html").read_bytes() == (tmp_path / "one.html").read_bytes()


COSTS = (
    *("tensor_flops", "vector_flops", "bytes_moved"),
    *("weight_bytes", "kv_cache_bytes", "peak_activation_bytes"),
)


MOVED = (
    *("weight_bytes_read", "kv_cache_bytes_read", "kv_cache_bytes_written"),
    *("activation_bytes_read", "activation_bytes_written"),
)


def costs_of(report, mode):
    """Return what the first table shows of a run, a row per stage; routed experts' bytes aside."""
    found = {s.stage: s for s in report.series if s.attention == mode}
    for stage in report.stages:
        series = found[stage.name]
        costs = {**series.costs, "bytes_moved": sum(series.costs[name] for name in MOVED)}
        if not series.costs["expected_expert_bytes_read"]:
            assert costs["bytes_moved"] == series.costs["expected_bytes_moved"]
        costs |= {"tensor_flops": series.tensor_flops, "vector_flops": series.vector_flops}
        yield [int(costs[name]) for name in COSTS]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["eager", "flash"])
def test_random_settings_give_the_integers_of_a_run(shown, mode):
    draw = random.Random(mode)  # noqa: S311
    small = {"overrides": {"num_hidden_layers": 2}}
    exported = flopbench.export("hf/llama", model_options=small, analytic_only=True)
    settings = [
        {"B": draw.randint(1, 64), "S": draw.randint(1, 10**5), "K": draw.randint(1, 10**4)}
        for _ in range(50)
    ]
    with shown(html(page([exported])), f"#attention={mode}") as opened:
        found = opened.evaluate(SET, settings)
    for sizes, rows in zip(settings, found, strict=True):
        workload = {
            "batch_size": sizes["B"],
            "context_tokens": sizes["S"],
            "decode_steps": sizes["K"],
        }
        report = flopbench.run(
            "hf/llama", workload=workload, model_options=small, analytic_only=True, attention=mode
        )
        assert [[whole(cell) for cell in row] for row in rows] == [*costs_of(report, mode)]


PAGES = (
    {"workload": {"mode": "gundam"}, "model_options": {"dtype": "float32"}},
    {"workload": {"mode": "gundam", "base_size": 1280, "tile_size": 1024}},
    {"workload": {"mode": "small", "lm_head": "last"}},
)
"""How a page is cut and what tensors are stored in, which a law does not leave open."""


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["eager", "flash"])
def test_random_pages_give_the_integers_of_a_run(shown, mode):
    draw = random.Random(mode)  # noqa: S311
    exported = [flopbench.export("deepseek_ocr", analytic_only=True, **each) for each in PAGES]
    rows = [each.closed["tile_rows"] for each in exported]
    settings, wanted = [], []
    for _ in range(50):
        number = draw.randrange(len(PAGES))
        chosen = PAGES[number]
        workload = {
            **chosen["workload"],
            "batch_size": draw.randint(1, 64),
            "decode_steps": draw.randint(1, 10**4),
            "prompt_tokens": draw.randint(0, 10**4),
        }
        if workload["mode"] == "gundam":
            workload["crop_grid"] = {"rows": rows[number], "cols": draw.randint(1, 9)}
        report = flopbench.run(
            "deepseek_ocr", analytic_only=True, attention=mode, **{**chosen, "workload": workload}
        )
        known = report.workload
        sizes = {"B": known["batch_size"], "K": known["decode_steps"], "S": known["context_tokens"]}
        settings.append({**sizes, "n": max(1, known["tiles"])})
        wanted.append((number, [*costs_of(report, mode)]))
    assert {number for number, _ in wanted} == {0, 1, 2}
    with shown(html(page(exported)), f"#attention={mode}") as opened:
        found = opened.evaluate(SET, settings)
    for table, (number, costs) in zip(found, wanted, strict=True):
        own = table[5 * number : 5 * number + 5]
        assert [[whole(cell) for cell in row] for row in own] == costs
