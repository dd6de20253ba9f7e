"""Conversions are exact and proved, or refused with an example that is one."""

from __future__ import annotations

import importlib
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from test_records import bits, random_params

import verify
from equations import cells
from verify.dialects.convert import convert
from verify.dialects.counterexample import counterexample
from verify.dialects.equivalence import (
    Choice,
    Term,
    agrees,
    candidates,
    choice,
    plausible,
    values_of,
)
from verify.dialects.layout import DialectError, NoConversionError

FAMILIES = [
    sorted({record.cell for record in verify.dialects.values() if record.cell.startswith(start)})
    for start in ("rnn", "gru", "lstm")
]
PAIRS = [pair for family in FAMILIES for pair in permutations(family, 2)]
FOUND = [pair for pair in PAIRS if choice(*pair) is not None]
REFUSED = [pair for pair in PAIRS if choice(*pair) is None]


def step(cell: str, params: Any, given: dict[str, Any]) -> Any:  # noqa: ANN401
    """One step of a generated cell."""
    module = importlib.import_module(f"equations.generated.{cell}")
    state = module.State(*(given[name] for name in module.State._fields))
    return module.step(params, given["x"], state)[0]


@pytest.mark.parametrize(("source", "target"), FOUND)
def test_a_choice_that_is_proved_holds_in_the_generated_cells(source: str, target: str) -> None:
    """At random weights, where its conditions are made to hold."""
    made = choice(source, target)
    assert made is not None
    record = verify.dialects[f"gateproof.{source}"]
    params = random_params(record)
    values = values_of(params)
    if made.conditions.get("W_r") is not None:  # a projection that is the identity is square
        width = {"U": (4, 4), "W_r": (4, 4)}
        values = {
            k: np.resize(v, width.get(k, width.get(k[0], v.shape))) for k, v in values.items()
        }
    for name, term in made.conditions.items():
        values[name] = term.value(values, values[name].shape)
    assert not made.unmet(values)
    rng = np.random.default_rng(1)
    given = {"x": rng.normal(size=(5, 3))}
    width_h = values["W_r"].shape[0] if "W_r" in values else 4
    given["h"] = rng.normal(size=(5, width_h))
    given["c"] = rng.normal(size=(5, 4))
    moved = verify.dialects[f"gateproof.{target}"].params(made.apply(values))
    one = step(source, record.params(values), given)
    other = step(target, moved, given)
    for field in one._fields:
        np.testing.assert_allclose(
            getattr(other, field), getattr(one, field), rtol=1e-12, atol=1e-13
        )


def test_the_sides_of_the_update_gate_are_found_by_negating_it() -> None:
    """Nothing is typed in: the choice follows from σ(-a) = 1 - σ(a)."""
    negated = {"W_u = -W_u", "U_u = -U_u", "b_u = -b_u"}
    for pair in (("gru", "gru_keep"), ("gru_after", "gru_after_keep")):
        made = choice(*pair)
        assert made is not None
        assert set(made.changed) == negated
        assert not made.conditions


def test_coupled_gates_are_a_plain_lstm_with_a_negated_gate() -> None:
    """F = 1 - i is σ of the negative; the other way only for weights that are so."""
    made = choice("lstm_coupled", "lstm_peephole")
    assert made is not None
    assert str(made.parameters["W_f"]) == "-W_i"
    assert not made.conditions
    back = choice("lstm_peephole", "lstm_coupled")
    assert back is not None
    assert str(back.conditions["b_f"]) == "-b_i"


@pytest.mark.parametrize(("source", "target"), REFUSED)
def test_a_refusal_has_an_example_that_is_one(source: str, target: str) -> None:
    """Small integers at which every choice of signs and zeros is at least two decimals off."""
    found = counterexample(source, target)
    assert found is not None
    assert float(np.abs(found.one - found.other).max()) >= 0.02
    assert all(np.array_equal(value, np.round(value)) for value in found.given.values())
    text = str(found)
    assert "\n" not in text
    assert "nearest of" in text


def test_the_proof_sees_a_wrong_sign_that_a_point_may_not() -> None:
    """Each part of a proved choice changed: neither a random point nor the expansion agrees."""
    source, target = cells["gru"], cells["gru_keep"]
    made = choice("gru", "gru_keep")
    assert made is not None
    assert agrees(source, target, made)
    for name in ("W_u", "b_u", "U_r"):
        term = made.parameters[name]
        wrong = Choice("gru", "gru_keep", {**made.parameters, name: Term(name, -term.sign)})
        assert not agrees(source, target, wrong)
        assert not plausible(source, target, wrong)


def test_no_proved_choice_is_missed_by_the_random_point() -> None:
    """The quick look before the proof never refuses what the proof accepts."""
    source, target = cells["gru_keep"], cells["gru"]
    for made in candidates(source, target):
        assert agrees(source, target, made) == plausible(source, target, made)


