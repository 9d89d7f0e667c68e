"""``flopbench compare``: models side by side, each apart from the others' failures."""

import json

import pytest

from flopbench.commands.compare.plan import Entry, parse
from flopbench.errors import UsageError
from support.cli import one_sentence
from toy import write_toy

PLUGIN = '''
from attrs import frozen

from flopbench import (
    Attention, Convention, Count, Counted, Linear, Stage, VendorCall, VendorCounter, VendorStage,
    hookimpl,
)
from toy import Toy, ToyVendor


@frozen(kw_only=True)
class PageInputs:
    image: str | None = None
    size: int = 3
    batch_size: int = 1


@frozen(kw_only=True)
class TextInputs:
    words: int = 5


class Page(Toy):
    """Reads size x size patches, of each page of a batch."""

    name = "page"
    stages = (
        Stage("look", "Look"), Stage("say", "Say"), Stage("both", "Both", ("look", "say")),
    )
    inputs_type = PageInputs
    first_token = ()

    def workload_facts(self, workload):
        return {"image_tokens": workload.size**2}

    def ops(self, stage, workload):
        rows = workload.batch_size * (workload.size**2 if stage == "look" else 1)
        yield Linear(component=stage, rows=rows, in_features=8, out_features=4)


class Text(Toy):
    name = "text"
    stages = (Stage("say", "Say"),)
    inputs_type = TextInputs
    first_token = ()

    def workload_facts(self, workload):
        return {"context_tokens": workload.words}

    def ops(self, stage, workload):
        yield Linear(component="say", rows=workload.words, in_features=2, out_features=2)


class Attending(Text):
    """Attends with a bias, which flash cannot do, and where its words are even also without."""

    name = "attending"

    def ops(self, stage, workload):
        shape = {"queries": workload.words, "keys": workload.words, "batch": 1, "heads": 2,
                 "kv_heads": 2, "head_dim": 4, "value_dim": 4, "causal": True}
        yield Attention(component="biased", bias="positions", **shape)
        if workload.words % 2 == 0:
            yield Attention(component="plain", **shape)


class AttendingVendor(ToyVendor):
    name = "attending"

    def stage(self, name, workload):
        return VendorStage(lambda step: VendorCall(None, lambda: ("biased", workload.words)))


class Opaque(Text):
    """Has no closed forms."""

    name = "opaque"

    @property
    def no_closed_forms(self):
        return "nobody knows its formulas"


class Broken(Text):
    name = "broken"

    def ops(self, stage, workload):
        raise RuntimeError("no such layer")


class BrokenAtOnce(Text):
    name = "broken_at_once"

    @classmethod
    def from_options(cls, options):
        raise RuntimeError("no such model")


class OpaqueVendor(ToyVendor):
    name = "opaque"

    def stage(self, name, workload):
        return VendorStage(lambda step: VendorCall(None, lambda: (name, workload.words)))


class PageVendor(ToyVendor):
    name = "page"

    def stage(self, name, workload):
        rows = workload.batch_size * (workload.size**2 if name == "look" else 1)
        return VendorStage(lambda step: VendorCall(None, lambda: (name, rows)))


class Counts(VendorCounter):
    name = "counts"
    convention = Convention("FLOP", frozenset({"linear"}))

    def count(self, call):
        name, rows = call.run()
        if rows == 100:
            raise ValueError("too many rows")
        return Count((Counted(name, "mm", 2 * rows * 8 * 4 + (rows == 49)),))


@hookimpl
def flopbench_analytic_models():
    return [Page, Text, Attending, Opaque, Broken, BrokenAtOnce]


@hookimpl
def flopbench_vendor_models():
    return [PageVendor, AttendingVendor, OpaqueVendor]


@hookimpl
def flopbench_vendor_counters():
    return [Counts]
'''


@pytest.fixture
def compare(flopbench, tmp_path):
    write_toy(tmp_path)
    (tmp_path / "toys.py").write_text(PLUGIN)

    def run(*args):
        return flopbench("compare", *args, "-p", "toys.py", "--counters", "counts")

    return run


