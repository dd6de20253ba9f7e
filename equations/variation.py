"""Cells with numbers of their own: `lstm[clip=0.5]` is lstm with every pre-activation within ±0.5.

A threshold, or the line of a hard sigmoid, is a number, and each number makes another function.
Such a cell is made of one that has a file, when it is asked for, and is a cell like any other. In
the brackets can stand

    clip=0.5                pre-activations: what a function takes that has a product in it
    clip_c=3                the new value of the state c, before anything else reads it
    slope=0.2,offset=0.5    each σ becomes clip(0.2 a + 0.5, 0, 1), and a hard one has this line
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import sympy as sp

from equations.cell import Cell
from equations.language import Contract, LanguageError, Select, TensorSymbol, clip, ramp, sigmoid
from equations.program import Equation

NAME = re.compile(r"(?P<base>\w+)\[(?P<numbers>.*)\]")
NUMBER = re.compile(r"(?P<option>\w+)=(?P<number>\d+(?:\.\d+)?(?:e[-+]?\d+)?)")

LINE = {"slope": sp.Rational(1, 5), "offset": sp.Rational(1, 2)}
"""Of a hard sigmoid in place of a σ, unless they are given; the defaults of ONNX."""

UNUSUAL = sp.Rational(7, 13)
"""A number that no cell has of its own."""

Numbers = Mapping[str, str]
"""By option, as they are written."""


def parts(name: str) -> tuple[str, dict[str, str]]:
    """The cell that a name begins with, and the numbers in its brackets.

    Raises:
        LanguageError: what is in the brackets is no list of numbers with names.
    """
    found = NAME.fullmatch(name)
    if found is None:
        return name, {}
    numbers: dict[str, str] = {}
    for text in found["numbers"].split(","):
        entry = NUMBER.fullmatch(text)
        if entry is None or entry["option"] in numbers:
            raise LanguageError(f"{name}: expected numbers such as clip=0.5, got {text!r}")
        numbers[entry["option"]] = entry["number"]
    return found["base"], numbers


def with_numbers(name: str, numbers: Numbers) -> str:
    """The name of a cell with these numbers besides those it has."""
    base, own = parts(name)
    told = ",".join(f"{option}={number}" for option, number in {**own, **numbers}.items())
    return f"{base}[{told}]" if told else base


def options(cell: Cell) -> tuple[str, ...]:
    """What a number can be given for: what such a number changes the equations by."""
    named = ("clip", *(f"clip_{state}" for state in cell.states), *LINE)
    own = cell.program.equations
    return tuple(option for option in named if _equations(cell, {option: UNUSUAL}) != own)


def variation(cell: Cell, numbers: Numbers) -> Cell:
    """The cell with these numbers. Its gates reach other ends, so it has no statements on them.

    Raises:
        LanguageError: the cell has no place for a number.
    """
    name = with_numbers(cell.name, numbers)
    given = {option: sp.Rational(number) for option, number in numbers.items()}
    for option, number in given.items():
        if option not in options(cell):
            known = ", ".join(options(cell)) or "no numbers"
            raise LanguageError(f"{name}: expected some of {known}, got {option}")
        if not number and option != "offset":
            raise LanguageError(f"{name}: expected a positive number for {option}, got {number}")
    told = ", ".join(f"{option} = {number}" for option, number in numbers.items())
    return replace(
        cell,
        name=name,
        doc=f"{cell.doc.splitlines()[0].rstrip('.')}; {told}.",
        program=replace(cell.program, name=name, equations=_equations(cell, given)),
        gates={},
        boundaries=(),
        theorems=(),
    )


def _equations(cell: Cell, given: Mapping[str, sp.Rational]) -> tuple[Equation, ...]:
    bounds = {new: given.get(f"clip_{old}") for old, new in cell.carried}

    def changed(equation: Equation) -> Equation:
        value = _changed(equation.value, given)
        bound = bounds.get(equation.symbol)
        return Equation(equation.symbol, value if bound is None else clip(value, -bound, bound))

    return tuple(map(changed, cell.program))


def _changed(value: sp.Expr, given: Mapping[str, sp.Rational]) -> sp.Expr:
    """An expression whose functions have other lines, and arguments within bounds."""
    if not value.args or isinstance(value, TensorSymbol):
        return value
    if isinstance(value, sp.Function):
        return _function(value, given)
    if isinstance(value, Select):
        # A relu: what is compared with 0 is what it takes.
        argument = value.args[0].args[0]
        return value.xreplace({argument: _within(argument, given)})
    return value.func(*(_changed(a, given) if isinstance(a, sp.Expr) else a for a in value.args))


def _function(value: sp.Expr, given: Mapping[str, sp.Rational]) -> sp.Expr:
    argument, *line = value.args
    argument = _within(argument, given)
    hard = isinstance(value, ramp) and tuple(line[2:]) == (0, 1)
    if not (isinstance(value, sigmoid) or hard) or not set(LINE) & set(given):
        return value.func(argument, *line)
    own = dict(zip(LINE, line, strict=False)) if hard else LINE
    return ramp(argument, *(given.get(name, number) for name, number in own.items()), 0, 1)


def _within(argument: sp.Expr, given: Mapping[str, sp.Rational]) -> sp.Expr:
    """A pre-activation within its bound; a state is none."""
    if "clip" not in given or not argument.has(Contract):
        return argument
    return clip(argument, -given["clip"], given["clip"])
