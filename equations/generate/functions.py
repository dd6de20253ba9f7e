"""The functions of a generated module: the templates, filled from a plan."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from equations.cell import Cell
from equations.generate import templates
from equations.generate.plan import Plan
from equations.generate.source import Lines, call, fill, indented, unpack
from equations.generate.statements import Statements
from equations.language import Size, TensorSymbol
from equations.program import Program

Group = tuple[str, str, str]  # arrays, the table of their axes, the axes before those


@dataclass(frozen=True)
class Functions:
    """Writes the functions of one plan."""

    plan: Plan

    @property
    def cell(self) -> Cell:
        """The cell."""
        return self.plan.cell

    @property
    def statements(self) -> Statements:
        """Writes equations."""
        return Statements(self.plan)

    def all(self) -> list[Lines]:
        """Every function in the order of the module."""
        return [
            self.step(),
            self.step_vjp(),
            self.step_jvp(),
            self.step_hvp(),
            self.step_jacobian(),
            self.unroll(),
            self.unroll_vjp(),
            self.unroll_jvp(),
        ]

    def step(self) -> Lines:
        """One time step."""
        slots = {
            "params": _unpack_whole("params", self.cell.parameters, 1),
            "inputs": self._inputs("x"),
            "state": _unpack_whole("state", self.cell.states, 1),
            "forward": self._sized("1") + self.statements.write(self.plan.forward, 1),
            "saved": call("saved = Saved", [f"{s}={s}" for s in self.plan.saved], 1),
        }
        groups = [PARAMS, self._inputs_group("x", "B"), ("state", "_STATE", "B")]
        return self._function("step", templates.STEP, slots, groups)

    def step_vjp(self) -> Lines:
        """Reverse mode of one step."""
        program = self.plan.backward
        slots = {
            **self._reads(program, "saved", 1),
            "seeds": self._seeds(program, 1),
            "backward": self._sized("1") + self.statements.write(program, 1),
            "return": self._return_gradients(self.plan.cotangent),
        }
        groups = [PARAMS, ("saved", "_SAVED", "B"), ("dnext", "_NEXT", "B")]
        return self._function("step_vjp", templates.STEP_VJP, slots, groups)

    def step_jvp(self) -> Lines:
        """Forward mode of one step."""
        program = self.plan.tangent
        slots = {
            **self._reads(program, "saved", 1),
            "filled": self._filled_tangents("saved"),
            "tangents": self._tangents("dx", "dstate"),
            "tangent": self._sized("1") + self.statements.write(program, 1),
        }
        groups = [PARAMS, ("saved", "_SAVED", "B"), *self._tangent_groups("dx", "dstate", "B")]
        return self._function("step_jvp", templates.STEP_JVP, slots, groups)

    def step_hvp(self) -> Lines:
        """Second order of one step."""
        program = self.plan.second
        slots = {
            **self._reads(program, "saved", 1),
            "filled": self._filled_tangents("saved"),
            "seeds": self._seeds(program, 1),
            "tangents": self._tangents("dx", "dstate"),
            "second": self._sized("1") + self.statements.write(program, 1),
            "return": self._return_gradients(lambda s: self.plan.moved(self.plan.cotangent(s))),
        }
        groups = [
            PARAMS,
            ("saved", "_SAVED", "B"),
            ("dnext", "_NEXT", "B"),
            *self._tangent_groups("dx", "dstate", "B"),
        ]
        return self._function("step_hvp", templates.STEP_HVP, slots, groups)

    def step_jacobian(self) -> Lines:
        """New states by old ones."""
        program = self.plan.jacobian
        writer = self.statements.writer(program)
        rows = []
        for old, new in self.cell.carried:
            entries = []
            for by in self.cell.states:
                entry = self.plan.by_state(new, by)
                value = program.value_of(entry)
                alone = not writer.batched[entry] and value is not None and not value.is_number
                text = f"np.repeat({entry}[None], B, axis=0)" if alone else str(entry)
                entries.append(f"{by}={text}")
            rows.append(f"{old}=State({', '.join(entries)})")
        slots = {
            **self._reads(program, "saved", 1),
            "jacobian": self.statements.write(program, 1),
            "return": call("return Jacobian", rows, 1),
        }
        groups = [PARAMS, ("saved", "_SAVED", "B")]
        return self._function("step_jacobian", templates.STEP_JACOBIAN, slots, groups)

    def unroll(self) -> Lines:
        """The sequence."""
        stored = [s for s in self.plan.saved if s not in self.cell.inputs]
        slots = {
            "params": _unpack_whole("params", self.cell.parameters, 1),
            "state": _unpack_whole("state0", self.cell.states, 1),
            "tape": [
                f"{s}={self._input(s, 'xs')},"
                if s in self.cell.inputs
                else f"{s}=np.empty(({_shape(['T', 'B', *s.axes])}), dtype=dtype),"
                for s in self.plan.saved
            ],
            "inputs": [f"{s} = {self._input(s, 'xs')}[t]" for s in self.cell.inputs],
            "forward": self.statements.write(self.plan.forward, 2),
            "store": [f"tape.{s}[t] = {s}" for s in stored],
            "carry": [f"{old} = {new}" for old, new in self.cell.carried],
        }
        groups = [PARAMS, self._inputs_group("xs", "T B"), ("state0", "_STATE", "B")]
        words = {"next": self._made(self.plan.results, lambda s: f"tape.{s}")}
        return self._function("unroll", templates.UNROLL, slots, groups, words)

    def unroll_vjp(self) -> Lines:
        """Backpropagation through time."""
        recurrence = self.plan.bptt
        program = recurrence.body
        inputs = [self.plan.cotangent(s) for s in self.cell.inputs]
        seeds = [str(self.plan.seed(s, program)) for s in self.plan.results]
        zeros = [
            *(
                f"{self.plan.cotangent(s)} = np.zeros_like(params.{s})"
                for s in self.cell.parameters
            ),
            *(
                f"{d}s = np.empty_like(tape.{s})"
                for s, d in zip(self.cell.inputs, inputs, strict=True)
            ),
            *(
                f"{argument} = np.zeros(({_shape(['B', *argument.axes])}), dtype=dtype)"
                for argument, _ in recurrence.carried
            ),
        ]
        carried = {
            old: str(argument)
            for (argument, _), old in zip(recurrence.carried, self.cell.states, strict=True)
        }
        parts = [
            *call(
                "dparams = Params",
                [f"{s}={self.plan.cotangent(s)}" for s in self.cell.parameters],
                1,
            ),
        ]
        dxs = ", ".join(f"{s}={d}s" for s, d in zip(self.cell.inputs, inputs, strict=True))
        dxs = f"Inputs({dxs})" if len(inputs) > 1 else f"{inputs[0]}s"
        state = ", ".join(f"{old}={value}" for old, value in carried.items())
        slots = {
            "params": self._reads(program, "tape", 1)["params"],
            "zeros": zeros,
            "tape": self._reads(program, "tape", 2, "[t]")["tape"],
            "seeds": unpack(
                seeds, [f"dnexts.{self.plan.field(s)}[t]" for s in self.plan.results], 2
            ),
            "backward": self.statements.write(program, 2, recurrence.summed),
            "store": [f"{d}s[t] = {d}" for d in inputs],
            "carry": [f"{argument} = {result}" for argument, result in recurrence.carried],
            "return": [*parts, f"return dparams, {dxs}, State({state})"],
        }
        groups = [PARAMS, ("tape", "_SAVED", "T B"), ("dnexts", "_NEXT", "T B")]
        words = {"next_shape_list": self._shape_list("tape")}
        return self._function("unroll_vjp", templates.UNROLL_VJP, slots, groups, words)

    def unroll_jvp(self) -> Lines:
        """Forward mode over the sequence."""
        recurrence = self.plan.tangent_sequence
        program = recurrence.body
        slots = {
            "params": self._reads(program, "tape", 1)["params"],
            "filled": self._filled_tangents("tape"),
            "tangents": self._tangents(None, "dstate0"),
            "nexts": call(
                f"nexts = {self._next_type}",
                [f"{self.plan.field(s)}=np.empty_like(tape.{s})" for s in self.plan.results],
                1,
            ),
            "tape": self._reads(program, "tape", 2, "[t]")["tape"],
            "input_tangents": [
                f"{self.plan.moved(s)} = {self._input(s, 'dxs')}[t]" for s in self.cell.inputs
            ],
            "tangent": self.statements.write(program, 2),
            "store": [
                f"nexts.{self.plan.field(s)}[t] = {self.plan.moved(s)}" for s in self.plan.results
            ],
            "carry": [f"{argument} = {result}" for argument, result in recurrence.carried],
        }
        groups = [PARAMS, ("tape", "_SAVED", "T B"), *self._tangent_groups("dxs", "dstate0", "T B")]
        return self._function("unroll_jvp", templates.UNROLL_JVP, slots, groups)

    # What the functions have in common.

    @property
    def _next_type(self) -> str:
        return "Next" if self.cell.outputs else "State"

    def _function(
        self,
        name: str,
        template: str,
        slots: dict[str, Lines],
        groups: Sequence[Group],
        words: dict[str, str] | None = None,
    ) -> Lines:
        """Fill a template; the check hands out those lengths of axes that the body uses."""
        shapes = {
            "x_type": "Inputs" if len(self.cell.inputs) > 1 else "Array",
            "next_type": self._next_type,
            "input_shapes": _shapes(self.cell.inputs, "B"),
            "input_shapes_over_time": _shapes(self.cell.inputs, "T, B"),
            "state_shapes": _shapes(self.cell.states, "B"),
            "next_shapes": self._result_shapes("B"),
            "next_shapes_over_time": self._result_shapes("T, B"),
            "next_shape_list": self._shape_list("saved"),
            "next": self._made(self.plan.results, str),
            "moved_next": self._made(self.plan.results, lambda s: str(self.plan.moved(s))),
        }
        here = ["<check>"]
        lines = fill(template, {**slots, "check": here}, {**shapes, **(words or {})})
        at = next(k for k, line in enumerate(lines) if line.strip() == "<check>")
        return [
            *lines[:at],
            *indented(self._check(name, groups, lines[at + 1 :])),
            *lines[at + 1 :],
        ]

    def _check(self, name: str, groups: Sequence[Group], body: Lines) -> Lines:
        """The call that checks the arguments, and the lengths and dtype the body uses."""
        used = set(re.findall(r"(?<![.\w])[A-Za-z]\w*", "\n".join(body)))
        assigned = set(re.findall(r"^\s*(\w+) = ", "\n".join(body), flags=re.MULTILINE))
        lengths = [a for a in ("T", "B", *self.cell.axes) if a in used and a not in assigned]
        sizes, dtype = "sizes" if lengths else "_", "dtype" if "dtype" in used else "_"
        target = "" if sizes == dtype == "_" else f"{sizes}, {dtype} = "
        arguments = [f'"{name}"', *(f'({a}, {t}, "{lead}")' for a, t, lead in groups)]
        lines = call(f"{target}_check", arguments, 1)
        return lines + unpack(lengths, [f'sizes["{length}"]' for length in lengths], 1)

    def _sized(self, steps: str) -> Lines:
        """The number of steps, where an equation has it (a mean over time)."""
        uses = any(eq.value.has(Size("T")) for eq in self.plan.forward)
        return [f"T = {steps}"] if uses else []

    def _input(self, symbol: TensorSymbol, source: str) -> str:
        """An input, taken from the argument that holds the inputs."""
        return f"{source}.{symbol}" if len(self.cell.inputs) > 1 else source

    def _inputs(self, source: str) -> Lines:
        names = [str(s) for s in self.cell.inputs]
        if len(names) > 1:
            return [f"{', '.join(names)} = {source}"]
        return [] if names == [source] else [f"{names[0]} = {source}"]

    def _inputs_group(self, source: str, lead: str) -> Group:
        return (source if len(self.cell.inputs) > 1 else f"({source},)", "_INPUTS", lead)

    def _reads(self, program: Program, kept: str, indent: int, index: str = "") -> dict[str, Lines]:
        """Those parameters and kept values that a program reads, as local names."""
        parameters = [str(s) for s in self.cell.parameters if s in program.arguments]
        values = [str(s) for s in self.plan.saved if s in program.arguments]
        return {
            "params": unpack(parameters, [f"params.{s}" for s in parameters], indent),
            kept: unpack(values, [f"{kept}.{s}{index}" for s in values], indent),
        }

    def _seeds(self, program: Program, indent: int) -> Lines:
        names = [str(self.plan.seed(s, program)) for s in self.plan.results]
        return _unpack_names("dnext", names, indent)

    def _filled_tangents(self, kept: str) -> Lines:
        """The tangents of the arguments with zeros for None."""
        over_time = kept == "tape"
        dx, dstate = ("dxs", "dstate0") if over_time else ("dx", "dstate")
        end = ".shape[1:]" if over_time else ".shape"
        inputs = ", ".join(f"{kept}.{s}.shape" for s in self.cell.inputs)
        states = ", ".join(f"{kept}.{s}{end}" for s in self.cell.states)
        dtype = f"{kept}[0].dtype"
        many = len(self.cell.inputs) > 1
        filled = f"_filled({dx if many else f'({dx},)'}, [{inputs}], {dtype})"
        return [
            f"dparams = Params(*_filled(dparams, [p.shape for p in params], {dtype}))",
            f"{dx} = Inputs(*{filled})" if many else f"({dx},) = {filled}",
            f"{dstate} = State(*_filled({dstate}, [{states}], {dtype}))",
        ]

    def _tangents(self, dx: str | None, dstate: str) -> Lines:
        """The tangents of the arguments as local names."""
        moved = self.plan.moved
        lines = _unpack_names("dparams", [str(moved(s)) for s in self.cell.parameters], 1)
        if dx is not None:
            lines += [f"{moved(s)} = {self._input(s, dx)}" for s in self.cell.inputs]
        return lines + _unpack_names(dstate, [str(moved(s)) for s in self.cell.states], 1)

    def _tangent_groups(self, dx: str, dstate: str, lead: str) -> list[Group]:
        return [
            ("dparams", "_PARAMS", ""),
            self._inputs_group(dx, lead),
            (dstate, "_STATE", "B"),
        ]

    def _return_gradients(self, name: Callable[[TensorSymbol], TensorSymbol]) -> Lines:
        inputs = [str(name(s)) for s in self.cell.inputs]
        pairs = ", ".join(f"{s}={d}" for s, d in zip(self.cell.inputs, inputs, strict=True))
        dx = f"Inputs({pairs})" if len(inputs) > 1 else inputs[0]
        state = ", ".join(f"{s}={name(s)}" for s in self.cell.states)
        return [
            *call("dparams = Params", [f"{s}={name(s)}" for s in self.cell.parameters], 1),
            f"return dparams, {dx}, State({state})",
        ]

    def _made(self, symbols: Iterable[TensorSymbol], value: Callable[[TensorSymbol], str]) -> str:
        pairs = ", ".join(f"{self.plan.field(s)}={value(s)}" for s in symbols)
        return f"{self._next_type}({pairs})"

    def _shape_list(self, kept: str) -> str:
        return f"[{', '.join(f'{kept}.{s}.shape' for s in self.plan.results)}]"

    def _result_shapes(self, lead: str) -> str:
        return ", ".join(
            f"{self.plan.field(s)} ({', '.join([lead, *s.axes])})" for s in self.plan.results
        )


PARAMS: Group = ("params", "_PARAMS", "")


def _shapes(symbols: Sequence[TensorSymbol], lead: str) -> str:
    return ", ".join(f"{s} ({', '.join([lead, *s.axes])})" for s in symbols) or "nothing"


def _shape(axes: Sequence[str]) -> str:
    return ", ".join(axes) + ("," if len(axes) == 1 else "")


def _unpack_whole(source: str, symbols: Sequence[TensorSymbol], indent: int) -> Lines:
    return _unpack_names(source, [str(s) for s in symbols], indent)


def _unpack_names(source: str, names: Sequence[str], indent: int) -> Lines:
    """`a, b = source`, in parentheses when it is too long for a line."""
    if not names:
        return []
    if len(names) == 1:
        return [f"({names[0]},) = {source}"]
    line = f"{', '.join(names)} = {source}"
    if len(line) + 4 * indent <= 100:
        return [line]
    return ["(", *(f"    {name}," for name in names), f") = {source}"]