def report(compare, *args, code=0):
    done = compare(*args, "--format", "json")
    assert done.returncode == code, done.stderr
    found = json.loads(done.stdout)
    return found, {model["label"]: model for model in found["models"]}


def test_each_model_is_priced_stage_by_stage_and_checked(compare):
    found, models = report(compare, "page", "page:workload.size=5", "text")
    assert [s["name"] for s in found["stages"]] == ["look", "say", "total"]
    assert found["vendor_counter"] == "counts"
    page, large, text = models["page"], models["page size=5"], models["text"]
    for model, look in ((page, 9), (large, 25)):
        flops = {stage: modes["eager"]["flops"] for stage, modes in model["costs"].items()}
        assert flops == {"look": 64 * look, "say": 64, "total": 64 * (look + 1)}
        assert model["vendor_flops"] == flops
        assert (model["verdict"], model["tokens"]["image"]) == ("verified", look)
        assert {c["verdict"] for c in model["checks"]} == {"exact"}
    # bfloat16 weights of two layers of 8 x 4, once each.
    assert page["costs"]["total"]["eager"]["weight_bytes"] == 2 * 2 * 32
    # No vendor model: not checked, which is no failure.
    assert (text["verdict"], text["error"], text["checks"]) == ("not_checked", None, [])
    assert text["costs"]["say"]["eager"]["flops"] == 2 * 5 * 2 * 2
    assert "look" not in text["costs"]
    assert text["tokens"] == {"image": None, "context": 5, "output": None}


def test_settings_of_all_and_of_one(compare):
    _, models = report(compare, "workload.batch_size=3", "page", "page:workload.size=2")
    assert models["page"]["costs"]["look"]["eager"]["flops"] == 3 * 9 * 64
    assert models["page size=2"]["costs"]["look"]["eager"]["flops"] == 3 * 4 * 64
    assert {model["pages"] for model in models.values()} == {3}
    _, models = report(
        compare, "workload.size=9", "page:workload.batch_size=2,workload.size=2", "page"
    )
    assert models["page batch_size=2 size=2"]["costs"]["look"]["eager"]["flops"] == 2 * 4 * 64


def test_tables_are_per_page(compare):
    one = compare("page", "page:workload.size=2").stdout
    three = compare("workload.batch_size=3", "page", "page:workload.size=2").stdout
    rows = [
        {tuple(line.split(" | ")[:6]) for line in text.splitlines() if " | eager | " in line}
        for text in (one, three)
    ]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 6
    assert ("| page size=2", "eager", "320 FLOP", "0.500 x", "none", "320 FLOP") in rows[0]


def test_what_runs_eagerly_is_told_and_where_nothing_else_is_left(compare):
    args = ("attending", "attending:workload.words=6", "--analytic-only")
    _, models = report(compare, *args)
    for model in models.values():
        fallbacks = model["fallbacks"]
        assert {(f["stage"], f["attention"], f["component"]) for f in fallbacks} == {
            ("say", "flash", "biased")
        }
        assert "bias" in fallbacks[0]["reason"]
    shown = compare(*args).stdout
    for name in ("attending", "attending words=6"):
        assert f"- {name}: fallback: flash runs biased eagerly: " in shown
    assert "- attending: flash = eager in say, where it carries out nothing" in shown
    assert "- attending words=6: flash = eager" not in shown


def test_the_saving_of_flash_is_shown(compare):
    args = ("attending", "attending:workload.words=6", "--analytic-only", "--stages", "say")
    _, models = report(compare, *args)
    shown = compare(*args).stdout
    header = next(line for line in shown.splitlines() if line.startswith("| model | attention"))
    column = header.split(" | ").index("vs eager")
    saved = {
        tuple(cells[:2]): cells[column]
        for line in shown.splitlines()
        if len(cells := line.split(" | ")) > column and cells[1] in ("eager", "flash")
    }
    costs = models["attending words=6"]["costs"]["say"]
    eager, flash = costs["eager"]["flops"], costs["flash"]["flops"]
    assert flash < eager
    assert saved["| attending words=6", "flash"] == f"{100 * (flash / eager - 1):+.2g} %"
    assert saved["| attending", "flash"] == "0 %"
    assert saved["| attending", "eager"] == "none"
    alone = compare(*args, "--attention", "flash").stdout
    assert "vs eager" not in alone


