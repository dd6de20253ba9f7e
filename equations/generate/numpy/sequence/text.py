"""The statements of a recurrence as text: before, in and after its loop over time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from equations.generate.numpy.sequence.arrays import Arrays
from equations.generate.numpy.sequence.bulk import Bulk
from equations.generate.numpy.sequence.loop import Loop
from equations.generate.planning.joint import Joint
from equations.generate.planning.layout import Layout
from equations.generate.text.expression import Writer
from equations.generate.text.source import Lines, comment
from equations.generate.text.statements import Statements
from equations.language import TensorSymbol


@dataclass(frozen=True)
class Text:
    """Writes one recurrence.

    Args:
        statements: writes equations in one piece.
        arrays: where values are, and what they are called.
    """

    statements: Statements
    arrays: Arrays

    @property
    def layout(self) -> Layout:
        """The statements and where their values lie."""
        return self.arrays.layout

    @cached_property
    def writer(self) -> Writer:
        """Writes expressions on the values of one step."""
        return Writer(self.statements.order([*self.layout.batched]), self.layout.batched)

    def before(self) -> Lines:
        """What precedes the loop, for all steps."""
        return self._commented(self.layout.before, 1, Bulk(self.arrays, self.writer).statement)

    def after(self) -> Lines:
        """What follows the loop, for all steps."""
        return self._commented(self.layout.after, 1, Bulk(self.arrays, self.writer).statement)

    def loop(self, first: Mapping[TensorSymbol, str]) -> tuple[Lines, Lines]:
        """What a loop over time needs ahead of it, and the loop; nothing where none is carried."""
        if not first:
            return [], []
        loop = Loop(self.arrays, self.writer)
        indent = 3 if self.arrays.chunks else 2
        return loop.around(self._commented(self.layout.loop, indent, loop.statement), first)

    def _commented(
        self, joints: Iterable[Joint], indent: int, statement: Callable[[Joint], Lines]
    ) -> Lines:
        """Statements under the equations they compute, which stand once above several."""
        lines: Lines = []
        last: Lines = []
        for joint in joints:
            above = self.statements.above(joint.targets)
            shown = [] if above == last else above
            last = above
            lines += [line for part in shown for line in comment(part, indent)]
            lines += statement(joint)
        return lines
