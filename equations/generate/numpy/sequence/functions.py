"""The generated functions over a sequence: the parts of a schedule around a loop over time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from equations.generate.numpy.sequence.arrays import Arrays
from equations.generate.numpy.sequence.text import Text
from equations.generate.numpy.templates.sequence import UNROLL, UNROLL_JVP, UNROLL_VJP
from equations.generate.numpy.writing import Writing, shape
from equations.generate.planning.layout import Layout
from equations.generate.planning.schedule import Schedule
from equations.generate.planning.signs import minus
from equations.generate.planning.terms import inverses_apart, terms_apart
from equations.generate.text.source import Lines, call, indented, unpack
from equations.language import TensorSymbol

Pairs = tuple[tuple[TensorSymbol, TensorSymbol], ...]


@dataclass(frozen=True)
class SequenceFunctions(Writing):
    """Writes the functions over a sequence."""

    def unroll(self) -> Lines:
        """The sequence."""
        plan = self.plan
        given = {symbol: self.input(symbol, "xs") for symbol in self.cell.inputs}
        states = {new: old for old, new in self.cell.carried}
        kept = {*plan.saved, *plan.results}
        schedule = inverses_apart(plan.signed_sequence)
        layout = Layout(schedule, self.cell.carried, kept, states, plan.results)
        text = Text(self.statements, Arrays(layout, given, states))
        slots = self.body(text, {old: f"{old}_steps[0]" for old in self.cell.states})
        # An input keeps its shape; whatever else is kept is where the statements put it.
        fields = [(s, given.get(s) or text.arrays.handed_out(s)) for s in plan.saved]
        slots["tape"] = [f"{symbol}={value}," for symbol, value in fields]
        groups = ["params", self.inputs_group("xs"), "state0"]
        words = {"next": self.made(plan.results, text.arrays.handed_out)}
        return self.function("unroll", UNROLL, slots, groups, words)

    def unroll_vjp(self) -> Lines:
        """Backpropagation through time."""
        plan = self.plan
        carried = self.cell.bptt().carried
        given = {symbol: f"tape.{symbol}" for symbol in plan.saved}
        body = self.cell.bptt().body
        fields = {plan.seed(s, body): plan.field(s) for s in plan.results}
        given |= {seed: f"dnexts.{name}" for seed, name in fields.items()}
        optional = {seed: f"{name}_is_given" for seed, name in fields.items()}
        inputs = {s: plan.cotangent(s) for s in self.cell.inputs}
        wanted = inputs.values()
        layout = Layout(terms_apart(plan.bptt), carried, wanted, (), wanted, backwards=True)
        text = Text(self.statements, Arrays(layout, given, {}, optional))
        first = {a: f"np.zeros(({shape(['B', *a.axes])}), dtype=dtype)" for a, _ in carried}
        slots = self.body(text, first)
        pairs = ", ".join(f"{s}={text.arrays.all_of((d,))[1]}" for s, d in inputs.items())
        dxs = f"Inputs({pairs})" if len(inputs) > 1 else pairs.partition("=")[2]
        old = zip(self.cell.states, carried, strict=True)
        state = ", ".join(f"{s}={self.handed(text, *pair)}" for s, pair in old)
        gradients = [f"{s}={plan.cotangent(s)}" for s in self.cell.parameters]
        slots["asked"] = [
            f'{optional[seed]} = getattr(dnexts, "{name}", None) is not None'
            for seed, name in fields.items()
            if _occurs(optional[seed], slots["loop"])
        ]
        slots["return"] = [
            *call("dparams = Params", gradients, 1),
            f"return dparams, {dxs}, State({state})",
        ]
        groups = ["params", "tape", "dnexts"]
        return self.function("unroll_vjp", UNROLL_VJP, slots, groups)

    def handed(self, text: Text, argument: TensorSymbol, result: TensorSymbol) -> str:
        """The last value that a loop sent, with memory of its own."""
        return str(argument) if result in text.layout.resumed else f"{argument}.copy()"

    def unroll_jvp(self) -> Lines:
        """Forward mode over the sequence."""
        plan = self.plan
        given = {symbol: f"tape.{symbol}" for symbol in plan.saved}
        given |= {plan.moved(s): self.input(s, "dxs") for s in self.cell.inputs}
        moved = [plan.moved(symbol) for symbol in plan.results]
        carried = self.cell.tangent_sequence().carried
        layout = Layout(terms_apart(plan.tangent_sequence), carried, moved, (), moved)
        text = Text(self.statements, Arrays(layout, given, {}))
        first = {plan.moved(old): f"dstate0.{old}" for old in self.cell.states}
        slots = {
            **self.body(text, first),
            "tangents": self.tangents(plan.tangent, None, None),
        }
        groups = ["params", "tape", *self.tangent_groups("dxs", "dstate0")]
        words = {
            "moved_next": self.made(plan.results, lambda s: text.arrays.handed_out(plan.moved(s)))
        }
        return self.function("unroll_jvp", UNROLL_JVP, slots, groups, words)

    def body(self, text: Text, first: Mapping[TensorSymbol, str]) -> dict[str, Lines]:
        """Parameters, arrays, and the three parts."""
        schedule = text.layout.schedule
        before = text.before()
        ahead, loop = text.loop(first)
        after = text.after()
        read = _read(schedule)
        parameters = [s for s in self.cell.parameters if s in read]
        signed = [s for s in self.cell.parameters if minus(s) in read]
        needed = {s for part in (schedule.before, schedule.loop) for s in part.arguments}
        whole = [s for s in text.arrays.given if s in (needed if text.arrays.chunks else read)]
        part = "[start:stop]" if text.arrays.chunks else ""
        arrays = [
            f"{s}_all = {text.arrays.given[s]}{part}"
            for s in whole
            if _occurs(f"{s}_all", [*before, *loop, *after])
        ]
        if text.arrays.chunks:
            loop = self.in_chunks(text, [*arrays, *before], loop)
            before = arrays = []
        return {
            "params": [
                *unpack([str(s) for s in parameters], [f"params.{s}" for s in parameters], 1),
                *unpack([str(minus(s)) for s in signed], [f"-params.{s}" for s in signed], 1),
            ],
            "rows": [*text.arrays.names.weights, *arrays],
            "storage": [*self.state_storage(text), *text.arrays.storage()],
            "before": before,
            "loop": [*ahead, *loop],
            "after": after,
        }

    def in_chunks(self, text: Text, before: Lines, loop: Lines) -> Lines:
        """What precedes the loop, for some steps at a time, and the loop over these."""
        chunks = [
            f"{home.name}_all = {home.name}_chunk[: stop - start]"
            for home in text.layout.homes
            if text.arrays.is_chunk(home)
        ]
        head = [
            "start = max(stop - steps, 0)",
            "back = slice(stop - 1, start - 1 if start else None, -1)",
        ]
        return [
            "for stop in range(T, 0, -steps):",
            *indented([*head, *chunks, *before, *loop]),
        ]

    def state_storage(self, text: Text) -> Lines:
        """Room for states before every step and after it, in one array each."""
        lines: Lines = []
        for new, old in text.arrays.states.items():
            axes = shape(["T + 1", "B", *old.axes])
            lines += [
                f"{old}_steps = np.empty(({axes}), dtype=dtype)",
                f"{old}_steps[0] = state0.{old}",
                f"{old}_all, {new}_all = {old}_steps[:-1], {old}_steps[1:]",
            ]
        if text.arrays.chunks:
            homes = [home for home in text.layout.homes if text.arrays.is_chunk(home)]
            sizes: dict[tuple[str, ...], int] = {}
            for home in homes:
                sizes[home.axes] = sizes.get(home.axes, 0) + len(home.slots)
            terms = [" * ".join([str(n), *axes]) for axes, n in sizes.items()]
            lines.append(f"steps = _chunk(T, B * ({' + '.join(terms)}))")
        return lines


def _read(schedule: Schedule) -> set[TensorSymbol]:
    programs = (schedule.before, schedule.loop, schedule.after)
    return {symbol for program in programs for symbol in program.arguments}


def _occurs(name: str, lines: Iterable[str]) -> bool:
    return any(re.search(rf"\b{name}\b", line) for line in lines)
