"""Proofs of a model that pads its tokens to chunks and solves a system in each."""

import attrs
import pytest
import torch
from torch.nn import functional

from flopbench import Linear, MatMul
from flopbench.commands.prove.text import console, latex, markdown
from flopbench.ops import TriangularSolve
from support.proofs import equations, proof_of
from toy.sized import WIDTH, SizedToy, Sizes, TorchVendor

CHUNK = 8


class Chunked(SizedToy):
    """A linear layer over padded tokens, and a system of 8 unknowns per chunk."""

    def ops(self, stage, workload):
        chunks = -(-workload.S // CHUNK)
        rows = workload.B * chunks * CHUNK
        yield Linear(component="layer", rows=rows, in_features=WIDTH, out_features=WIDTH)
        yield TriangularSolve(
            component="layer",
            batch=workload.B * chunks,
            n=CHUNK,
            columns=WIDTH,
            unit_diagonal=True,
        )


def in_chunks(x, linear):
    batch, tokens, width = x.shape
    padding = (CHUNK - tokens % CHUNK) % CHUNK
    x = linear(functional.pad(x, (0, 0, 0, padding)))
    chunks = x.reshape(batch, -1, CHUNK, width)
    matrix = chunks @ chunks.transpose(-1, -2)
    solved = torch.linalg.solve_triangular(matrix, chunks, upper=False, unitriangular=True)
    return solved, matrix


class WithScores(Chunked):
    def ops(self, stage, workload):
        yield from super().ops(stage, workload)
        batch = workload.B * -(-workload.S // CHUNK)
        yield MatMul(component="layer", batch=batch, m=CHUNK, k=WIDTH, n=CHUNK)


@pytest.fixture(scope="module")
def proof():
    return proof_of(WithScores(), TorchVendor(in_chunks), Sizes(B=3, S=21))


def test_the_law_is_in_numbers_of_chunks(proof):
    whole = equations(proof)["prefill", None]
    assert proof.verdict == "proved"
    per_chunk = 2 * CHUNK * WIDTH * WIDTH + CHUNK * (CHUNK - 1) * WIDTH + 2 * CHUNK * CHUNK * WIDTH
    assert str(whole.vendor) == f"{per_chunk}*B*ceiling(S/{CHUNK})"
    assert set(equations(proof)["prefill", "layer"].vendor_ops) >= {"aten.linalg_solve_triangular"}


def test_few_assumptions_are_left(proof):
    found = equations(proof)["prefill", None].assumptions
    assert found == (f"S > {CHUNK}",)


def test_one_fixed_length_is_proved_for_every_batch():
    fixed = proof_of(WithScores(), TorchVendor(in_chunks), Sizes(B=3, S=21), symbols=["B"])
    assert fixed.verdict == "proved"
    assert str(equations(fixed)["prefill", None].vendor) == f"{3 * 992}*B"


@pytest.mark.parametrize("shown", [console, markdown, latex])
def test_people_are_shown_ten_assumptions_and_json_all(proof, shown):
    notes = tuple(f"S > {n}" for n in range(13))
    many = attrs.evolve(
        proof, equations=tuple(attrs.evolve(e, assumptions=notes) for e in proof.equations)
    )
    text = shown(many)
    assert "S > 9" in text
    assert "S > 10" not in text
    assert "and 3 more, which JSON has" in text
    assert many.to_dict()["stages"][0]["assumptions"] == list(notes)
    assert "more, which JSON has" not in shown(proof)