def test_a_vendor_counted_beside_another_attention_is_not_called_unchecked(compare):
    args = ("page", "page:workload.size=2", "text", "--attention", "flash")
    _, models = report(compare, *args)
    assert models["page"]["left_out"] == [
        {
            "counter": "counts",
            "attention": ["flash"],
            "reason": "the vendor does not run flash attention",
        }
    ]
    shown = compare(*args).stdout
    row = next(line for line in shown.splitlines() if line.startswith("| page | 9 |"))
    assert row.endswith("| counted, not compared |")
    assert "- page: flash not compared with vendor (counts), because the vendor does not" in shown
    assert "| page | vendor (counts) | 576 FLOP |" in shown.partition("## Look")[2]
    # What has no vendor model was not counted.
    assert next(x for x in shown.splitlines() if x.startswith("| text | ")).endswith("checked |")
    assert "text: flash not compared" not in shown


@pytest.mark.parametrize(
    ("bad", "verdict", "why"),
    [
        ("page:workload.size=7", "not_verified", "components differ: look"),
        ("page:workload.size=10", "not_verified", "too many rows"),
        ("broken", "not_checked", "no such layer"),
        ("broken_at_once", "not_checked", "no such model"),
    ],
)
def test_one_that_fails_is_told_and_the_others_are_shown(compare, bad, verdict, why):
    _, models = report(compare, "page", bad, code=1)
    good, failed = models.values()
    assert good["verdict"] == "verified"
    assert good["costs"]["look"]["eager"]["flops"] == 9 * 64
    assert failed["verdict"] == verdict
    reasons = [failed["error"], *(c["reason"] for c in failed["checks"])]
    assert any(why in reason for reason in reasons if reason)
    shown = compare("page", bad)
    assert shown.returncode == 1
    assert why in shown.stdout
    assert "| page | eager |" in shown.stdout
    assert "Traceback" not in shown.stderr


def test_analytic_only_checks_nothing(compare):
    _, models = report(compare, "page", "page:workload.size=7", "--analytic-only")
    assert {model["verdict"] for model in models.values()} == {"not_checked"}


def test_stages_by_name_and_a_model_without_one(compare):
    found, models = report(compare, "page", "text", "--stages", "both,say")
    assert [s["name"] for s in found["stages"]] == ["say", "both"]
    assert set(models["text"]["costs"]) == {"say"}
    assert models["page"]["costs"]["both"]["eager"]["flops"] == 640
    shown = compare("page", "text", "--stages", "both,say").stdout
    assert "| text | none |" in shown.partition("## Both")[2]


def test_the_files_are_written_and_the_same_again(compare, tmp_path):
    pytest.importorskip("matplotlib")
    files = []
    for name in ("one", "two"):
        assert compare("page", "text", "--analytic-only", "--out", name).returncode == 0
        files.append({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()})
    assert files[0] == files[1]
    plots = {
        f"{s}_{w}.{k}"
        for s in ("look", "say", "total")
        for w in ("flops", "memory")
        for k in ("svg", "png")
    }
    assert set(files[0]) == {"compare.json", "compare.md", "compare.html", *plots}
    # A stage that a model does not have is none, never 0.
    assert files[0]["look_memory.svg"].count(b">none<") == 1
    assert files[0]["look_flops.svg"].count(b">none<") == len(("eager", "flash"))
    svg = files[0]["look_flops.svg"].decode()
    assert "analytic (eager, full)" in svg
    assert "Look: FLOPs per page or sequence" in svg
    assert json.loads(files[0]["compare.json"])["schema_version"] == "1.4"


