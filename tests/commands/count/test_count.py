"""``flopbench count``: what it takes, what it says, and what it refuses."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopbench.commands.count.inputs import Input, named_sizes, parse_dims, parse_input
from flopbench.errors import UsageError

FILE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 8)

    def forward(self, x, mask=None):
        return self.layer(x)


class Wide(Net):
    def __init__(self, width):
        super().__init__()


def make():
    return Net()


def product(x):
    return x @ x.mT


def solve(x):
    return torch.linalg.solve(x, x)


class Branch(Net):
    def forward(self, depth):
        y = self.layer(depth)
        print("a branch")
        return y if y.sum() > 0 else y @ y.mT


net = make()
number = 3
"""


@pytest.fixture
def count(flopbench, tmp_path):
    (tmp_path / "net.py").write_text(FILE, encoding="utf-8")
    return lambda *words: flopbench("count", *words)


@pytest.mark.parametrize("name", ["net", "Net", "make", "net.layer"])
def test_a_module_a_class_and_a_function_that_makes_one(count, name):
    done = count(f"net.py:{name}", "--input", "3,4", "--format", "json")
    assert json.loads(done.stdout)["flops"] == 2 * 3 * 4 * 8
    assert (done.returncode, done.stderr) == (0, "")


def test_a_function_keywords_and_dtypes(count):
    assert "product: 54 FLOPs" in count("net.py:product", "--input", "3,3").stdout
    done = count("net.py:Net", "--input", "3,4", "--input", "mask=3,4:bool", "--dtype", "float16")
    assert "192 FLOPs" in done.stdout
    assert "parameters: 40 (80 B)" in done.stdout


@pytest.mark.parametrize(
    "words",
    [("--input", "3,4", "--dims", "B"), ("--input", "B,4", "--dims", "B=3")],
)
def test_open_sizes_give_the_law(count, words):
    assert "Net(B) = 64*B FLOPs" in count("net.py:Net", *words).stdout


def test_backward_components_and_files(count, tmp_path):
    done = count(
        "net.py:Net", "--input", "3,4", "--backward", "--component", "layer=dense", "--out", "a.csv"
    )
    assert "passes: forward 192, backward 192" in done.stdout
    assert "dense" in (tmp_path / "a.csv").read_text(encoding="utf-8")


def test_what_is_uncounted_is_no_success(count):
    done = count("net.py:solve", "--input", "3,3")
    assert (done.returncode, done.stdout.splitlines()[-1][:11]) == (1, "incomplete:")


def test_a_model_of_transformers_has_its_usual_inputs(count):
    fields = ["model.hidden_size=16", "model.num_hidden_layers=1", "model.num_attention_heads=2"]
    done = count(
        "transformers:ViTModel", *fields, "model.intermediate_size=32", "model.image_size=32"
    )
    # (32 / 16)**2 patches and a class token: a patch is 16 x 16 x 3.
    patches, tokens = 4, 5
    flops = patches * 768 * 16 + tokens * (4 * 16 * 16 + 2 * 16 * 32) + 2 * tokens * tokens * 16
    assert f"{2 * (flops + 16 * 16):,} FLOPs" in done.stdout


