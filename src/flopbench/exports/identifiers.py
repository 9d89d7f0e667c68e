"""Names of sizes, stages and components as identifiers that every language takes."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import TypeVar

Key = TypeVar("Key")

_JAVASCRIPT = """
    arguments await bigint boolean break case catch class const continue debugger default
    delete do else enum eval export extends false finally for function if implements import
    in instanceof interface let new null number object package private protected public
    return static string super switch symbol this throw true try typeof undefined var void
    while with yield math infinity nan
"""
"""Reserved in strict code and in modules, and names of the language."""

_CPP = """
    alignas alignof and and_eq asm auto bitand bitor bool char char8_t char16_t char32_t
    compl concept consteval constexpr constinit const_cast co_await co_return co_yield
    decltype double dynamic_cast explicit extern float friend goto inline int long main
    mutable namespace noexcept not not_eq nullptr operator or or_eq register
    reinterpret_cast requires short signed sizeof static_assert static_cast std struct
    template thread_local typedef typeid typename union unix linux unsigned using virtual
    volatile wchar_t xor xor_eq errno assert stdin stdout stderr
"""
"""Reserved in C++20, alternative tokens, and what its headers define as macros."""

RESERVED = frozenset(
    {name.casefold() for name in (*keyword.kwlist, *keyword.softkwlist)}
    # Python's names that exported code uses, or that a reader would miss
    | {"bool", "int", "isinstance", "lambda", "len", "max", "min", "range", "sum", "type"}
    | {*_JAVASCRIPT.split(), *_CPP.split()}
)
"""What no argument or function may be called, in lower case."""


def identifier(name: str) -> str:
    """Return an identifier of ASCII letters, digits and single underscores for any text.

    What is none of these becomes an underscore, a digit at the start gets one before it, a name
    that begins with underscores loses them, and a word that some language reserves gets one behind
    it. So ``decoder/attention/core`` is ``decoder_attention_core``, and ``lambda`` is ``lambda_``.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"[^0-9A-Za-z]+", "_", plain).strip("_") or "x"
    made = f"x{words}" if words[0].isdigit() else words
    return f"{made}_" if made.casefold() in RESERVED else made


def unique(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Return an identifier for each name; of those that share one, later ones are numbered."""
    return unique_by({name: name for name in names}, taken)


def unique_by(names: Mapping[Key, str], taken: Iterable[str] = ()) -> dict[Key, str]:
    """Return an identifier for each key, made of its name as `unique` does; names may be equal."""
    used = set(taken)
    found: dict[Key, str] = {}
    for key, name in names.items():
        base = made = identifier(name)
        count = 1
        while made in used:
            count += 1
            made = f"{base.rstrip('_')}_{count}"
        used.add(made)
        found[key] = made
    return found
