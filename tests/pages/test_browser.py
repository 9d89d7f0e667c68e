"""Pages in a real browser: they work by keyboard, say nothing, and ask for nothing."""

import json
from pathlib import Path

import attrs
import pytest

from flopbench.pages import Lines, Page, Section, html
from flopbench.text import visible
from pages.samples import BIG, HOSTILE, bars, curves, hostile, page

REACHED = """() => {
  const wanted = 'button, select, input, a[href], summary, [tabindex="0"]';
  const all = [...document.querySelectorAll(wanted)];
  return all.filter((e) => e.checkVisibility({ visibilityProperty: true })).length;
}"""

FOCUS = """() => {
  window.met ??= new Set();
  const at = document.activeElement;
  if (at === document.body || window.met.has(at)) return null;
  window.met.add(at);
  return window.met.size;
}"""


def faults(opened):
    """Return what axe finds that is serious, by rule."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(opened.page).response["violations"]
    return {
        fault["id"]: [node["html"][:200] for node in fault["nodes"]]
        for fault in found
        if fault["impact"] in {"serious", "critical"}
    }


def cells(opened, column):
    rows = opened.locator("section >> nth=0 >> tbody tr").all()
    return [row.locator("th, td").nth(column).inner_text() for row in rows]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_of_accessibility(shown, scheme):
    with shown(html(page()), color_scheme=scheme) as opened:
        assert faults(opened) == {}


def test_a_table_sorts_by_exact_values_with_what_is_missing_last(shown):
    with shown(html(page())) as opened:
        header = opened.get_by_role("columnheader", name="FLOPs").first
        assert cells(opened, 0) == ["b", "a", "c", "d"]
        header.get_by_role("button").press("Enter")
        assert (cells(opened, 0), header.get_attribute("aria-sort")) == (list("abdc"), "descending")
        header.get_by_role("button").press("Enter")
        assert (cells(opened, 0), header.get_attribute("aria-sort")) == (list("dbac"), "ascending")
        header.get_by_role("button").press("Enter")
        assert (cells(opened, 0), header.get_attribute("aria-sort")) == (list("bacd"), None)


def test_numbers_are_short_and_exact_on_demand(shown):
    with shown(html(page())) as opened:
        assert cells(opened, 1)[:2] == ["1.181 ZFLOP"] * 2
        opened.get_by_label("exact integers").press("Space")
        assert cells(opened, 1)[:2] == [f"{BIG:,} FLOP", f"{BIG + 1:,} FLOP"]
        assert cells(opened, 1)[3] == "999 FLOP"


def test_the_tree_is_walked_and_zoomed_by_keys(shown):
    with shown(html(page())) as opened:
        detail = opened.locator(".detail")
        at = lambda: opened.evaluate("document.activeElement.getAttribute('aria-label')")  # noqa: E731
        opened.locator(".part").first.focus()
        for key in ("ArrowDown", "ArrowRight"):
            opened.keyboard.press(key)
        assert at() == "model / decoder, 400 TFLOP, 40.0 % of model"
        opened.keyboard.press("ArrowDown")
        opened.keyboard.press("Enter")
        assert at().startswith("model / decoder / mlp")
        assert opened.locator(".part").count() == 3  # the two above it, and itself
        assert "400,000,000,000,000 FLOP" in detail.inner_text()
        assert "4*B*S" in detail.inner_text()
        opened.keyboard.press("Escape")
        opened.keyboard.press("Escape")
        assert opened.locator(".part").count() == 6
        opened.get_by_label("Show").first.select_option("flash")
        assert opened.locator(".part").count() == 1


def test_curves_hide_and_axes_change_by_keys(shown):
    def lines():
        return opened.locator(".chart svg g[data-mark=line]").count()

    with shown(html(page())) as opened:
        chart = opened.locator("section").nth(2)
        assert lines() == 2
        chart.get_by_role("button", name="flash").press("Enter")
        assert lines() == 1
        assert chart.get_by_role("button", name="flash").get_attribute("aria-pressed") == "false"
        logarithmic = opened.locator(".chart svg").first.inner_html()
        chart.get_by_label("logarithmic y").first.press("Space")
        assert opened.locator(".chart svg").first.inner_html() != logarithmic
        chart.get_by_label("Show").select_option("parts")
        assert (lines(), opened.locator("g[data-mark=area]").count()) == (0, 1)
        chart.get_by_text("The numbers of this chart").first.press("Enter")
        assert chart.get_by_role("table").first.get_by_role("row").count() == 8


def test_keys_alone_reach_everything(shown):
    with shown(html(page())) as opened:
        reached = 0
        opened.keyboard.press("Tab")
        while now := opened.evaluate(FOCUS):
            reached = now
            opened.keyboard.press("Tab")
        assert reached == opened.evaluate(REACHED) > 20


def test_pictures_and_the_result_can_be_saved(shown):
    with shown(html(page())) as opened:
        kept = {}
        for name in ("Download JSON", "Download Where as SVG", "Download Curves as PNG"):
            with opened.expect_download() as download:
                opened.get_by_role("button", name=name).press("Enter")
            kept[download.value.suggested_filename] = Path(download.value.path()).read_bytes()
    assert list(kept) == ["a-page-of-everything.json", "where.svg", "curves.png"]
    data, svg, png = kept.values()
    assert json.loads(data) == {"flops": BIG, "names": list(HOSTILE)}
    assert svg.startswith(b"<svg")
    assert b"var(" not in svg
    assert png.startswith(b"\x89PNG")
    assert len(png) > 5000


def test_hostile_names_are_text(shown):
    with shown(html(hostile())) as opened:
        for each in opened.locator("summary").all():
            each.click()
        text = opened.locator("body").inner_text()
        for name in HOSTILE:
            assert visible(name) in text
        assert opened.title() == HOSTILE[1]
        for select in opened.locator(".block select").all():
            for index in range(len(HOSTILE)):
                select.select_option(index=index)
        for part in opened.locator(".part").all():
            part.focus()
        assert opened.evaluate("typeof hacked") == "undefined"
        assert opened.locator("img, main script, b").count() == 0


@pytest.mark.parametrize("width", [400, 1280])
def test_many_parts_and_points_fit_any_width(shown, width):
    names = [f"decoder/layer_{i}/a_component_with_a_long_name" for i in range(60)]
    many = Page("x" * 300, [Section("Many", [curves(200), bars(names)])])
    with shown(html(many), viewport={"width": width, "height": 900}) as opened:
        assert opened.evaluate("document.documentElement.scrollWidth") == width
        assert opened.locator(".chart svg").count() == 2


@pytest.mark.parametrize("stacked", [False, True])
def test_many_bars_are_bars_in_a_frame_that_keys_scroll(shown, stacked):
    names = [f"part {i}" for i in range(60)]
    measure = attrs.evolve(bars(names).measures[0], stacked=stacked)
    block = attrs.evolve(bars(names), measures=[measure])
    with shown(html(Page("many", [Section("Many", [block])]))) as opened:
        drawn = opened.locator(".chart svg g[data-mark=bar] rect")
        assert drawn.count() == 120
        assert opened.get_by_role("region", name="Bars, a chart").get_attribute("tabindex") == "0"
        frame = opened.locator(".scroll:has(.chart)")
        assert frame.evaluate("e => e.scrollHeight > e.clientHeight")
        assert faults(opened) == {}
        opened.emulate_media(media="print")
        assert frame.evaluate("e => e.scrollHeight === e.clientHeight")


def test_what_is_closed_is_printed_and_closed_again(shown):
    closed = Lines("Assumed (1)", ["S < 64"], closed=True)
    with shown(html(Page("one", [Section("One", [closed, curves(3)])]))) as opened:
        opened.emulate_media(media="print")
        line = opened.get_by_text("S < 64")
        assert not line.is_visible()
        opened.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert line.is_visible()
        assert not opened.get_by_text("The numbers of this chart").is_visible()
        opened.evaluate("dispatchEvent(new Event('afterprint'))")
        assert not line.is_visible()


def test_print_leaves_controls_out(shown):
    with shown(html(page())) as opened:
        opened.emulate_media(media="print")
        for each in opened.locator(".tools button, .tools select, nav a").all():
            assert not each.is_visible()
        assert opened.locator("table").first.is_visible()
