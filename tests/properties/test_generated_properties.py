"""What every generated module promises, whatever the shapes, floats, values and memory layouts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from trials import Trial, trials

from equations import cells
from verify.boundaries.floats.generated import strict
from verify.boundaries.floats.reach import largest

Array = Any
Results = Any  # arrays, or NamedTuples of a generated module that hold them
every_cell = pytest.mark.parametrize("name", list(cells))


def flat(results: Results) -> Iterator[Array]:
    """All arrays of nested tuples, without those that are None."""
    if isinstance(results, tuple):
        for part in results:
            yield from flat(part)
    elif results is not None:
        yield results


def named(trial: Trial) -> Iterator[tuple[str, Results]]:
    """The results of every function of a step."""
    module, params = trial.module, trial.params
    stepped, saved = module.step(params, trial.x, trial.state)
    directions = (params, trial.x, trial.state)
    yield "step", stepped
    yield "step_vjp", module.step_vjp(params, saved, trial.dnext)
    yield "step_jvp", module.step_jvp(params, saved, *directions)
    yield "step_hvp", module.step_hvp(params, saved, trial.dnext, *directions)
    yield "step_jacobian", module.step_jacobian(params, saved)


def named_of_sequence(trial: Trial) -> Iterator[tuple[str, Results]]:
    """The results of every function of a sequence."""
    module, params = trial.module, trial.params
    nexts, tape = module.unroll(params, trial.xs, trial.state)
    yield "unroll", nexts
    yield "unroll_vjp", module.unroll_vjp(params, tape, trial.dnexts)
    yield "unroll_jvp", module.unroll_jvp(params, tape, params, trial.xs, trial.state)


def arguments(trial: Trial) -> list[Array]:
    """Every array a trial hands out."""
    return list(trial.arrays.values())


def in_reach(trial: Trial, program: str) -> bool:
    """Whether no value of a derived program overflows, for any sample."""
    derived = getattr(trial.cell, program)()
    sizes = {axis: n for axis, n in trial.sizes.items() if axis not in ("B", "T")} | {"T": 1}
    limit = float(np.finfo(trial.dtype).max) / 64
    for index in range(trial.sizes["B"]):
        sample = trial.sample(index)
        # The directions of jvp and hvp are the arguments themselves.
        sample |= {f"{s}_dot": sample[str(s)] for s in trial.cell.program.arguments}
        if largest(trial.cell, derived, sample, sizes) * max(trial.sizes["B"], 1) > limit:
            return False
    return True


@every_cell
@given(data=st.data())
def test_a_forward_step_in_reach_is_finite_without_a_warning(
    name: str, data: st.DataObject
) -> None:
    """Nothing overflows, divides by zero or is invalid while the true values are representable.

    Except e^-a, which is kept beside σ(a), and is infinite where σ(a) is 0.
    """
    trial = data.draw(trials(name, least_steps=1))
    assume(in_reach(trial, "forward"))
    with strict():
        stepped, saved = trial.module.step(trial.params, trial.x, trial.state)
    for value in flat(stepped):
        assert np.all(np.isfinite(value))
    for field, value in saved._asdict().items():
        gate = getattr(saved, field.removeprefix("exp_"))
        assert np.all(np.isfinite(value) | ((value == np.inf) & (gate == 0)))


@every_cell
@given(data=st.data())
def test_derivatives_in_reach_are_finite_without_a_warning(name: str, data: st.DataObject) -> None:
    """The same for every derivative of a step."""
    trial = data.draw(trials(name, least_steps=1))
    assume(in_reach(trial, "second"))
    with strict():
        for function, results in named(trial):
            for value in flat(results):
                assert np.all(np.isfinite(value)), function


@given(data=st.data())
def test_a_calm_sequence_is_finite_without_a_warning(
    name: str, built: str, data: st.DataObject
) -> None:
    """Sequences of no step, of one and of several, with saturated gates among them."""
    trial = data.draw(trials(name, built, calm=True))
    with strict():
        for function, results in named_of_sequence(trial):
            for value in flat(results):
                assert np.all(np.isfinite(value)), function


@given(data=st.data())
def test_floats_in_are_the_same_floats_out(name: str, built: str, data: st.DataObject) -> None:
    """float32 gives float32 and float64 gives float64, in everything returned."""
    trial = data.draw(trials(name, built, calm=True, least_steps=1))
    results = [*named(trial), *named_of_sequence(trial)]
    results.append(("saved", trial.module.step(trial.params, trial.x, trial.state)[1]))
    for function, values in results:
        for value in flat(values):
            assert value.dtype == trial.dtype, function


@given(data=st.data())
def test_results_have_the_shapes_of_what_they_belong_to(
    name: str, built: str, data: st.DataObject
) -> None:
    """Gradients are shaped like arguments, tangents like results, also without samples or steps."""
    trial = data.draw(trials(name, built, calm=True))
    module = trial.module
    nexts, tape = module.unroll(trial.params, trial.xs, trial.state)
    pulled = module.unroll_vjp(trial.params, tape, trial.dnexts)
    given_arrays = flat((trial.params, trial.xs, trial.state))
    assert [d.shape for d in flat(pulled)] == [a.shape for a in given_arrays]
    pushed = module.unroll_jvp(trial.params, tape, trial.params, trial.xs, trial.state)
    assert [t.shape for t in flat(pushed)] == [y.shape for y in flat(nexts)]
    leading = {y.shape[:2] for y in flat(nexts)}
    assert leading == {(trial.sizes["T"], trial.sizes["B"])}


@given(data=st.data())
def test_arguments_are_never_written(name: str, built: str, data: st.DataObject) -> None:
    """Every array is handed out read-only and keeps its bits, also where cotangents are None."""
    trial = data.draw(trials(name, built, calm=True, least_steps=1))
    before = [np.array(a) for a in arguments(trial)]
    list(named(trial))
    list(named_of_sequence(trial))
    _, saved = trial.module.step(trial.params, trial.x, trial.state)
    kept = [np.array(value) for value in saved]
    none = type(trial.dnext)(*(None for _ in trial.dnext))
    for value in flat(trial.module.step_vjp(trial.params, saved, none)):
        assert not np.any(value)
    for old, new in zip(before, arguments(trial), strict=True):
        assert old.tobytes() == new.tobytes()
    for old, new in zip(kept, saved, strict=True):
        assert np.array_equal(old, new)


@given(data=st.data())
def test_results_share_no_memory(name: str, built: str, data: st.DataObject) -> None:
    """Neither with arguments nor with one another, nor with what was saved for a derivative."""
    trial = data.draw(trials(name, built, calm=True, least_steps=1, least_batch=1))
    handed = arguments(trial)
    saved = list(flat(trial.module.step(trial.params, trial.x, trial.state)[1]))
    for function, results in [*named(trial), *named_of_sequence(trial)]:
        values = list(flat(results))
        for k, value in enumerate(values):
            for other in (*handed, *saved, *values[:k]):
                assert not np.shares_memory(value, other), function


@given(data=st.data())
def test_a_second_call_gives_the_same_bits(name: str, built: str, data: st.DataObject) -> None:
    """A vjp leaves what was saved as it was, so that calling it again repeats it to the bit."""
    trial = data.draw(trials(name, built, calm=True, least_steps=1))
    _, saved = trial.module.step(trial.params, trial.x, trial.state)
    _, tape = trial.module.unroll(trial.params, trial.xs, trial.state)
    first, second = (
        [
            *flat(trial.module.step_vjp(trial.params, saved, trial.dnext)),
            *flat(trial.module.unroll_vjp(trial.params, tape, trial.dnexts)),
        ]
        for _ in range(2)
    )
    for one, other in zip(first, second, strict=True):
        assert one.tobytes() == other.tobytes()


@every_cell
@given(data=st.data())
def test_a_batch_in_any_layout_is_its_samples(name: str, data: st.DataObject) -> None:
    """Strides change the order of sums at most: results agree within their roundings."""
    trial = data.draw(trials(name, calm=True, least_steps=1, least_batch=1))
    plain = {key: np.array(value, order="C") for key, value in trial.arrays.items()}
    copy = Trial(trial.cell, trial.module, plain, trial.sizes, trial.dtype)
    sizes = {axis: n for axis, n in trial.sizes.items() if axis not in ("B", "T")} | {"T": 1}
    bound = max(
        largest(trial.cell, trial.cell.backward(), trial.sample(index), sizes)
        for index in range(trial.sizes["B"])
    )
    # Up to 64 roundings of terms that are no larger than the largest of them all.
    room = 64 * float(np.finfo(trial.dtype).eps) * bound * trial.sizes["B"]
    for (_, one), (_, other) in zip(list(named(trial))[:2], list(named(copy))[:2], strict=True):
        for a, b in zip(flat(one), flat(other), strict=True):
            assert np.all(np.abs(a - b) <= room)
