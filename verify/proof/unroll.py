"""A step written out T times as one program, each name with the number of its step."""

from __future__ import annotations

from equations.derive.sequence import Carried
from equations.language import TensorSymbol
from equations.program import Equation, Fact, Program


def at_step(symbol: TensorSymbol, t: int) -> TensorSymbol:
    """The symbol of step t; steps count from 1."""
    return TensorSymbol(f"{symbol.name}_at_{t}", symbol.axes, role=symbol.role)


def unroll(step: Program, carried: Carried, steps: int) -> Program:
    """One program of `steps` steps.

    Args:
        step: a step in any form.
        carried: each old state with its new value.
        steps: how many, at least one.

    Returns:
        A program from the parameters, the first states and every step's inputs to every step's
        results; what belongs to step t is called `..._at_t`, and the first states keep their names.
    """
    shared = [s for s in step.arguments if s.role not in ("input", "state")]
    states = [old for old, _ in carried]
    inputs = [s for s in step.arguments if s.role == "input"]
    arguments = [*states, *shared]
    equations: list[Equation] = []
    results: list[TensorSymbol] = []
    facts: list[Fact] = []
    now: dict[TensorSymbol, TensorSymbol] = {state: state for state in states}
    for t in range(1, steps + 1):
        rename = {symbol: symbol for symbol in shared} | now
        rename |= {symbol: at_step(symbol, t) for symbol in inputs}
        rename |= {equation.symbol: at_step(equation.symbol, t) for equation in step.equations}
        arguments += [rename[symbol] for symbol in inputs]
        equations += [Equation(rename[e.symbol], e.value.xreplace(rename)) for e in step.equations]
        results += [rename[symbol] for symbol in step.results]
        facts += [Fact(f.left.xreplace(rename), f.right.xreplace(rename)) for f in step.facts]
        now = {old: rename[new] for old, new in carried}
    return Program(
        f"{steps} steps of {step.name}",
        tuple(arguments),
        tuple(equations),
        tuple(results),
        tuple(facts),
    )
