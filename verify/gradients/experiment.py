"""The same task and the same initialisation for every cell, and knobs that are turned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import sympy as sp

from equations.cell import Cell
from equations.language import Contract, TensorSymbol, ramp, sigmoid
from verify.gradients.chain import Array, exponents, jacobians, log_norms, log_radius, whole

STEPS, WASHOUT, BATCH, UNITS = 300, 100, 4, 24
"""The first steps are left out of every rate: there the state still comes from its start."""

SHIFTS = tuple(np.linspace(-8, 8, 17))
"""What is added to the bias of a gate."""

GAINS = tuple(np.geomspace(0.25, 8, 16))
"""What recurrent matrices are multiplied by."""

OPEN, EXPLODING = 6.0, 6.0
"""The shift and the gain of the settings whose norms are drawn."""


@dataclass(frozen=True)
class Knob:
    """Something that is turned: a gate's bias is shifted, or all recurrent matrices are scaled."""

    name: str
    parameters: tuple[str, ...]
    scaled: bool

    def turned(self, params: Any, by: float) -> Any:  # noqa: ANN401 - a module's own NamedTuple
        """The parameters with the knob at this place."""
        changed = {
            name: getattr(params, name) * by if self.scaled else getattr(params, name) + by
            for name in self.parameters
        }
        return params._replace(**changed)


@dataclass(frozen=True)
class Rate:
    """How a gradient grows per step at one setting.

    Attributes:
        cell, knob, place: what, and the setting; knob is empty for the initialisation as it is.
        measured: the largest Lyapunov exponent, the mean over samples.
        spread: the standard error of that mean.
        predicted: the logarithm of the spectral radius of the Jacobian expression at the mean
            values of the gates; the mean over samples.
        step: the mean logarithm of ‖J_t‖, which bounds the exponent from above.
    """

    cell: str
    knob: str
    place: float
    measured: float
    spread: float
    predicted: float
    step: float

    def to_json(self) -> dict[str, Any]:
        """Plain values; -inf, of a gradient that is zero, is None."""
        return {
            k: None if isinstance(v, float) and not np.isfinite(v) else v
            for k, v in asdict(self).items()
        }


@dataclass(frozen=True, eq=False)
class Decay:
    """Norms of ∂s_T/∂s_t at one setting.

    Attributes:
        cell, setting: of what.
        logs: the mean over samples of the natural logarithm of the norm, for T - t = 1, 2, ...
    """

    cell: str
    setting: str
    logs: Array


def suits(cell: Cell) -> bool:
    """Whether the experiment can be made: vectors as states, and one vector as input."""
    vectors = all(len(symbol.axes) == 1 for symbol in (*cell.states, *cell.inputs))
    return bool(cell.states) and len(cell.inputs) == 1 and vectors


def adding(rng: np.random.Generator, steps: int, batch: int) -> Array:
    """Inputs of the adding problem: a number in [0, 1], and a mark beside two of them.

    Source: S. Hochreiter, J. Schmidhuber, Long Short-Term Memory, Neural Computation 9, 1997,
    experiment 4. Only gradients are looked at here, so that its targets are not needed.

    Returns:
        (steps, batch, 2).
    """
    xs = np.zeros((steps, batch, 2))
    xs[..., 0] = rng.uniform(size=(steps, batch))
    for sample in range(batch):
        xs[rng.choice(steps, 2, replace=False), sample, 1] = 1
    return xs


@dataclass(frozen=True, eq=False)
class Experiment:
    """A cell with its generated module on the task, from one seed."""

    cell: Cell
    module: Any
    seed: int = 0
    steps: int = STEPS

    def start(self) -> tuple[Any, Array, Any]:
        """Parameters, inputs and first state: zero."""
        rng = np.random.default_rng(self.seed)
        xs = adding(rng, self.steps, BATCH)
        sizes = dict.fromkeys(self.cell.axes, UNITS)
        sizes[self.cell.inputs[0].axes[0]] = xs.shape[-1]
        params = self.module.init(rng, **sizes)
        zeros = (np.zeros((BATCH, sizes[state.axes[0]])) for state in self.cell.states)
        return params, xs, self.module.State(*zeros)

    def at(self, knob: Knob | None = None, place: float = 0.0) -> tuple[Rate, Array]:
        """The rate at a setting, and the mean logarithms of the norms."""
        params, xs, state = self.start()
        if knob is not None:
            params = knob.turned(params, place)
        chain, saved = jacobians(self.module, params, xs, state)
        late = chain[WASHOUT:]
        largest = exponents(late)[:, 0]
        means = type(saved)(*(value[WASHOUT:].mean(axis=0) for value in saved))
        with np.errstate(divide="ignore"):
            each = np.log(np.linalg.norm(late, ord=2, axis=(2, 3)))
        rate = Rate(
            self.cell.name,
            knob.name if knob else "",
            place,
            float(largest.mean()),
            float(largest.std(ddof=1) / np.sqrt(len(largest)))
            if np.all(largest > -np.inf)
            else 0.0,
            float(log_radius(whole(self.module.step_jacobian(params, means))).mean()),
            float(each.mean()),
        )
        return rate, log_norms(late).mean(axis=1)

    def decays(self) -> Iterator[tuple[Rate, Decay]]:
        """As initialised; with the gate that remembers best set to do so; with a large gain."""
        settings: dict[str, tuple[Knob | None, float]] = {"as initialised": (None, 0.0)}
        best = max(
            (
                (self.at(knob, place)[0].predicted, knob.name, knob, place)
                for knob in knobs(self.cell)
                if not knob.scaled
                for place in (-OPEN, OPEN)
            ),
            default=None,
            key=lambda found: found[:2],
        )
        if best is not None:
            settings["a gate set to remember"] = best[2], best[3]
        for scaled in knobs(self.cell):
            if scaled.scaled:
                settings[f"recurrent matrices times {EXPLODING:g}"] = scaled, EXPLODING
        for setting, (knob, place) in settings.items():
            rate, logs = self.at(knob, place)
            yield rate, Decay(self.cell.name, setting, logs)

    def sweeps(self) -> Iterator[Rate]:
        """Every knob at every place."""
        for knob in knobs(self.cell):
            for place in GAINS if knob.scaled else SHIFTS:
                yield self.at(knob, float(place))[0]


def knobs(cell: Cell) -> Iterator[Knob]:
    """The recurrent matrices together, and the bias of each gate, where a cell has them."""
    recurrent = _recurrent(cell)
    if recurrent:
        yield Knob("recurrent matrices", recurrent, scaled=True)
    for gate, value in ((eq.symbol, eq.value) for eq in cell.forward()):
        if gate.name in cell.gates and isinstance(value, sigmoid | ramp):
            argument = cell.forward().value_of(value.args[0])
            terms = set(sp.Add.make_args(argument)) if argument is not None else set()
            biases = tuple(s.name for s in cell.parameters if s in terms)
            if biases:
                yield Knob(f"bias of {gate}", biases, scaled=False)


def _recurrent(cell: Cell) -> tuple[str, ...]:
    """The matrices that never meet an input."""
    met: Mapping[bool, set[TensorSymbol]] = {True: set(), False: set()}
    for equation in cell.forward():
        for node in equation.value.atoms(Contract):
            by_input = any(part in cell.inputs for part in node.operands)
            met[by_input].update(p for p in node.operands if p in cell.parameters)
    return tuple(
        s.name
        for s in cell.parameters
        if s in met[False] and s not in met[True] and len(s.axes) > 1
    )
