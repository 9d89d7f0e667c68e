"""Plots: what is drawn, and in which unit."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from flopbench.commands.sweep.axis import axis_of, is_geometric
from flopbench.commands.sweep.charts import Head, chart
from flopbench.commands.sweep.plots import INDEX, draw
from flopbench.errors import CountError, UsageError
from flopbench.plotting import SETTINGS, drawing, saved
from flopbench.text import visible

MODES = {"eager": "analytic (eager, full)", "flash": "analytic (flash, full)"}


def cost(n):
    fields = ("weight_bytes", "peak_activation_bytes", "activation_bytes_read")
    return {
        "flops": n,
        "tensor_flops": n - n // 10,
        "vector_flops": n // 10,
        **dict.fromkeys(fields, n),
        **dict.fromkeys(("weight_bytes_read", "activation_bytes_written"), n // 2),
        **dict.fromkeys(("kv_cache_bytes", "kv_cache_bytes_read", "kv_cache_bytes_written"), 0),
        "expected_expert_bytes_read": 0.0,
        "flops_per_byte": 0.5 if n else None,
        "parts_flops": {"a/b": n - n // 4, "c": n // 4},
    }


def report(labels, x, **facts):
    points = []
    for index, label in enumerate(labels):
        costs = {mode: cost(1000 * index) for mode in MODES}
        stage = {"vendor_flops": None if index == 1 else 900 * index, "cost": costs}
        rate = {"tflops_per_s": 0.002, "gigabytes_per_s": 3e-6}
        own = {name: values[index] for name, values in facts.items()}
        required = {"ttft": dict.fromkeys(MODES, rate)}
        points.append({"label": label, "prefill": stage, "required": required, **own})
    return {
        "model": "toy",
        "description": "Varied",
        "dtype": "float32",
        "batch_size": 3,
        "decode_steps": None,
        "x": x,
        "stages": [{"name": "prefill", "title": "Prefill"}],
        "modes": MODES,
        "vendor_attention": "eager",
        "vendor_counter": "torch",
        "ttft_s": 1.0,
        "tpot_s": None,
        "points": points,
    }


GRIDS = report(["1x2", "1x3", "2x2"], "tokens", tokens=[483, 583, 693])
PRODUCT = report(
    [f"mode={m} steps={k}" for m in ("tiny", "large") for k in (1, 2)],
    "steps",
    mode=["tiny", "tiny", "large", "large"],
    steps=[1, 2, 1, 2],
)
GEOMETRIC = report(list("abcd"), "tokens", tokens=[1024, 4096, 16384, 65536])
NAMES = report(["mode=tiny", "mode=large"], "mode", mode=["tiny", "large"])


def texts(svg):
    return re.findall(r"<text[^>]*>([^<]+)</text>", svg.decode())


@pytest.fixture(scope="module")
def plots():
    cases = (("grids", GRIDS), ("product", PRODUCT), ("names", NAMES), ("geometric", GEOMETRIC))
    return {name: draw(case, {"a/b": "A", "c": "C"}) for name, case in cases}


def test_each_plot_is_there_as_svg_and_png_but_those_of_nothing(plots):
    stems = {name.rpartition(".")[0] for name in plots["grids"] if name != INDEX}
    kept = ("flops", "split", "split_log", "shares", "flops_per_byte", "weight_bytes")
    kept += ("weight_bytes_read", "activation_bytes_read", "activation_bytes_written")
    required = {"required_ttft_tflops_per_s", "required_ttft_gigabytes_per_s"}
    # A field that is 0 at one point is drawn; one that is 0 at all is not.
    assert stems == {f"prefill_{name}" for name in (*kept, "peak_activation_bytes")} | required
    files = {f"{stem}.{kind}" for stem in stems for kind in ("svg", "png")}
    assert set(plots["grids"]) == {INDEX, *files}


@pytest.mark.parametrize("case", ["grids", "product", "names", "geometric"])
def test_one_page_shows_each_plot_under_its_title(plots, case):
    page = plots[case][INDEX].decode()
    pictures = dict(re.findall(r"^!\[(.+)\]\((.+\.svg)\)$", page, re.MULTILINE))
    assert sorted(pictures.values()) == sorted(n for n in plots[case] if n.endswith(".svg"))
    for title, name in pictures.items():
        # A title in an SVG may be wrapped in a comment or in text: it is the same words.
        assert title in plots[case][name].decode()
        png = name.replace(".svg", ".png")
        assert f"- {title}: [SVG]({name}), [PNG]({png})\n" in page
        assert f"\n## {title}\n" in page


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1024, 2048, 4096], True),
        ([4096, 1024, 1024, 2048], True),
        ([10, 15, 23, 34, 51], True),
        ([1, 2], False),
        ([1, 2, 3], False),
        ([10, 20, 30], False),
        ([1, 65, 129, 193], False),
        ([1000, 1100, 1210], False),
        ([0, 1, 2, 4], False),
        ([-4, -2, -1], False),
        ([483, 583, 693], False),
    ],
)
def test_what_grows_by_one_ratio_is_geometric(values, expected):
    assert is_geometric(values) is expected


def test_axes_are_logarithmic_where_the_values_are_geometric(plots):
    assert axis_of(GEOMETRIC).log
    assert not axis_of(GRIDS).log
    assert not axis_of(NAMES).log
    svg = plots["geometric"]["prefill_flops.svg"]
    # The points themselves are the ticks, at equal distances.
    assert {"1,024", "4,096", "16,384", "65,536"} <= set(texts(svg))
    assert "10" not in texts(plots["grids"]["prefill_flops.svg"])
    places = [
        float(x)
        for x in re.findall(
            r'<g id="xtick_\d+">.*?<use xlink:href="#\w+" x="([\d.]+)"', svg.decode(), re.DOTALL
        )
    ]
    places = sorted(set(places))
    gaps = [b - a for a, b in pairwise(places)]
    assert len(gaps) == 3
    assert max(gaps) - min(gaps) < 0.01
    # Then the two pictures of tensor and vector work would be one.
    assert "prefill_split_log.svg" not in plots["geometric"]


def test_a_plot_says_what_it_is_of_in_units_that_fit(plots):
    found = texts(plots["grids"]["prefill_flops.svg"])
    assert {"Prefill: FLOPs", "toy, float32, batch size 3", "kFLOPs", "tokens"} <= set(found)
    assert {"1x2", "1x3", "2x2", *MODES.values(), "vendor (eager, torch)"} <= set(found)
    assert "kB" in texts(plots["grids"]["prefill_weight_bytes.svg"])
    assert "GFLOP/s" in texts(plots["grids"]["required_ttft_tflops_per_s.svg"])
    assert "kB/s" in texts(plots["grids"]["required_ttft_gigabytes_per_s.svg"])
    assert "FLOPs per byte moved" in texts(plots["grids"]["prefill_flops_per_byte.svg"])


def test_lines_of_a_product_are_apart_and_named_once_in_the_legend(plots):
    axis = axis_of(PRODUCT)
    assert axis.groups == {"mode=tiny": [0, 1], "mode=large": [2, 3]}
    found = texts(plots["product"]["prefill_flops.svg"])
    assert (found.count("mode=tiny"), found.count("mode=large")) == (1, 1)
    # A stack of shares for each, with a title of its own.
    shares = texts(plots["product"]["prefill_shares.svg"])
    assert (shares.count("mode=tiny"), shares.count("mode=large")) == (1, 1)
    assert shares.count("steps") == 2


def test_points_that_are_names_stand_on_ticks(plots):
    axis = axis_of(NAMES)
    assert (axis.ticks, axis.xs) == (["tiny", "large"], [0, 1])
    found = texts(plots["names"]["prefill_flops.svg"])
    assert {"tiny", "large", "mode"} <= set(found)
    assert not any("mode=" in text for text in found)


def test_one_point_is_a_bar():
    assert axis_of(report(["1x2"], "tokens", tokens=[483])).ticks == ["483"]


def test_what_the_axis_says_is_not_said_again():
    case = report(["steps=1", "steps=2"], "steps", steps=[1, 2])
    assert list(axis_of(case).names) == ["", ""]


def test_the_same_report_gives_the_same_bytes(plots):
    assert draw(GRIDS, {"a/b": "A", "c": "C"}) == plots["grids"]


def svg(found, series, **options):
    """Draw one chart of a sweep; return its file, and what it shows."""
    with drawing(SETTINGS):
        figure = chart(axis_of(found), Head("title", "below"), "FLOPs", series, **options)
        text = dict(saved("it", figure))["it.svg"].decode()
    return text, "".join(ET.fromstring(text).itertext())  # noqa: S314 - our own


ODD = (
    "a$\\frac{$.png",
    "$x$",
    "a\\$b$c$",
    "\x1b[31mred",
    "bad\udcff",
    "漢字",
    "\u202egnp.exe",
    "&<",
)


@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_a_name_is_drawn_as_it_is_shown(name):
    labels, series = [f"image={name}", "image=plain"], {f"of {visible(name)}": [1, 2]}
    text, shown = svg(report(labels, "image", image=[name, "plain"]), series)
    assert shown.count(visible(name)) == 2
    assert "\x1b" not in text
    # On a scale, names are beside the points.
    _, shown = svg(report(labels, "tokens", tokens=[1, 2]), series)
    assert f"image={visible(name)}" in shown


@pytest.mark.parametrize("highest", [900, 9_000_000])
def test_a_logarithmic_axis_has_powers_of_ten(highest):
    found = report(["a", "b"], "tokens", tokens=[1, 2])
    text, shown = svg(found, {"it": [300, highest]}, log=True)
    assert re.search(r"(\d × )?10[⁰¹²³⁴⁵]", shown)  # noqa: RUF001
    assert "mathdefault" not in text


def test_only_what_matplotlib_raises_is_told_as_its_error():
    given = CountError("this model has no such stage")
    with pytest.raises(CountError) as found, drawing(SETTINGS):
        raise given
    assert found.value is given
    with (
        pytest.raises(
            UsageError, match=r"^matplotlib cannot draw the plots: ValueError: too large$"
        ),
        drawing(SETTINGS),
    ):
        raise ValueError("too large")
