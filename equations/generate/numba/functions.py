"""The functions over a sequence in their compiled form: NumPy around a compiled loop."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from equations.derive.sequence import Recurrence
from equations.generate.numba.around import Around
from equations.generate.numba.arrange import Arrangement, arranged
from equations.generate.numba.kernels import Kernels, weights_name
from equations.generate.numba.rooms import Rooms
from equations.generate.numpy.templates.sequence import UNROLL, UNROLL_JVP, UNROLL_VJP
from equations.generate.numpy.writing import Writing, shape
from equations.generate.planning.schedule import Schedule
from equations.generate.text.source import Lines, assign, call, unpack
from equations.generate.text.statements import repeated
from equations.language import TensorSymbol
from equations.order import Order


@dataclass(frozen=True)
class Timed:
    """A recurrence in its compiled form.

    Args:
        name: of the function.
        writing: of the cell.
        recurrence: that it computes.
        schedule: of the recurrence.
        wanted: values wanted for every step.
    """

    name: str
    writing: Writing
    recurrence: Recurrence
    schedule: Schedule
    wanted: tuple[TensorSymbol, ...]

    @cached_property
    def arrangement(self) -> Arrangement:
        """What runs where."""
        sent = [result for _, result in self.recurrence.carried]
        return arranged(self.schedule, self.wanted, sent, self.writing.cell.parameters)

    @cached_property
    def rooms(self) -> Rooms:
        """Where values are."""
        return Rooms(self.arrangement, self.recurrence.carried, self.recurrence.backwards)

    @cached_property
    def order(self) -> Order:
        """The order of terms and factors."""
        return self.writing.statements.order(self.arrangement.batched)

    @cached_property
    def kernels(self) -> Kernels:
        """The compiled functions."""
        return Kernels(self.name, self.writing.statements, self.order, self.rooms)

    @cached_property
    def around(self) -> Around:
        """What NumPy computes."""
        return Around(self.writing.statements, self.order, self.rooms, self.wanted)

    def weights(self) -> Lines:
        """The matrices that the loop reads, as BLAS likes them."""
        lines = [
            f"{product.weights}_T = _plain({product.weights}.T)"
            for product in self.arrangement.products
            if product.transposed
        ]
        return list(dict.fromkeys(lines))

    def storage(self) -> Lines:
        """Room for what the loop computes."""
        stored = [_empty(name, ["T * B", *axes]) for name, axes in self.rooms.stored]
        return stored + [_empty(name, ["B", *axes]) for name, axes in self.rooms.steps]

    def carried(self, first: Mapping[TensorSymbol, str]) -> Lines:
        """Room for what is carried, with its first value."""
        lines: Lines = []
        for argument, result in self.recurrence.carried:
            axes = list(argument.axes)
            if argument == result:
                lines.append(f"{argument} = {first[argument]}")
            elif result in self.arrangement.stored:
                steps = f"{argument}_steps"
                lines.append(_empty(steps, ["(T + 1) * B", *axes]))
                lines.append(f"{steps}[:B] = {first[argument]}")
                lines.append(f"{argument}_all, {result}_all = {steps}[: T * B], {steps}[B:]")
            elif result in self.arrangement.made:
                lines.append(f"{argument} = {first[argument]}")
                lines.append(_empty(f"{result}_step", ["B", *axes]))
            elif self.recurrence.backwards:
                lines.append(f"{argument} = {first[argument]}")
            else:
                joined = f"np.concatenate(({first[argument]}, {result}_all))"
                lines.append(f"{argument}_all = {joined}[: T * B]")
        return lines

    def run(self) -> Lines:
        """The call of the loop."""
        loop = self.kernels.loop
        name = f"{loop.name}_compiled"
        lines: Lines = []
        for stage, group in self.kernels.groups.items():
            if group in loop.arrays:
                lines += _tuple(group, self.kernels.grouped(stage))
        sizes = [f"{weights_name(product)}.size" for product in self.arrangement.products]
        if sizes:
            lines += assign("work", [f"B * {size}" for size in sizes], 1)
            lines.append(f"steps = {loop.name} if work > _LARGE else {name}")
            name = "steps"
        kept = [str(argument) for argument, _ in self.rooms.sent]
        target = f"({kept[0]},)" if len(kept) == 1 else ", ".join(kept)
        head = f"{target} = {name}" if kept else name
        return [*lines, *call(head, [*loop.numbers, *loop.arrays], 1)]

    def over_time(self, symbol: TensorSymbol) -> str:
        """The rows of all steps, with time and batch apart again."""
        if not self.arrangement.batched.get(symbol, True):
            return repeated(symbol, ("T", "B"))
        shape = ", ".join(["T", "B", *symbol.axes])
        return f"{self.rooms.read(symbol).whole()}.reshape({shape})"

    def rows(self, sources: Mapping[TensorSymbol, str]) -> Lines:
        """Arguments of all steps, as rows; contiguous for compiled code."""
        read = self.arrangement.around
        given = self.arrangement.given | {result for _, result in self.rooms.sent}
        lines = []
        for symbol, source in sources.items():
            if symbol in given:
                source = f"_plain({source})"  # noqa: PLW2901 - the same, contiguous
            if symbol in given or symbol in read:
                axes = ", ".join(["T * B", *symbol.axes])
                lines.append(f"{symbol}_all = {source}.reshape({axes})")
        return lines

    def parameters(self, sources: Mapping[TensorSymbol, str]) -> Lines:
        """Parameters as local names; those the loop reads as compiled code takes them."""
        products = self.arrangement.products
        alone = [p.matrices[0] for p in products if len(p.matrices) == 1 and not p.transposed]
        plain = [s for s in sources if s in self.arrangement.given.union(alone)]
        read = self.arrangement.around.union(*(p.matrices for p in products))
        others = [s for s in sources if s in read and s not in plain]
        return [
            *unpack([str(s) for s in others], [sources[s] for s in others], 1),
            *(f"{symbol} = _plain({sources[symbol]})" for symbol in plain),
        ]


@dataclass(frozen=True)
class CompiledFunctions(Writing):
    """Writes the functions over a sequence in their compiled form."""

    @cached_property
    def forward(self) -> Timed:
        """The sequence."""
        plan = self.plan
        wanted = tuple(dict.fromkeys((*plan.results, *plan.saved)))
        return Timed("unroll", self, self.cell.sequence(), plan.sequence, wanted)

    @cached_property
    def backward(self) -> Timed:
        """Backpropagation through time."""
        recurrence = self.cell.bptt()
        wanted = tuple(self.plan.cotangent(s) for s in (*self.cell.inputs, *self.cell.parameters))
        return Timed("unroll_vjp", self, recurrence, self.plan.bptt, wanted)

    @cached_property
    def tangent(self) -> Timed:
        """Forward mode over time."""
        wanted = tuple(self.plan.moved(symbol) for symbol in self.plan.results)
        recurrence = self.cell.tangent_sequence()
        return Timed("unroll_jvp", self, recurrence, self.plan.tangent_sequence, wanted)

    def unroll(self) -> Lines:
        """The sequence."""
        plan, timed = self.plan, self.forward
        rows = {symbol: self.input(symbol, "xs") for symbol in self.cell.inputs}
        slots = {
            **self.parts(timed, rows, {s: f"params.{s}" for s in self.cell.parameters}),
            "loop": [
                *timed.carried({old: f"state0.{old}" for old in self.cell.states}),
                *timed.run(),
            ],
            "tape": [f"{s}={rows.get(s) or timed.over_time(s)}," for s in plan.saved],
        }
        groups = ["params", self.inputs_group("xs"), "state0"]
        words = {"next": self.made(plan.results, lambda s: f"tape.{s}")}
        return self.function("unroll", UNROLL, slots, groups, words)

    def unroll_vjp(self) -> Lines:
        """Backpropagation through time."""
        plan, timed = self.plan, self.backward
        rows = {symbol: f"tape.{symbol}" for symbol in plan.saved}
        rows |= {
            plan.seed(s, timed.recurrence.body): f"dnexts.{plan.field(s)}" for s in plan.results
        }
        inputs = {s: plan.cotangent(s) for s in self.cell.inputs}
        carried = [argument for argument, _ in timed.recurrence.carried]
        pairs = ", ".join(f"{s}={timed.over_time(d)}" for s, d in inputs.items())
        dxs = f"Inputs({pairs})" if len(inputs) > 1 else pairs.partition("=")[2]
        state = ", ".join(f"{old}={d}" for old, d in zip(self.cell.states, carried, strict=True))
        gradients = [f"{s}={plan.cotangent(s)}" for s in self.cell.parameters]
        zeros = {a: f"np.zeros(({shape(['B', *a.axes])}), dtype=dtype)" for a in carried}
        slots = {
            **self.parts(timed, rows, {s: f"params.{s}" for s in self.cell.parameters}),
            "asked": [],
            "loop": [*timed.carried(zeros), *timed.run()],
            "return": [
                *call("dparams = Params", gradients, 1),
                f"return dparams, {dxs}, State({state})",
            ],
        }
        groups = ["params", "tape", "dnexts"]
        return self.function("unroll_vjp", UNROLL_VJP, slots, groups)

    def unroll_jvp(self) -> Lines:
        """Forward mode over the sequence."""
        plan, timed = self.plan, self.tangent
        rows = {symbol: f"tape.{symbol}" for symbol in plan.saved}
        rows |= {plan.moved(s): self.input(s, "dxs") for s in self.cell.inputs}
        first = {plan.moved(old): f"dstate0.{old}" for old in self.cell.states}
        parameters = {s: f"params.{s}" for s in self.cell.parameters}
        parameters |= {plan.moved(s): f"dparams.{s}" for s in self.cell.parameters}
        slots = {
            **self.parts(timed, rows, parameters),
            "tangents": [],
            "loop": [*timed.carried(first), *timed.run()],
        }
        groups = ["params", "tape", *self.tangent_groups("dxs", "dstate0")]
        words = {"moved_next": self.made(plan.results, lambda s: timed.over_time(plan.moved(s)))}
        return self.function("unroll_jvp", UNROLL_JVP, slots, groups, words)

    def quiet(self, body: Lines) -> Lines:
        """As in the NumPy module, where NumPy itself computes e^-a; compiled code never warns."""
        computed = [line for line in body if re.search(r"np\.exp\(|/ exp_", line)]
        return super().quiet(computed)

    def parts(
        self,
        timed: Timed,
        rows: Mapping[TensorSymbol, str],
        parameters: Mapping[TensorSymbol, str],
    ) -> dict[str, Lines]:
        """What stands around the loop."""
        return {
            "params": timed.parameters(parameters),
            "rows": timed.rows(rows),
            "before": [*timed.around.before(), *timed.weights()],
            "storage": timed.storage(),
            "after": timed.around.after(),
        }


def _empty(name: str, axes: Iterable[str]) -> str:
    return f"{name} = np.empty(({shape(list(axes))}), dtype=dtype)"


def _tuple(name: str, values: Sequence[str]) -> Lines:
    """Values in a tuple of that name."""
    lines = call(f"{name} = ", values, 1)
    return [lines[0][:-1] + ",)"] if len(values) == 1 else lines