def test_a_model_without_closed_forms_shows_what_its_vendor_does_and_why_no_more(compare, tmp_path):
    _, models = report(compare, "opaque", "text", "opaque:workload.words=100", code=1)
    opaque, text, failed = models.values()
    assert opaque["costs"] == {}
    assert opaque["vendor_flops"] == {"say": 2 * 5 * 8 * 4, "total": 2 * 5 * 8 * 4}
    assert opaque["no_closed_forms"] == "nobody knows its formulas"
    assert (opaque["verdict"], opaque["checks"], opaque["error"]) == ("not_checked", [], None)
    assert text["no_closed_forms"] is None
    assert failed["vendor_flops"] == {"say": None, "total": None}
    (check,) = failed["checks"]
    assert (check["verdict"], check["stage"]) == ("incomplete", "say")
    assert "too many rows" in check["reason"]
    done = compare("opaque", "text", "--out", "out", "--stages", "say")
    assert done.returncode == 0
    assert "| opaque | vendor (counts) | 320 FLOP | none |" in done.stdout
    assert "- opaque: nobody knows its formulas; its vendor's count is shown instead" in done.stdout
    assert b">3.2e-10<" in (tmp_path / "out" / "say_flops.svg").read_bytes()
    alone = compare("opaque", "opaque:workload.words=2", "--out", "alone", "--stages", "say")
    assert alone.returncode == 0
    assert not (tmp_path / "alone" / "say_memory.svg").exists()


def test_what_is_compared_is_called_what_it_is(compare):
    pages = compare("page", "page:workload.size=2", "--analytic-only").stdout
    assert "moved are per page; " in pages
    assert "| image tokens | context | output | pages at once |" in pages
    assert "## Whole page" in pages
    texts = compare("text", "text:workload.words=2", "--analytic-only").stdout
    assert texts.startswith("# text and text words=2\n")
    assert "moved are per sequence; " in texts
    assert "| model | context | output | sequences at once |" in texts
    assert "## All stages" in texts
    assert "page" not in texts
    assert "image" not in texts
    mixed = compare("text", "page", "text:workload.words=2", "--analytic-only").stdout
    assert mixed.startswith("# text, page and text words=2\n")
    assert "moved are per page or sequence; " in mixed
    assert "## All stages" in mixed


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("workload.size=2",), "give a model, or several to compare"),
        (("page", "page"), "'page' is given twice: give the same model other settings, as "),
        (("page", "pgae"), "did you mean 'page'?"),
        (("page", "hardware.gpu=h200"), "page: hardware.* is for `flopbench run` alone"),
        (("page", "text:run.stages=[say]"), "'run.stages=[say]': all models are run alike"),
        (("page", "text:"), "'text:' must be MODEL or MODEL:KEY=VALUE"),
        (("page", ":workload.size=2"), "must be MODEL or MODEL:KEY=VALUE"),
        (("page", "text:words"), "text words: override 'words' must be KEY=VALUE"),
        (("page", "text", "workload.words=2"), "page: workload: unknown key 'words'"),
        (("page", "text:workload.word=2"), "text word=2: workload: unknown key 'word': did you"),
        (("text", "--image", "a.png"), "text: it takes no image (it has no workload.image)"),
        (("page", "text", "--stages", "sya"), "unknown stage of these models 'sya': did you mean"),
        (("page", "text", "--stages", "look"), "unknown stage of text 'look'"),
        (("page", "text", "--format", "console"), "unknown format of a comparison 'console'"),
        (("page", "text", "--attention", "eagre"), "did you mean 'eager'?"),
        (("page", "text", "--out", ""), "--out is empty"),
    ],
)
def test_a_mistake_is_one_sentence(compare, args, says):
    assert says in one_sentence(compare(*args))


