"""The loop over time: one statement after another, on what belongs to one step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass

import sympy as sp

from equations.generate.numpy.sequence.arrays import Arrays, on_top
from equations.generate.numpy.sequence.calls import Calls, NotCallsError
from equations.generate.planning.joint import Joined, Joint, factors
from equations.generate.planning.roles import is_parameter
from equations.generate.text.einsum import BATCH
from equations.generate.text.expression import Writer
from equations.generate.text.source import WIDTH, Lines, assign, indented
from equations.generate.text.statements import statement
from equations.language import LETTERS, Contract, TensorSymbol
from equations.program import Equation


@dataclass(frozen=True)
class Loop:
    """Writes it.

    Args:
        arrays: where values are.
        writer: writes an expression in one piece.
    """

    arrays: Arrays
    writer: Writer

    def statement(self, joint: Joint) -> Lines:
        """One statement of a step."""
        arrays = self.arrays
        symbol, many = joint.first, len(joint.targets) > 1
        if not arrays.layout.batched[symbol]:
            arrays.names.ahead += statement(Equation(symbol, joint.value), self.writer, 1)
            return []
        home = arrays.layout.home(symbol)
        if home is None and symbol not in arrays.states:
            return self.in_one_piece(joint)
        names, before = deepcopy(arrays.names), dict(arrays.names.renamed)

        def name(part: TensorSymbol) -> str:
            column = joint.column(part)
            if is_parameter(part):
                return arrays.elementwise(column, len(joint.targets))
            return arrays.step(column)

        over = arrays.over(joint)
        if over is not None:
            name(over)
        out = arrays.step(joint.targets)

        def product(node: sp.Expr, into: str) -> str:
            if isinstance(node, Joined):
                vector = arrays.side_by_side(node.values)
                parameters = node.parameters
                text = f"{on_top(parameters)}.T"
                weights = arrays.stacked(parameters, f"_columns({text}, 1, B)")
            else:
                matrix, value = factors(node)
                parameters = joint.column(matrix)
                vector = arrays.step((value,))
                text = f"{on_top(parameters)}, {len(parameters)}"
                weights = arrays.stacked(parameters, f"_columns({text}, B)")
            return f"product({vector}, {weights}, out={arrays.blocks(into, weights, many=many)})"

        def spare(number: int) -> str:
            return arrays.spare(joint, number)

        calls = Calls(
            self.writer.order, name, product, spare, over, apart=many, given=arrays.optional
        )
        try:
            calls.into(joint.value, out)
        except NotCallsError:
            arrays.names = names
            return self.in_one_piece(joint)
        return [*arrays.in_place(before), *calls.lines]

    def in_one_piece(self, joint: Joint) -> Lines:
        """A statement of a step as the step function writes it."""
        symbol = joint.first
        value = joint.value.xreplace({node: _apart(node) for node in joint.value.atoms(Joined)})
        before = dict(self.arrays.names.renamed)
        for part in sorted(value.atoms(TensorSymbol), key=str):
            if self.arrays.layout.batched[part]:
                self.arrays.step((part,))
        placed = self.arrays.layout.home(symbol) is not None or symbol in self.arrays.states
        target = f"{self.arrays.step((symbol,))}[...]" if placed else str(symbol)
        if value.is_number:
            lengths = ", ".join(["B", *symbol.axes]) + ("," if not symbol.axes else "")
            made = f"np.full(({lengths}), {value}, dtype=dtype)"
            text = [f"{target} = {value}" if placed else f"{target} = {made}"]
        else:
            letters = BATCH + LETTERS[: len(symbol.axes)]
            text = assign(target, self.writer.terms(value, letters), 3 if self.arrays.chunks else 2)
        return [*self.arrays.in_place(before), *text]

    def around(self, body: Lines, first: Mapping[TensorSymbol, str]) -> tuple[Lines, Lines]:
        """What a loop needs ahead of it, and the loop.

        Args:
            body: the statements of a step.
            first: what is carried into the first step.
        """
        layout = self.arrays.layout
        read = {symbol for joint in layout.loop for symbol in joint.reads}
        old = self.arrays.states.values()
        carried = [pair for pair in layout.carried if pair[0] in read or pair[0] not in old]
        starts = [f"{argument} = {first[argument]}" for argument, _ in carried]
        starts += [f"{result} = {argument}" for result, argument in layout.resumed.items()]
        ends = [line for pair in carried for line in self.handed_on(*pair)]
        whole = [*body, *ends]
        head = self.heading(whole)
        return [*starts, *self.arrays.names.ahead], [*head, *indented(whole or ["pass"])]

    def handed_on(self, argument: TensorSymbol, result: TensorSymbol) -> Lines:
        """What one step sends to the next."""
        if result in self.arrays.layout.resumed:
            return []
        home = self.arrays.layout.home(result)
        used = any(result in joint.targets for joint in self.arrays.layout.loop)
        if not used or (home is not None and self.arrays.layout.everywhere(home)):
            name = self.arrays.step((result,))
            return [] if name == str(argument) else [f"{argument} = {name}"]
        if home is None:
            return [f"{argument} = {result}"]
        return [f"copyto({argument}, {self.arrays.step((result,))})"]

    def heading(self, body: Lines) -> Lines:
        """The head of the loop: every array that it goes through, step by step.

        All have T steps, or those of a chunk. Whether they end together is not asked: each end is
        an exception, which costs more than a call.
        """
        words = set(re.findall(r"\w+", "\n".join(body)))
        used = {
            name: source
            for name, source in self.arrays.names.views.items()
            if source and name in words and name not in self.arrays.names.renamed
        }
        if not used:
            order = "reversed(range(T))" if self.arrays.layout.backwards else "range(T)"
            return [f"for _ in {order}:"]
        if len(used) == 1:
            ((name, source),) = used.items()
            return [f"for {name} in {source}:"]
        names = ", ".join(used)
        width = WIDTH - (8 if self.arrays.chunks else 4)
        line = f"for {names} in zip({', '.join(used.values())}, strict=False):"
        if len(line) <= width:
            return [line]
        head = [f"for {names} in zip("]
        if len(head[0]) > width:
            head = ["for (", *(f"    {name}," for name in used), ") in zip("]
        return [*head, *(f"    {source}," for source in used.values()), "    strict=False,", "):"]


def _apart(node: Joined) -> sp.Expr:
    pairs = zip(node.parameters, node.values, strict=True)
    return sp.Add(*(Contract("ij,i->j", matrix, value) for matrix, value in pairs))
