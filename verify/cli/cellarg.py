"""A cell on the command line: its name, with numbers or without, or a Python file of one."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import click

from equations import cells
from equations.language import LanguageError
from verify.target import find, is_file


class CellParameter(click.ParamType[str]):
    """The name of a known cell, or the path of a file; kept as text so that it can be repeated."""

    name = "cell"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse an unknown name, and say which one may have been meant."""
        base = value.partition("[")[0]
        if base != value and base in cells.names:
            try:
                return cells[value].name
            except LanguageError as error:
                self.fail(str(error), param, ctx)
        if is_file(value) or value in cells.names:
            return value
        near = difflib.get_close_matches(value, cells.names, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(cells.names)}"
        return self.fail(f"unknown cell {value!r}{hint}", param, ctx)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - the interface of click
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[click.shell_completion.CompletionItem]:
        """Complete the names of cells."""
        names = [name for name in cells.names if name.startswith(incomplete)]
        return [click.shell_completion.CompletionItem(name) for name in names]


def chosen(values: Sequence[str]) -> list[str]:
    """The given cells, each once, or all that are known; two of one name are refused."""
    targets = list(dict.fromkeys(values)) or list(cells)
    of_name: dict[str, str] = {}
    for target in targets if len(targets) > 1 and values else ():
        name = find(target).name
        if (other := of_name.setdefault(name, target)) != target:
            raise click.UsageError(
                f"two cells of the name {name}: {other} and {target}; expected one of each name"
            )
    return targets


CELL = CellParameter()