def test_a_setting_may_have_commas_and_colons_in_its_value():
    entries, shared = parse(
        ["a:workload.image=[3,4],workload.mode=x", "b:workload.image=C:/p,q.png", "k.v=[1,2]"]
    )
    assert entries == (
        Entry("a", ("workload.image=[3,4]", "workload.mode=x")),
        Entry("b", ("workload.image=C:/p,q.png",)),
    )
    assert shared == ("k.v=[1,2]",)
    with pytest.raises(UsageError):
        parse(["k.v=1"])


def test_one_model_alone_has_no_first_to_compare_with(compare):
    alone, both = (
        compare(*args, "--analytic-only").stdout for args in (("page",), ("page", "text"))
    )
    assert alone.startswith("# page\n")
    assert "vs first model" in both
    assert "vs first model" not in alone


def png(path, width, height):
    from PIL import Image

    Image.new("L", (width, height), 255).save(path)
    return str(path)


READER = '''
from attrs import frozen

from flopbench import Linear, Stage, hookimpl
from flopbench.inputs import read_page
from toy import Toy


@frozen(kw_only=True)
class Image:
    image: str | tuple[int, ...] | None = None


@frozen(kw_only=True)
class Sizes:
    width: int
    height: int


class Reader(Toy):
    """Reads a patch of 10 x 10 pixels as a row."""

    name = "reader"
    stages = (Stage("look", "Look"), Stage("say", "Say"))
    inputs_type = Image
    first_token = ("look",)

    def workload(self, inputs):
        page = read_page(inputs.image)
        return Sizes(width=page.width, height=page.height)

    def workload_facts(self, workload):
        rows = workload.width * workload.height // 100
        return {
            "image_tokens": rows,
            "page.width": workload.width,
            "page.height": workload.height,
        }

    def ops(self, stage, workload):
        rows = workload.width * workload.height // 100
        yield Linear(component=stage, rows=rows, in_features=8, out_features=4)


@hookimpl
def flopbench_analytic_models():
    return [Reader]
'''


@pytest.fixture
def pages(flopbench, tmp_path):
    """Return a run on a folder of pages: two of 20 x 50 pixels, and one of 40 x 50."""
    write_toy(tmp_path)
    (tmp_path / "toys.py").write_text(PLUGIN)
    (tmp_path / "reader.py").write_text(READER)
    folder = tmp_path / "pages"
    folder.mkdir()
    for name, width in (("a.png", 20), ("b.PNG", 40), ("c.png", 20)):
        png(folder / name, width, 50)
    (folder / "notes.txt").write_text("no page")

    def run(*args):
        plugins = ("-p", "toys.py", "-p", "reader.py", "--analytic-only")
        return flopbench("compare", *args, *plugins)

    run.folder = folder
    return run


def test_each_model_is_priced_on_each_page_of_a_folder(pages):
    found, _ = report(pages, "reader", "text", "--image", str(pages.folder))
    read = [m for m in found["models"] if m["label"] == "reader"]
    assert [m["page"].rpartition("/")[2] for m in read] == ["a.png", "b.PNG", "c.png"]
    assert [m["tokens"]["image"] for m in read] == [10, 20, 10]
    look = [m["costs"]["look"]["eager"] for m in read]
    assert [cost["flops"] for cost in look] == [64 * 10, 64 * 20, 64 * 10]
    assert [cost["largest_tensor_bytes"] for cost in look] == [2 * 4 * n for n in (10, 20, 10)]
    (text,) = (m for m in found["models"] if m["label"] == "text")
    assert (text["page"], text["notes"][-1][:20]) == (None, "it reads no image, s")
    assert len(found["pages"]) == 3
    assert "notes.txt" in found["notes"][0]


def test_the_table_of_a_folder_has_means_and_what_they_are_of(pages):
    shown = pages("reader", "--image", str(pages.folder)).stdout
    assert "Each figure is the mean over 3 pages, then least..most." in shown
    assert "| reader | 3 | 13 (10..20) | none | none | bfloat16 | not checked |" in shown
    mean = 64 * 40 / 3
    assert f"| {mean:.1f} FLOP (640 FLOP..1.28 kFLOP) |" in shown


