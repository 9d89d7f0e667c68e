"""Laws that name and use everything that an export may have to carry."""

from flopbench.exports.laws import (
    Assumption,
    ExportedLaw,
    ExportedLaws,
    Golden,
    LeftOut,
    Refused,
    StageLaws,
    Symbol,
)
from flopbench.exports.text import text_of

NASTY = (
    "'\"`${1}</script><script>alert(1)</script>*/ /* // # ??/ ??) \\ \\\n\r\u2028\x00\x1b[31m"
    '"""); raise SystemExit("owned") #\u202e@NAME@ {0} %s \\u0022 \ud800 é 文'
)
"""What ends a text, a comment or a tag in some language, and what turns text around."""

ALL = [
    "+",
    ["*", "3", ["^", "S", "2"]],
    ["floor", "S", "4"],
    ["ceil", "S", "4"],
    ["mod", "S", "5"],
    ["min", "S", "7"],
    ["max", "B", "7", ["*", "-1", "S"]],
    ["/", ["*", "S", ["+", "S", "1"]], "2"],
    ["if", ["or", ["<", "S", "3"], ["not", ["==", "B", "2"]]], "1000", ["*", "-2", "B"]],
    ["sum", "k", "1", "B", ["min", ["+", "S", "k"], "9"]],
    "123456789012345678901234567890",
]
"""A tree with every operator of values."""

CONDITIONS = (
    Assumption("S < 50", ["<", "S", "50"]),
    Assumption("Ne(S, 13)", ["!=", "S", "13"]),
    Assumption("S + k < 60 in each step", ["each", "k", "1", "B", ["<=", ["+", "S", "k"], "59"]]),
    Assumption("B = 1, or S is at least 2", ["or", ["and", ["==", "B", "1"]], [">=", "S", "2"]]),
    Assumption("true", ["and"]),
    Assumption("something that no program can check"),
)


def laws(tree=ALL, name="toy", *, conditions=CONDITIONS, nasty="plain"):
    """Return the laws of a model of one stage."""
    return ExportedLaws(
        name=name,
        identifier="toy",
        kind="model",
        symbols=(
            Symbol("S", "S", f"tokens {nasty}", 1, 5),
            Symbol("B", "B", f"pages {nasty}", 1, 2),
        ),
        attention=("eager",),
        stages=(
            StageLaws(
                name=f"prefill {nasty}",
                title=f"Prefill {nasty}",
                identifier="prefill",
                symbols=("S", "B"),
                verdict="proved",
                reason=nasty,
                assumptions=(*conditions, Assumption(f"S < 49 {nasty}", ["<", "S", "49"])),
                laws=(
                    ExportedLaw("flops", "eager", None, "flops_prefill", tree, text_of(tree)),
                    ExportedLaw("flops", "eager", f"a {nasty}", "flops_a", "S", "S"),
                    ExportedLaw("flops", f"flash {nasty}", f"a {nasty}", "flops_b", "S", "S"),
                ),
                left_out=(LeftOut("bytes_moved", f"eager {nasty}", nasty),),
                golden=(Golden({"S": 5, "B": 2}, {"flops_a": 5}),),
                refused=(Refused({"S": 13, "B": 2}, "Ne(S, 13)"),),
            ),
        ),
        closed={nasty: nasty},
        provenance={
            "versions": {"flopbench": nasty},
            "vendor": {nasty: nasty},
            "counter": nasty,
            "config": {nasty: nasty},
            "config_digest": nasty,
            "proof_digest": nasty,
        },
        notes=(nasty,),
        left_out=(nasty,),
        audit={"counter": {nasty: nasty}, "conventions": {}, "own_formulas": [nasty], "stages": {}},
    )
