"""The schedule computes what the recurrence does, and leaves in the loop what has to wait."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from equations import cells
from equations.cell import Cell
from equations.derive.sequence import Recurrence
from equations.generate.numpy.module import functions_of
from equations.generate.planning.plan import Plan
from equations.generate.planning.roles import is_gradient, is_parameter
from equations.generate.planning.schedule import schedule
from verify.arithmetic.floats import Floats
from verify.interpret import evaluate, run

RECURRENCES: dict[str, Callable[[Cell], Recurrence]] = {
    "sequence": Cell.sequence,
    "bptt": Cell.bptt,
    "tangent_sequence": Cell.tangent_sequence,
}
STEPS = 3


@pytest.mark.parametrize("which", RECURRENCES)
@pytest.mark.parametrize("name", list(cells))
def test_the_three_parts_compute_what_the_recurrence_does(name: str, which: str) -> None:
    recurrence = RECURRENCES[which](cells[name])
    sizes = {axis: n for n, axis in enumerate(cells[name].axes, start=2)} | {"T": STEPS}
    rng = np.random.default_rng(0)
    carried = [argument for argument, _ in recurrence.carried]
    fixed: dict[str, np.ndarray] = {}
    series: dict[str, list[np.ndarray]] = {}
    for symbol in recurrence.body.arguments:
        shape = [sizes[axis] for axis in symbol.axes]
        if is_parameter(symbol) or symbol in carried:
            fixed[symbol.name] = rng.normal(size=shape)
        else:
            series[symbol.name] = [rng.normal(size=shape) for _ in range(STEPS)]
    final, trace = run(recurrence, fixed, series or {"": [None] * STEPS}, sizes, Floats())
    parts = schedule(recurrence)
    values = [{**fixed, **{k: v[t] for k, v in series.items()}} for t in range(STEPS)]
    state = {argument.name: fixed[argument.name] for argument in carried}
    for known in values:
        known.update(evaluate(parts.before, known, sizes, Floats()))
    for t in reversed(range(STEPS)) if recurrence.backwards else range(STEPS):
        values[t].update(state)
        values[t].update(evaluate(parts.loop, values[t], sizes, Floats()))
        state = {a.name: values[t][r.name] for a, r in recurrence.carried}
    for known in values:
        known.update(evaluate(parts.after, known, sizes, Floats()))
    for symbol in recurrence.body.results:
        if is_gradient(symbol):
            total = sum(known[symbol.name] for known in values)
            np.testing.assert_allclose(total, final[symbol.name], rtol=1e-12, atol=1e-13)
        else:
            for known, expected in zip(values, trace, strict=True):
                np.testing.assert_allclose(
                    known[symbol.name], expected[symbol.name], rtol=1e-12, atol=1e-13
                )


@pytest.mark.parametrize(
    ("name", "function", "products"),
    [
        ("rnn", "unroll", 1),
        ("gru", "unroll", 2),  # both gates at once, and the candidate, which waits for a gate
        ("lstm", "unroll", 1),
        ("lstm", "unroll_vjp", 1),
        ("gru", "unroll_vjp", 2),
        ("mingru", "unroll", 0),
        ("mingru", "unroll_vjp", 0),
        ("softmax_cross_entropy", "unroll", 0),
    ],
)
def test_the_loop_holds_no_more_products_than_have_to_wait(
    name: str, function: str, products: int
) -> None:
    lines = dict(functions_of(Plan(cells[name])))[function]
    inside = [line for line in lines if re.match(r" {8,}\w", line)]
    assert sum(line.count(" @ ") + line.count("product(") for line in inside) == products


@pytest.mark.parametrize("name", [n for n in cells if "U_h" in map(str, cells[n].parameters)])
def test_gradients_of_all_gates_are_one_product(name: str) -> None:
    """Their cotangents lie side by side, so all W are one product with x, and all b one sum."""
    text = "\n".join(dict(functions_of(Plan(cells[name])))["unroll_vjp"])
    assert text.count(" @ x_rows") == 1
    assert text.count("np.ones(T * B, dtype=dtype) @") == 1


def test_a_linear_recurrence_is_one_statement_a_step() -> None:
    loop = Plan(cells["mingru"]).sequence.loop
    assert [str(equation.symbol) for equation in loop] == ["h_next"]


def test_what_can_be_one_statement_with_what_waits_stays_beside_it() -> None:
    """1 - Γ_r is read on the way back alone, but 1 - Γ_u by the step, and both are one call."""
    schedule = Plan(cells["gru"]).signed_sequence
    assert not schedule.after.equations
    assert {"one_minus_u", "one_minus_r"} <= {str(eq.symbol) for eq in schedule.loop}
    lines = dict(functions_of(Plan(cells["gru"])))["unroll"]
    assert sum("reciprocal(" in line for line in lines) == 2


def test_what_reads_more_than_what_waits_does_not() -> None:
    """δh' = δh z has the form of δh (1 - z), but z need not be brought to every step."""
    schedule = Plan(cells["mingru"]).bptt
    assert [str(eq.symbol) for eq in schedule.loop] == ["dh_next", "dh"]


def test_a_cotangent_of_c_costs_nothing_where_there_is_none() -> None:
    lines = dict(functions_of(Plan(cells["lstm"])))["unroll_vjp"]
    at = next(k for k, line in enumerate(lines) if line.strip() == "if c_is_given:")
    assert lines[at + 1].strip() == "add(dc_next, dc_next_given, out=dc_next)"
    assert sum("dc_next_given, " in line for line in lines) == 1
