r"""How symbols are named in print: the parts of a display name such as `h'_{t-1}`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from equations.printing.notation import Call, Name

if TYPE_CHECKING:
    from equations.language import TensorSymbol

ACCENTS = ("hat", "tilde", "bar", "dot", "ddot", "vec", "check", "breve", "mathring")
TIMES = ("t", "t-1", "t+1")

_NAME = re.compile(
    rf"""(?:\\(?P<accent>{"|".join(ACCENTS)})\s*(?![A-Za-z]{{2}}))?
    (?:\{{(?P<braced>\\?[A-Za-z0-9]+)\}}|(?P<head>\\[A-Za-z]+|[A-Za-z]+[0-9]*))\s*
    (?P<primes>'*)
    (?:_(?:\{{(?P<sub>[^{{}}]*)\}}|(?P<plain>\\[A-Za-z]+|[A-Za-z0-9_]+)))?
    (?:\^(?:\{{(?P<sup>[^{{}}]*)\}}|(?P<sign>[A-Za-z0-9+*-])))?""",
    re.VERBOSE,
)

_FUNCTION = re.compile(r"\\(?P<function>log|exp|tanh|sinh|cosh|sin|cos)\b\s*(?P<of>[^\s(].*)")


def parsed(display: str) -> Name | Call:
    r"""A display name in LaTeX in its parts; one that does not parse is written as it is.

    A function of a name, such as `\log \hat y_t`, is a name too.
    """
    if match := _FUNCTION.fullmatch(display.strip()):
        return Call(match["function"], (parsed(match["of"]),))
    return parsed_name(display)


def parsed_name(display: str) -> Name:
    """The same for a display name that is no function."""
    match = _NAME.fullmatch(display.strip())
    if match is None:
        return Name(display, verbatim=True)
    sub = match["sub"] or (match["plain"] or "").replace("_", ",")
    accent = match["accent"]
    return Name(
        match["braced"] or match["head"],
        ("ring" if accent == "mathring" else accent,) if accent else (),
        len(match["primes"]),
        tuple(part.strip() for part in sub.split(",") if part.strip()),
        match["sup"] or match["sign"] or "",
    )


def argument_name(symbol: TensorSymbol, of: TensorSymbol) -> Name:
    """The pre-activation of an equation: a_u, a_{h'}, and a_{h,2} for the second one of h."""
    sub: str | Name
    if "_" in of.name:
        shown = parsed_name(of.display)
        sub = Name(
            shown.head,
            shown.accents,
            shown.primes,
            tuple(part for part in shown.sub if part not in TIMES),
            shown.sup,
            shown.verbatim,
        )
        if sub == Name(sub.head):
            sub = sub.head
    else:
        sub = of.name
    number = symbol.name.removeprefix(f"a_{of.name}").removeprefix("_")
    return Name("a", sub=(sub, number) if number else (sub,))


def cotangent_level(symbol: TensorSymbol, of: TensorSymbol, suffix: str) -> int:
    """2 for `d2u`: the level that the derivation put into the name."""
    number = symbol.name.removesuffix(suffix).removesuffix(of.name).removeprefix("d")
    return int(number) if number.isdecimal() else 1


def tangent_level(symbol: TensorSymbol, of: TensorSymbol) -> int:
    """2 for `u_dot2`: the level that the derivation put into the name."""
    number = symbol.name.removeprefix(of.name).removeprefix("_dot")
    return int(number) if number.isdecimal() else 1
