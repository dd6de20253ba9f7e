"""The generated functions over a sequence: the parts of a schedule around a loop over time.

Arrays of all steps are named `v_all` and have T * B rows, so that a statement before or after the
loop is the statement of a step with a larger batch; in the loop, `v` is the rows of one step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from equations.generate import templates
from equations.generate.roles import is_gradient, is_parameter
from equations.generate.schedule import Schedule
from equations.generate.source import Lines, call, indented, unpack
from equations.generate.writing import PARAMS, Writing, shape
from equations.language import TensorSymbol
from equations.program import Program


@dataclass(frozen=True)
class SequenceFunctions(Writing):
    """Writes the functions over a sequence."""

    def unroll(self) -> Lines:
        """The sequence."""
        plan, schedule = self.plan, self.plan.sequence
        rows = {symbol: self.input(symbol, "xs") for symbol in self.cell.inputs}
        states = {new: old for old, new in self.cell.carried}
        storage = []
        for symbol in schedule.loop.results:
            if symbol in states:
                storage += self.state_storage(states[symbol], symbol)
            else:
                storage.append(self.empty(symbol))
        for old, new in self.cell.carried:
            if new not in schedule.loop.results:  # it does not depend on the old state at all
                storage.append(f"{old}_all = np.concatenate((state0.{old}, {new}_all))[: T * B]")
        slots = {
            **self.parts(schedule, rows),
            "storage": storage,
            "loop": self.loop(
                schedule,
                "range(T)",
                {old: f"state0.{old}" for old in self.cell.states},
                self.cell.carried,
                schedule.loop.results,
            ),
            "tape": [f"{s}={rows.get(s, self.over_time(s))}," for s in plan.saved],
        }
        groups = [PARAMS, self.inputs_group("xs", "T B"), ("state0", "_STATE", "B")]
        words = {"next": self.made(plan.results, lambda s: f"tape.{s}")}
        return self.function("unroll", templates.UNROLL, slots, groups, words)

    def unroll_vjp(self) -> Lines:
        """Backpropagation through time."""
        plan, schedule = self.plan, self.plan.bptt
        carried = self.cell.bptt().carried
        rows = {symbol: f"tape.{symbol}" for symbol in plan.saved}
        body = self.cell.bptt().body
        rows |= {plan.seed(s, body): f"dnexts.{plan.field(s)}" for s in plan.results}
        inputs = {s: plan.cotangent(s) for s in self.cell.inputs}
        stored = self.stored(schedule, inputs.values())
        later = {
            old: str(argument) for (argument, _), old in zip(carried, self.cell.states, strict=True)
        }
        pairs = ", ".join(f"{s}={self.over_time(d)}" for s, d in inputs.items())
        dxs = f"Inputs({pairs})" if len(inputs) > 1 else pairs.partition("=")[2]
        state = ", ".join(f"{old}={value}" for old, value in later.items())
        gradients = [f"{s}={plan.cotangent(s)}" for s in self.cell.parameters]
        slots = {
            **self.parts(schedule, rows),
            "storage": [self.empty(symbol) for symbol in stored],
            "loop": self.loop(
                schedule,
                "reversed(range(T))",
                {a: f"np.zeros(({shape(['B', *a.axes])}), dtype=dtype)" for a, _ in carried},
                carried,
                stored,
            ),
            "return": [
                *call("dparams = Params", gradients, 1),
                f"return dparams, {dxs}, State({state})",
            ],
        }
        groups = [PARAMS, ("tape", "_SAVED", "T B"), ("dnexts", "_NEXT", "T B")]
        words = {"next_shape_list": self.shape_list("tape")}
        return self.function("unroll_vjp", templates.UNROLL_VJP, slots, groups, words)

    def unroll_jvp(self) -> Lines:
        """Forward mode over the sequence."""
        plan, schedule = self.plan, self.plan.tangent_sequence
        rows = {symbol: f"tape.{symbol}" for symbol in plan.saved}
        rows |= {plan.moved(s): self.input(s, "dxs") for s in self.cell.inputs}
        moved = [plan.moved(symbol) for symbol in plan.results]
        stored = self.stored(schedule, moved)
        carried = self.cell.tangent_sequence().carried
        slots = {
            **self.parts(schedule, rows),
            "filled": self.filled_tangents("tape"),
            "tangents": self.tangents(None, None),
            "storage": [self.empty(symbol) for symbol in stored],
            "loop": self.loop(
                schedule,
                "range(T)",
                {plan.moved(old): f"dstate0.{old}" for old in self.cell.states},
                carried,
                stored,
            ),
        }
        groups = [PARAMS, ("tape", "_SAVED", "T B"), *self.tangent_groups("dxs", "dstate0", "T B")]
        words = {"moved_next": self.made(plan.results, lambda s: self.over_time(plan.moved(s)))}
        return self.function("unroll_jvp", templates.UNROLL_JVP, slots, groups, words)

    def parts(self, schedule: Schedule, rows: Mapping[TensorSymbol, str]) -> dict[str, Lines]:
        """What stands around the loop: parameters, the rows of all steps, and two programs."""
        programs = (schedule.before, schedule.loop, schedule.after)
        read = {symbol for program in programs for symbol in program.arguments}
        parameters = [str(s) for s in self.cell.parameters if s in read]
        return {
            "params": unpack(parameters, [f"params.{s}" for s in parameters], 1),
            "rows": [
                f"{symbol}_all = {source}.reshape({', '.join(['T * B', *symbol.axes])})"
                for symbol, source in rows.items()
                if symbol in read
            ],
            "before": self.all_steps(schedule.before),
            "after": self.all_steps(schedule.after),
        }

    def all_steps(self, program: Program) -> Lines:
        """The statements of a program on the rows of all steps."""
        writer = self.statements.writer(program)
        names = {s: f"{s}_all" for s, batched in writer.batched.items() if batched}
        return self.statements.write(program, 1, replace(writer, names=names), rows="T * B")

    def loop(
        self,
        schedule: Schedule,
        order: str,
        first: Mapping[TensorSymbol, str],
        carried: Iterable[tuple[TensorSymbol, TensorSymbol]],
        stored: Iterable[TensorSymbol],
    ) -> Lines:
        """The loop over time; none where nothing is carried from step to step."""
        if not first:
            return []
        own = {equation.symbol for equation in schedule.loop}
        read = [s for s in schedule.loop.arguments if s not in first and not is_parameter(s)]
        names = [str(symbol) for symbol in read]
        body = [
            "rows = slice(t * B, (t + 1) * B)",
            *unpack(names, [f"{name}_all[rows]" for name in names], 2),
            *self.statements.write(schedule.loop, 2),
            *(f"{symbol}_all[rows] = {symbol}" for symbol in stored),
            *(
                f"{argument} = {result if result in own else f'{result}_all[rows]'}"
                for argument, result in carried
            ),
        ]
        start = [f"{symbol} = {value}" for symbol, value in first.items()]
        return [*start, f"for t in {order}:", *indented(body)]

    def stored(self, schedule: Schedule, results: Iterable[TensorSymbol]) -> list[TensorSymbol]:
        """The values of the loop that are read after it."""
        wanted = {*schedule.after.arguments, *results}
        return [s for s in schedule.loop.results if s in wanted and not is_gradient(s)]

    def empty(self, symbol: TensorSymbol) -> str:
        """Room for the rows of all steps."""
        return f"{symbol}_all = np.empty(({shape(['T * B', *symbol.axes])}), dtype=dtype)"

    def state_storage(self, old: TensorSymbol, new: TensorSymbol) -> Lines:
        """Room for a state before every step and after it, in one array."""
        rows = shape(["(T + 1) * B", *old.axes])
        return [
            f"{old}_steps = np.empty(({rows}), dtype=dtype)",
            f"{old}_steps[:B] = state0.{old}",
            f"{old}_all, {new}_all = {old}_steps[: T * B], {old}_steps[B:]",
        ]

    def over_time(self, symbol: TensorSymbol) -> str:
        """The rows of all steps, with time and batch apart again."""
        return f"{symbol}_all.reshape({', '.join(['T', 'B', *symbol.axes])})"