def test_the_variant_of_the_target_that_can_is_chosen() -> None:
    """ONNX's default resets before; PyTorch's weights go to the variant that resets after."""
    record = verify.dialects["torch.GRU"]
    arrays = record.pack(random_params(record))
    made = convert(arrays, "torch.GRU", "onnx.GRU")
    assert made.target.name == "onnx.GRU[linear_before_reset=1]"
    assert "set linear_before_reset = 1" in str(made)
    assert made.merged == ("b_r, b_u: bias_ih_l0 + bias_hh_l0",)
    with pytest.raises(NoConversionError, match="no exact conversion; one has h'_t"):
        convert(arrays, "torch.GRU", verify.dialects["onnx.GRU"])


def test_two_layers_of_two_directions_are_converted_at_once() -> None:
    """Every place of PyTorch's names, into Paddle's."""
    record = verify.dialects["torch.LSTM"]
    places = [(0, False), (0, True), (1, False), (1, True)]
    arrays = record.pack_all({p: random_params(record, seed=k) for k, p in enumerate(places)})
    made = convert(arrays, "torch.LSTM", "paddle.LSTM")
    assert made.places == tuple(places)
    assert {k: bits(v) for k, v in made.arrays.items()} == {k: bits(v) for k, v in arrays.items()}
    two = convert({k: v for k, v in arrays.items() if "_l0" in k}, "torch.LSTM", "onnx.LSTM")
    assert two.arrays["W"].shape == (2, 16, 3)
    with pytest.raises(DialectError, match="holds one layer and direction, got layer 0, layer"):
        convert(arrays, "torch.LSTM", "onnx.LSTM")
    one = convert(arrays, "torch.LSTM", "onnx.LSTM", only=(1, True))
    alone = convert(record.pack(random_params(record, seed=3)), "torch.LSTM", "onnx.LSTM")
    assert {k: bits(v) for k, v in one.arrays.items()} == {
        k: bits(v) for k, v in alone.arrays.items()
    }
    with pytest.raises(DialectError, match=r"expected one of layer 0, layer 0 b.*, got layer 2"):
        convert(arrays, "torch.LSTM", "onnx.LSTM", only=(2, False))


def test_a_forget_bias_added_at_run_time_is_stored_and_said() -> None:
    """From TensorFlow 1 to Keras the 1 goes into the bias, and back it is taken off."""
    record = verify.dialects["tf1.BasicLSTMCell"]
    arrays = record.pack(random_params(record))
    made = convert(arrays, "tf1.BasicLSTMCell", "keras.LSTM")
    np.testing.assert_array_equal(made.arrays["bias"][4:8], arrays["bias"][8:12] + 1)
    assert made.merged == ("b_f: bias + 1 at run time",)
    back = convert(made.arrays, "keras.LSTM", "tf1.BasicLSTMCell")
    np.testing.assert_allclose(back.arrays["bias"], arrays["bias"], rtol=0, atol=4e-16)
    assert back.rounded == ("b_f: 1 at run time is taken off",)


def test_peepholes_go_where_there_are_none_only_if_they_are_zero() -> None:
    """The condition is proved on the equations and looked up in the weights."""
    record = verify.dialects["onnx.LSTM[P=given]"]
    arrays = record.pack(random_params(record))
    with pytest.raises(NoConversionError, match="exact only where p_f = 0, p_i = 0, p_o = 0"):
        convert(arrays, record, "keras.LSTM")
    arrays["P"][:] = 0
    made = convert(arrays, record, "keras.LSTM")
    assert "proved on the equations where p_f = 0" in str(made)


def test_the_signs_of_a_contributed_cell_are_those_of_its_equations() -> None:
    """TensorFlow 1 has i = 1 - f: its f, with the 1 it adds, is minus our input gate."""
    record = verify.dialects["tf1.CoupledInputForgetGateLSTMCell[use_peepholes=True]"]
    rng = np.random.default_rng(0)
    arrays = {
        "kernel": rng.normal(size=(7, 12)),
        "bias": rng.normal(size=12),
        "w_f_diag": rng.normal(size=4),
        "w_o_diag": rng.normal(size=4),
    }
    x, h, c = (rng.normal(size=(5, n)) for n in (3, 4, 4))
    j, f, o = np.split(np.concatenate([x, h], 1) @ arrays["kernel"] + arrays["bias"], 3, 1)

    def sigma(a: Any) -> Any:  # noqa: ANN401
        return 1 / (1 + np.exp(-a))

    forget = sigma(f + 1.0 + arrays["w_f_diag"] * c)
    new_c = forget * c + (1 - forget) * np.tanh(j)
    new_h = sigma(o + arrays["w_o_diag"] * new_c) * np.tanh(new_c)
    state = step(record.cell, record.unpack(arrays), {"x": x, "h": h, "c": c})
    np.testing.assert_allclose(state.c, new_c, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(state.h, new_h, rtol=1e-13, atol=1e-14)
