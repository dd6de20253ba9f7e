"""The node tests that ship with ONNX: their numbers, by our records, equations and layers.

The suite is weak (all LSTM weights are equal, no states, no shorter lengths), so it is run beside
the random cases of the other files and instead of none of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from equations.layers import Directions, bidirectional, layer, reverse
from verify import dialects
from verify.dialects.record import Dialect
from verify.evidence.verdict import EPS
from verify.frameworks.compare import ROUNDING
from verify.frameworks.expected import expected
from verify.frameworks.network import BOTH, Network, Problem

pytestmark = pytest.mark.filterwarnings("ignore")  # those of frameworks are for their users

Case = Any  # ONNX's
Array = Any
Arrays = Any
OPERATORS = ("RNN", "GRU", "LSTM")
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
WAYS = {b"forward": ("forward",), b"reverse": ("backward",), b"bidirectional": BOTH}
UNIT = ROUNDING.value * float(np.finfo(np.float32).eps) / EPS


def suite() -> Iterator[tuple[Case, Any, dict[str, Any]]]:
    """The cases of the recurrent operators with their node and its attributes.

    ONNX makes the cases of an operator when its module is imported; of all operators takes long.
    """
    package = "onnx.backend.test.case.node"
    reason = 'onnx is not installed: pip install "gateproof[onnx]"'
    node = pytest.importorskip(package, reason=reason)
    for operator in OPERATORS:
        importlib.import_module(f"{package}.{operator.lower()}")
    helper = importlib.import_module("onnx.helper")
    for case in node._NodeTestCases:
        (one, *more) = case.model.graph.node
        if one.op_type in OPERATORS and not more:
            yield case, one, {a.name: helper.get_attribute_value(a) for a in one.attribute}


def moved(array: Array, layout: int, axis: int) -> Array:
    """From the batch first, where the layout is 1, to the batch on its own axis."""
    return np.moveaxis(array, 0, axis) if layout else array


def problem_of(
    dialect: Dialect, inputs: dict[str, Array], directions: tuple[Any, ...], n_h: int
) -> Problem:
    """The node as a problem, with zeros for what is absent and no cotangents."""
    xs = inputs["X"]
    steps, batch = xs.shape[:2]
    nothing = np.zeros((len(directions), batch, n_h), np.float32)
    initial = [inputs.get(f"initial_{name}", nothing) for name in dialect.states]
    states = tuple(zip(*initial, strict=True))
    arrays = tuple(
        {name: inputs[name][k : k + 1] for name in dialect.layouts if name in inputs}
        for k in range(len(directions))
    )
    network = Network(1, directions, "sequence_lens" in inputs)
    dys = np.zeros((steps, batch, n_h * len(directions)))
    lengths = inputs.get("sequence_lens")
    return Problem(network, arrays, xs, states, lengths, dys, states)


def unrolled(dialect: Dialect, problem: Problem) -> tuple[Array, Arrays]:
    """Outputs and last states of our layer, in float32."""
    module = importlib.import_module(f"equations.generated.{dialect.cell}")
    params = [dialect.unpack(own) for own in problem.arrays]
    states = [module.State(*state) for state in problem.states]
    if problem.network.directions == BOTH:
        model, (params, states) = bidirectional(module), (Directions(*params), Directions(*states))
    else:
        backward = problem.network.directions == ("backward",)
        model, ((params,), (states,)) = (reverse if backward else layer)(module), (params, states)
    lengths = None if problem.lengths is None else problem.lengths.astype(np.int64)
    (ys, last), _ = model.unroll(params, problem.xs, states, lengths)
    return ys, last if problem.network.directions == BOTH else (last,)


def verdicts(changed: Mapping[str, Dialect]) -> dict[str, bool]:
    """Whether each case is computed by its record, some of which may be changed.

    Outputs and last states, of the equations and of our layers, within the bound of float32.
    """
    found = {}
    for case, node, attributes in suite():
        layout, n_h = attributes.get("layout", 0), attributes["hidden_size"]
        assert set(attributes) <= {"layout", "hidden_size", "direction"}, case.name
        given, wanted = (list(values) for values in case.data_sets[0])
        inputs = {own: given.pop(0) for own, name in zip(INPUTS, node.input, strict=False) if name}
        for name, axis in {"X": 1, "initial_h": 1, "initial_c": 1}.items():
            if name in inputs:
                inputs[name] = moved(inputs[name], layout, axis)
        name = f"onnx.{node.op_type}"
        record = dialects[f"{name}[P=given]" if "P" in inputs else name]
        dialect = changed.get(record.name, record)
        directions = WAYS[attributes.get("direction", b"forward")]
        problem = problem_of(dialect, inputs, directions, n_h)
        params = [dialect.unpack(own)._asdict() for own in problem.arrays]
        right = expected(dialect.symbolic, params, problem)
        ys, last = unrolled(dialect, problem)
        pairs = [(ys, right.ys)]
        for own, bounded in zip(last, right.states, strict=True):
            pairs += zip(own, bounded, strict=True)
        results = dict(zip(("Y", "Y_h", "Y_c"), node.output, strict=False))
        for result in (result for result, used in results.items() if used):
            array = moved(wanted.pop(0), layout, 2 if result == "Y" else 1)
            for k in range(len(directions)):
                if result == "Y":
                    share = slice(k * n_h, (k + 1) * n_h)
                    value = right.ys.value[..., share], right.ys.error[..., share]
                    pairs.append((array[:, k], type(right.ys)(*value)))
                else:
                    state = dialect.states.index(result[-1])
                    pairs.append((array[k], right.states[k][state]))
        assert not wanted, case.name
        found[case.name] = all(
            value.dtype == np.float32
            and np.all(np.abs(value - bounded.value) <= UNIT * bounded.error)
            for value, bounded in pairs
        )
    return found


def test_every_case_is_computed_by_its_record() -> None:
    found = verdicts({})
    assert len(found) >= 18
    assert all(found.values()), found


def test_the_suite_sees_gates_in_a_wrong_order_where_weights_differ() -> None:
    """In a GRU; in an LSTM its weights are all the same."""
    changed = {
        "onnx.GRU": {"W": "[[W_r; W_u; W_h]]", "R": "[[U_r; U_u; U_h]]"},
        "onnx.LSTM": {"W": "[[W_i; W_f; W_o; W_g]]", "R": "[[U_i; U_f; U_o; U_g]]"},
    }
    wrong = {
        name: replace(dialects[name], arrays={**dialects[name].arrays, **arrays})
        for name, arrays in changed.items()
    }
    missed = [case for case, right in verdicts(wrong).items() if right]
    assert "test_gru_seq_length" not in missed
    assert [case for case in missed if "lstm" in case]
