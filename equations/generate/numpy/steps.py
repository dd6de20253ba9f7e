"""The generated functions of one time step."""

from __future__ import annotations

from dataclasses import dataclass

from equations.generate.numpy.templates.step import (
    STEP,
    STEP_HVP,
    STEP_JACOBIAN,
    STEP_JVP,
    STEP_VJP,
)
from equations.generate.numpy.writing import Writing, unpack_whole
from equations.generate.text.source import Lines, call
from equations.generate.text.statements import repeated
from equations.language import TensorSymbol


@dataclass(frozen=True)
class StepFunctions(Writing):
    """Writes the functions of one time step."""

    def step(self) -> Lines:
        """One time step."""
        slots = {
            "params": unpack_whole("params", self.cell.parameters, 1),
            "inputs": self.inputs("x"),
            "state": unpack_whole("state", self.cell.states, 1),
            "forward": self.of_step(self.plan.forward),
            "saved": call("saved = Saved", [f"{s}={self.kept(s)}" for s in self.plan.saved], 1),
        }
        groups = ["params", self.inputs_group("x"), "state"]
        return self.function("step", STEP, slots, groups)

    def kept(self, symbol: TensorSymbol) -> str:
        """A value that a step saves; one of parameters alone is the same for every sample."""
        batched = self.statements.writer(self.plan.forward).batched
        return str(symbol) if batched[symbol] else repeated(symbol, ("B",))

    def step_vjp(self) -> Lines:
        """Reverse mode of one step."""
        program = self.plan.backward
        slots = {
            **self.reads(program),
            "seeds": self.seeds(program),
            "backward": self.of_step(program),
            "return": self.return_gradients(self.plan.cotangent),
        }
        groups = ["params", "saved", "dnext"]
        return self.function("step_vjp", STEP_VJP, slots, groups)

    def step_jvp(self) -> Lines:
        """Forward mode of one step."""
        program = self.plan.tangent
        slots = {
            **self.reads(program),
            "tangents": self.tangents(program, "dx", "dstate"),
            "tangent": self.of_step(program),
        }
        groups = ["params", "saved", *self.tangent_groups("dx", "dstate")]
        return self.function("step_jvp", STEP_JVP, slots, groups)

    def step_hvp(self) -> Lines:
        """Second order of one step."""
        program = self.plan.second
        slots = {
            **self.reads(program),
            "seeds": self.seeds(program),
            "tangents": self.tangents(program, "dx", "dstate"),
            "second": self.of_step(program),
            "return": self.return_gradients(lambda s: self.plan.moved(self.plan.cotangent(s))),
        }
        groups = [
            "params",
            "saved",
            "dnext",
            *self.tangent_groups("dx", "dstate"),
        ]
        return self.function("step_hvp", STEP_HVP, slots, groups)

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
            **self.reads(program),
            "jacobian": self.statements.write(program, 1),
            "return": call("return Jacobian", rows, 1),
        }
        groups = ["params", "saved"]
        return self.function("step_jacobian", STEP_JACOBIAN, slots, groups)
