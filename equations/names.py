"""The names that a cell may not use, since derivations and generated code use them.

Generated functions have a local name for every symbol of a cell, and further ones that are made of
those (`x_all`, `du`, `exp_u`) or are their own (`sizes`, `one`). What is listed here is what the
generators write; a test goes through all names of generated modules and finds any that is not.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from equations.language import TensorSymbol

FIXED = frozenset(
    {
        *("np", "math", "rng", "dtype", "sizes", "T", "B", "t", "start", "stop", "back", "steps"),
        *("params", "state", "state0", "saved", "tape", "xs", "nexts", "checkpoint_every"),
        *("dparams", "dx", "dxs", "dstate", "dstate0", "dnext", "dnexts"),
        *("Array", "Params", "Inputs", "State", "Next", "Saved", "Tape", "Checkpoints", "Jacobian"),
        *("absolute", "add", "copyto", "divide", "exp", "log", "product", "maximum", "minimum"),
        *("multiply", "negative", "power", "reciprocal", "sqrt", "square", "subtract", "tanh"),
        *("one", "two", "four", "half", "room"),
        *("spare", "work", "first", "last", "sample", "row", "real", "loop", "njit", "types"),
    }
)
"""Names that generated functions have besides those of the cell."""

MADE = re.compile(
    r"(exp|inverse|minus|one_minus|rest|slope|spare|room|work|arrays|sum)_.*"
    r"|.*_(all|rows?|steps?|ahead|columns|blocks|chunk|flat|factor|etc|dot\d*|given|later|of|T)"
    r"|.*_(by|from|of|to|one_minus)_.*"
    r"|k_|.*_compiled"
)
"""Names that generated functions make of others."""


def is_reserved(name: str) -> bool:
    """Whether generated code has another use for a name, whatever else a cell holds."""
    return (
        name in FIXED
        or name.startswith("_")
        or keyword.iskeyword(name)
        or hasattr(builtins, name)
        or MADE.fullmatch(name) is not None
    )


def derived_from(
    name: str, symbols: Sequence[TensorSymbol], states: Iterable[TensorSymbol]
) -> str | None:
    """What a name of a cell is also the name of, in words; None if it is free.

    Args:
        name: of a symbol or an axis of the cell.
        symbols: of its equations in normal form.
        states: its old states.
    """
    for symbol in symbols:
        if name in (f"d{symbol}", f"a_{symbol}"):
            return f"what is derived from {symbol}"
        if any(name == f"d{symbol}_d{state}" for state in states):
            return f"the derivative of {symbol}"
    kinds: dict[str, Kind] = {
        f"{d}{s}": (s.role == "parameter", s.axes)
        for d in ("", "d")
        for s in symbols
        if str(s) != name
    }
    words = name.split("_")
    for start, end in combinations(range(len(words) + 1), 2):
        around = words[:start], words[end:]
        together = _side_by_side(words[start:end], around, kinds)
        if together and len(together) > 1:
            return f"{' and '.join(together)} side by side"
    return None


Kind = tuple[bool, tuple[str, ...]]
"""Whether it is a parameter, and its axes: values of one kind may be computed as one."""


def _side_by_side(
    words: Sequence[str],
    around: tuple[Sequence[str], Sequence[str]],
    kinds: Mapping[str, Kind],
    kind: Kind | None = None,
) -> list[str] | None:
    """The names of one kind that share the words around, and of which the others are made."""
    if not words:
        return []
    for k in range(1, len(words) + 1):
        name = "_".join([*around[0], *words[:k], *around[1]])
        if name in kinds and kind in (None, kinds[name]):
            rest = _side_by_side(words[k:], around, kinds, kinds[name])
            if rest is not None:
                return [name, *rest]
    return None
