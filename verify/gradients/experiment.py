"""The same task and the same initialisation for every cell, and knobs that are turned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import sympy as sp

from equations.cell import Cell
from equations.language import Contract, TensorSymbol, ramp, sigmoid
from verify.gradients.chain import Array, exponents, jacobians, log_norms, log_radius
from verify.gradients.expression import matrix, means, saturated

STEPS, WASHOUT, BATCH, UNITS = 1000, 500, 4, 24
"""The first steps are left out of every rate: there states and directions come from their start."""

DISTANCE = 200
"""How far back norms are followed."""

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
    gate: str = ""

    def turned(self, params: Any, by: float) -> Any:  # noqa: ANN401 - a module's own NamedTuple
        """The parameters with the knob at this place."""
        changed = {
            name: getattr(params, name) * by if self.scaled else getattr(params, name) + by
            for name in self.parameters
        }
        return params._replace(**changed)


@dataclass(frozen=True)
class Rate:
    """How a gradient grows per step at one setting; NaN where the state leaves the floats.

    Attributes:
        cell, knob, place: what, and the setting; knob is empty for the initialisation as it is.
        measured: the largest Lyapunov exponent, the mean over samples.
        spread: the standard error of that mean.
        predicted: the logarithm of the spectral radius of the Jacobian expression at the mean
            values of gates and states; the mean over samples.
        saturated: the same of what is left of the expression where all functions saturate.
        step: the mean logarithm of ‖J_t‖, which bounds the exponent from above.
    """

    cell: str
    knob: str
    place: float
    measured: float
    spread: float
    predicted: float
    saturated: float
    step: float

    def to_json(self) -> dict[str, Any]:
        """Plain values; -inf, of a gradient that is zero, and NaN are None."""
        values = {
            k: None if isinstance(v, float) and not np.isfinite(v) else v
            for k, v in asdict(self).items()
        }
        return values | {"overflow": self.overflow}

    @property
    def overflow(self) -> bool:
        """Whether the state leaves the floats before the last step."""
        return bool(np.isnan(self.measured))


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


@dataclass(frozen=True)
class Passage:
    """How a gradient passes one step of a cell, in equations as Markdown.

    Attributes:
        cell: of what.
        expression: the derivative of the new states by the old ones.
        left: what is left of it where all functions saturate; empty where that is nothing, and the
            same as `expression` where no function can.
        remembers: what the gate that remembers best does there; empty without one.
    """

    cell: str
    expression: str
    left: str
    remembers: str

    def to_json(self) -> dict[str, str]:
        """Plain values."""
        return asdict(self)


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

    def start(self, knob: Knob | None = None, place: float = 0.0) -> tuple[Any, Array, Any]:
        """Parameters at a setting, inputs and first state: zero."""
        rng = np.random.default_rng(self.seed)
        xs = adding(rng, self.steps, BATCH)
        sizes = dict.fromkeys(self.cell.axes, UNITS)
        sizes[self.cell.inputs[0].axes[0]] = xs.shape[-1]
        params = self.module.init(rng, **sizes)
        if knob is not None:
            params = knob.turned(params, place)
        zeros = (np.zeros((BATCH, sizes[state.axes[0]])) for state in self.cell.states)
        return params, xs, self.module.State(*zeros)

    def predicted(self, knob: Knob | None = None, place: float = 0.0) -> tuple[float, float]:
        """The rates of a setting that the Jacobian expression and what is left of it predict.

        Both are NaN where the state leaves the floats.
        """
        params, xs, state = self.start(knob, place)
        with np.errstate(over="ignore", invalid="ignore"):
            visited, _ = self.module.unroll(params, xs, state)
            before = type(state)(*(values[WASHOUT - 1 : -1] for values in visited))
            values = means(self.cell, params, xs[WASHOUT:], before)
        if not all(np.isfinite(value).all() for value in values.values()):
            return np.nan, np.nan
        whole, left = (
            float(log_radius(matrix(self.cell, expression, values)).mean())
            for expression in (self.cell.jacobian(), saturated(self.cell))
        )
        return whole, left

    def at(self, knob: Knob | None = None, place: float = 0.0) -> tuple[Rate, Array]:
        """The rate at a setting, and the mean logarithms of the norms."""
        at = self.cell.name, knob.name if knob else "", place
        predicted, alone = self.predicted(knob, place)
        if np.isnan(predicted):
            return Rate(*at, *[np.nan] * 5), np.full(DISTANCE, np.nan)
        chain = jacobians(self.module, *self.start(knob, place))
        largest = exponents(chain, WASHOUT)[:, 0]
        lost = np.any(largest == -np.inf)
        with np.errstate(divide="ignore"):
            each = np.log(np.linalg.norm(chain[WASHOUT:], ord=2, axis=(2, 3)))
        rate = Rate(
            *at,
            float(largest.mean()),
            0.0 if lost else float(largest.std(ddof=1) / np.sqrt(len(largest))),
            predicted,
            alone,
            float(each.mean()),
        )
        return rate, log_norms(chain[-DISTANCE:]).mean(axis=1)

    def remembering(self) -> tuple[Knob, float] | None:
        """The bias of a gate, and where to, by which the cell remembers best as predicted."""
        places = [
            (knob, place) for knob in knobs(self.cell) if not knob.scaled for place in (-OPEN, OPEN)
        ]
        return max(
            places,
            default=None,
            key=lambda at: np.nan_to_num(self.predicted(*at)[0], nan=-np.inf),
        )

    def decays(self) -> Iterator[tuple[Rate, Decay]]:
        """As initialised; with the gate that remembers best set to do so; with a large gain."""
        settings: dict[str, tuple[Knob | None, float]] = {"as initialised": (None, 0.0)}
        best = self.remembering()
        if best is not None:
            settings["a gate set to remember"] = best
        for scaled in knobs(self.cell):
            if scaled.scaled:
                settings[f"recurrent matrices times {EXPLODING:g}"] = scaled, EXPLODING
        for setting, (knob, place) in settings.items():
            rate, logs = self.at(knob, place)
            yield rate, Decay(self.cell.name, setting, logs)

    def passage(self) -> Passage:
        """How a gradient passes one step, and which gate lets it."""
        left = saturated(self.cell)
        best = self.remembering()
        remembers = ""
        if best is not None:
            gate, end = best[0].gate, int(best[1] > 0)
            meaning = self.cell.gates[gate]
            remembers = f"{gate} near {end} {meaning.at_one if end else meaning.at_zero}"
        return Passage(
            self.cell.name,
            self.cell.jacobian().to_markdown(),
            left.to_markdown() if any(equation.value != 0 for equation in left) else "",
            remembers,
        )

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
                yield Knob(f"bias of {gate}", biases, scaled=False, gate=gate.name)


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
