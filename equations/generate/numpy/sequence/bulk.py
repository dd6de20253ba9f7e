"""Statements for all steps at once: what precedes the loop over time, and what follows it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace

import sympy as sp

from equations.generate.numpy.sequence.arrays import Arrays, part_of
from equations.generate.numpy.sequence.calls import Calls, NotCallsError
from equations.generate.planning.joint import Joined, Joint, factors
from equations.generate.planning.lanes import Members
from equations.generate.planning.roles import is_gradient, is_parameter
from equations.generate.text.einsum import BATCH
from equations.generate.text.expression import Writer
from equations.generate.text.source import Lines, assign
from equations.generate.text.statements import statement
from equations.language import LETTERS, Contract, TensorSymbol
from equations.program import Equation


@dataclass(frozen=True)
class Bulk:
    """Writes them.

    Args:
        arrays: where values are.
        writer: writes an expression in one piece.
    """

    arrays: Arrays
    writer: Writer

    def statement(self, joint: Joint) -> Lines:
        """One statement."""
        return self.gradient(joint) if is_gradient(joint.first) else self.all_steps(joint)

    def all_steps(self, joint: Joint) -> Lines:
        """One statement for all steps."""
        arrays = self.arrays
        lines: Lines = []
        if not arrays.layout.batched[joint.first]:
            return statement(Equation(joint.first, joint.value), self.writer, 1)
        if arrays.layout.place(joint.targets) is None and joint.first not in arrays.states:
            return self.in_one_piece(joint, lines)
        names = deepcopy(arrays.names)
        out = arrays.bulk(joint.targets, lines)
        many = len(joint.targets) > 1

        def name(symbol: TensorSymbol) -> str:
            column = joint.column(symbol)
            if is_parameter(symbol):
                return arrays.elementwise(column, len(joint.targets))
            if len(column) == 1 and not arrays.layout.batched.get(symbol, True):
                return str(symbol)
            text = arrays.bulk(column, lines)
            return f"{text}[:, None]" if many and len(column) == 1 else text

        def product(node: sp.Expr, into: str) -> str:
            matrix, vector = _product_of(node)
            weights = ", ".join(symbol.name for symbol in joint.column(matrix))
            comma = "," if len(joint.column(matrix)) == 1 else ""
            target = into if many else f"{into}[:, None]"
            return f"_product({arrays.bulk((vector,), lines)}, ({weights}{comma}), {target})"

        def spare(number: int) -> str:
            made = f"spare_{LETTERS[number]}" if number else "spare"
            lines.append(f"{made} = np.empty_like({out})")
            return made

        calls = Calls(self.writer.order, name, product, spare, arrays.over(joint))
        try:
            calls.into(joint.value, out)
        except NotCallsError:
            arrays.names = names
            return self.in_one_piece(joint, [])
        return [*lines, *calls.lines]

    def in_one_piece(self, joint: Joint, lines: Lines) -> Lines:
        """A statement for all steps on the rows of all steps, as that of a step is written."""
        symbol = joint.first
        value, names = self.by_rows(joint.value, lines)
        letters = BATCH + LETTERS[: len(symbol.axes)]
        writer = replace(
            self.writer,
            names=names,
            batched={**self.arrays.layout.batched, **self.arrays.names.extra},
        )
        made = f"{symbol}_rows"
        self.arrays.names.bound.add(made)
        if value.is_number:
            lengths = ", ".join(["T * B", *symbol.axes]) + ("," if not symbol.axes else "")
            lines.append(f"{made} = np.full(({lengths}), {value}, dtype=dtype)")
        else:
            text = assign(made, writer.terms(value, letters), 1)
            if isinstance(value, TensorSymbol):
                text = [f"{text[0]}.copy()"]
            lines += text
        shaped = f"{made}.reshape({', '.join(['T', 'B', *symbol.axes])})"
        home = self.arrays.layout.home(symbol)
        if symbol in self.arrays.states or (home is not None and len(home.members) > 1):
            lines.append(f"{self.arrays.bulk((symbol,), lines)}[...] = {shaped}")
        else:
            self.arrays.names.in_rows.add(symbol)
        return lines

    def by_rows(
        self, value: sp.Expr, lines: Lines, columns: Mapping[TensorSymbol, Members] | None = None
    ) -> tuple[sp.Expr, dict[TensorSymbol, str]]:
        """An expression on the rows of all steps, and what its symbols are called there."""
        names: dict[TensorSymbol, str] = {}
        swaps: dict[sp.Expr, sp.Expr] = {}
        for node in sorted(value.atoms(Joined), key=str):
            matrix = self.arrays.symbol(node.parameters, "parameter")
            vector = self.arrays.symbol(node.values, "value")
            names[vector] = self.arrays.rows(node.values, lines)
            names[matrix] = self.arrays.stacked_here(node.parameters, lines)
            swaps[node] = Contract("ij,i->j", matrix, vector)
        value = value.xreplace(swaps)
        for symbol in sorted(value.atoms(TensorSymbol), key=str):
            if symbol in names or not self.arrays.layout.batched.get(symbol, False):
                continue
            members = (columns or {}).get(symbol, (symbol,))
            names[symbol] = self.arrays.rows(members, lines)
        return value, names

    def gradient(self, joint: Joint) -> Lines:
        """Gradients of parameters: one product over the rows of all steps."""
        lines: Lines = []
        stacks = {
            column[0]: self.arrays.symbol(column, "value")
            for column in joint.columns
            if not is_parameter(column[0])
        }
        columns = {stacks[column[0]]: column for column in joint.columns if column[0] in stacks}
        for stack in stacks.values():
            self.arrays.names.extra[stack] = True
        value = joint.value.xreplace(stacks)
        names: dict[TensorSymbol, str] = {}
        for stack, column in columns.items():
            names[stack] = self.arrays.rows(column, lines)
        value, others = self.by_rows(value, lines)
        target = self.arrays.symbol(joint.targets, "value")
        self.arrays.names.extra[target] = False
        writer = replace(
            self.writer,
            names={**others, **names},
            batched={**self.arrays.layout.batched, **self.arrays.names.extra},
        )
        if isinstance(value, TensorSymbol) and writer.batched[value] and len(value.axes) == 1:
            # BLAS sums in several parts: that is faster than a sum row by row, and closer.
            lines.append(f"{target} = np.ones(T * B, dtype=dtype) @ {writer.name(value)}")
        else:
            copy = not any(stacks)
            lines += statement(Equation(target, value), writer, 1, copy=copy, rows="T * B")
        if len(joint.targets) > 1:
            axis = joint.first.axes[0]
            for k, symbol in enumerate(joint.targets):
                part = part_of(k, 1, len(joint.targets), axis)
                lines.append(f"{symbol} = {target}[{part}]")
        return lines


def _product_of(node: sp.Expr) -> tuple[TensorSymbol, TensorSymbol]:
    """The matrix and the vector of a plain product."""
    if isinstance(node, Joined):
        raise NotCallsError(str(node))
    return factors(node)