@pytest.mark.parametrize(
    ("words", "status", "error"),
    [
        (("net.py:nett",), 2, "net.py: unknown name 'nett': did you mean 'net'?"),
        (("nets.py:net",), 2, "there is no file 'nets.py'"),
        (("net.py",), 2, "say what to count as FILE.py:NAME or transformers:NAME, got 'net.py'"),
        (
            ("net.py:number",),
            2,
            "net.py: number must be a module, a class or a function, got a int",
        ),
        (("net.py:Wide",), 2, "net.py: Wide needs width: name a function that makes the module"),
        (("net.py:net", "--input", "3,5"), 1, "'layer' (Linear) of Net failed: RuntimeError: "),
        (("net.py:net",), 1, "Net failed: TypeError: Net.forward() missing 1 required"),
        (("net.py:net", "--input", "3,-4"), 2, "--input 3,-4: each size must be 0 or more, got -4"),
        (("net.py:net", "--input", "3;4"), 2, "--input 3;4: each size must be an integer, got "),
        (
            ("net.py:net", "--input", "3,4:int3"),
            2,
            "--input 3,4:int3: unknown dtype 'int3': did you",
        ),
        (("net.py:net", "--input", "B,4"), 2, "--dims must give B an example, such as B=2"),
        (("net.py:net", "--input", "3,4", "--dims", "T=2"), 2, "--dims: no input has a size T"),
        (("net.py:net", "--input", "3,4", "--dtype", "x"), 2, "unknown dtype 'x'"),
        (("net.py:net", "--component", "x"), 2, "--component must be PATTERN=NAME, got 'x'"),
        (("net.py:net", "--depth", "-1"), 2, "--depth must be 0 or more, got -1"),
        (("net.py:net", "model.x=3"), 2, "'model.x=3' sets a field of a config, which only"),
        (("transformers:berty",), 2, "unknown model of transformers 'berty': did you mean 'bert'?"),
        (("transformers:bert", "model.hiden_size=3"), 2, "did you mean 'hidden_size'?"),
        (("transformers:AutoModel",), 2, "transformers:AutoModel has no config of its own"),
        (("net.py:net", "--input", "3,4", "--dims", "B", "--run"), 2, "--run is for counts, and"),
        (("net.py:net", "--input", "3,4", "--out", "a.xyz"), 2, "cannot save to 'a.xyz'"),
        (("net.py:net", "--input", "9223372036854775808,4"), 2, "cannot be made: "),
        (("net.py:number.x",), 2, "net.py: unknown name 'x'"),
    ],
)
def test_bad_input_is_one_sentence(count, words, status, error):
    done = count(*words)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("flopbench: error: ")
    assert error in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_real_run_builds_on_the_cpu(count):
    told = count("net.py:Branch", "--input", "depth=3,4").stderr
    assert "needs the values of tensors" in told
    assert told.endswith(": --run runs the call really and counts that\n")
    done = count("net.py:Branch", "--input", "depth=3,4", "--run", "--format", "json")
    assert json.loads(done.stdout)["flops"] >= 2 * 3 * 4 * 8
    assert done.stderr == "a branch\n"


def test_usual_inputs_are_told(count):
    fields = ["model.hidden_size=16", "model.num_hidden_layers=1", "model.num_attention_heads=2"]
    done = count("transformers:bert", *fields, "model.intermediate_size=32", "--format", "json")
    (note,) = json.loads(done.stdout)["notes"]
    assert note.startswith("called with input_ids=")
    assert note.endswith("; --input gives other inputs")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("net = (", "bad.py cannot be read: '(' was never closed (line 1)"),
        ("import nothing_of_this_name", "bad.py cannot be executed: ModuleNotFoundError"),
        ("raise SystemExit(3)", "bad.py cannot be executed: SystemExit: 3"),
        ("def net(): raise ValueError('no')", "bad.py: net failed: ValueError: no"),
    ],
)
def test_a_file_that_fails_is_one_sentence(flopbench, tmp_path, code, error):
    (tmp_path / "bad.py").write_text(code, encoding="utf-8")
    done = flopbench("count", "bad.py:net")
    assert done.returncode in {1, 2}
    assert error in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_traceback_is_shown_if_asked_for(count):
    assert "Traceback" in count("net.py:net", "--input", "3,5", "--traceback").stderr


names = st.from_regex(r"[a-z]{1,5}", fullmatch=True)


@given(
    name=names,
    shape=st.lists(st.integers(0, 10**6), max_size=5),
    dtype=st.sampled_from(["float32", "bool", "int64"]),
)
def test_an_input_is_what_it_says(name, shape, dtype):
    text = f"{name}={','.join(map(str, shape))}:{dtype}"
    assert parse_input(text) == Input(name, tuple(shape), dtype)


def test_names_of_sizes_are_those_at_the_same_place():
    inputs = [Input("", (2, 17, 64)), Input("mask", (2, 17)), Input("other", (2, 16))]
    renamed, examples = named_sizes(inputs, parse_dims("B,S"))
    assert [each.shape for each in renamed] == [("B", "S", 64), ("B", "S"), ("B", 16)]
    assert examples == {"B": 2, "S": 17}
    with pytest.raises(UsageError, match="names 2 sizes, but the first input has 1"):
        named_sizes([Input("", (3,))], parse_dims("B,S"))