def test_rows_of_a_folder_have_the_page(pages):
    import csv

    done = pages("reader", "--image", str(pages.folder), "--stages", "look", "--format", "csv")
    rows = [row for row in csv.DictReader(done.stdout.splitlines()) if row["attention"] == "eager"]
    assert [(row["width"], row["height"], row["image_tokens"]) for row in rows] == [
        ("20", "50", "10"), ("40", "50", "20"), ("20", "50", "10"),
    ]  # fmt: skip


def test_a_broken_page_is_told_and_the_others_are_shown(pages):
    (pages.folder / "d.jpg").write_text("broken")
    done = pages("reader", "--image", str(pages.folder))
    assert done.returncode == 1
    assert "| reader | 3 | 13 (10..20) | none | none | bfloat16 | failed on 1 page |" in done.stdout
    (line,) = (line for line in done.stdout.splitlines() if "d.jpg" in line)
    assert line.startswith("- reader, d.jpg: image ")
    assert line.endswith("is not a PNG or JPEG image")


def test_a_folder_without_pages_and_models_without_images(pages, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    said = one_sentence(pages("reader", "--image", str(empty)))
    assert "the folder has no PNG or JPEG file" in said
    said = one_sentence(pages("text", "text:workload.words=2", "--image", str(pages.folder)))
    assert "none of these models takes an image (it has no workload.image)" in said


def test_one_image_is_for_the_models_that_read_one(pages):
    image = png(pages.folder / "large.png", 100, 100)
    found, models = report(pages, "reader", "text", "--image", image)
    assert models["reader"]["tokens"]["image"] == 100
    assert models["text"]["notes"] == ["it reads no image, so that it is priced without one"]
    assert (found["pages"], models["reader"]["page"]) == ([], None)


def test_two_images_for_one_model_are_refused(pages):
    image = png(pages.folder / "large.png", 100, 100)
    for args in (("reader:workload.image=[3,4]",), ("reader", "workload.image=[3,4]")):
        said = one_sentence(pages(*args, "--image", image))
        assert "workload.image=[3,4] and --image are both given: leave out one of the two" in said


def test_a_wildcard_stands_for_the_names_that_match(compare):
    found, _ = report(compare, "page", "*ag*", "hf/gem*2", "--analytic-only")
    labels = [model["label"] for model in found["models"]]
    assert labels[0] == "page"
    assert labels.count("page") == 1
    assert labels[-1] == "hf/gemma2"
    assert not any("*" in label for label in labels)


def test_what_is_wrong_with_one_that_a_wildcard_stands_for_is_its_result(compare):
    _, models = report(compare, "p*ge", "te*t", "workload.size=2", "--analytic-only", code=1)
    assert models["page"]["error"] is None
    assert "text: workload: unknown key 'size'" in models["text"]["error"]


def test_a_wildcard_that_matches_nothing_names_what_is_near(compare):
    said = one_sentence(compare("pagex*"))
    assert said.startswith("no known model matches 'pagex*'")
    assert "page" in said.partition("near names: ")[2]


def test_costs_over_page_sizes(pages, tmp_path):
    out = tmp_path / "out"
    done = pages("reader", "text", "--page-sizes", "--stages", "look,say", "--out", str(out))
    assert done.returncode == 0, done.stderr
    found = json.loads((out / "compare.json").read_text())
    sizes = found["page_sizes"]
    assert {size["label"] for size in sizes} == {"reader"}
    assert [size["megapixels"] for size in sizes][:3] == [0.25, 0.5, 1]
    for size in sizes:
        rows = size["width"] * size["height"] // 100
        assert (size["image_tokens"], size["flops"]) == (rows, 64 * rows)
        assert size["largest_tensor_bytes"] == 2 * 4 * rows
        assert abs(size["width"] * size["height"] / 1e6 / size["megapixels"] - 1) < 0.01
    for name in ("image_tokens", "flops", "largest_tensor"):
        assert (out / f"pages_{name}.png").read_bytes().startswith(b"\x89PNG")
