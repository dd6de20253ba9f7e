"""`gateproof list`: the cells there are."""

from __future__ import annotations

import json
import textwrap

import click

from equations import cells
from equations.cell import Cell
from verify.cli.console import plain

SCHEMA = 1


@click.command(
    "list", epilog="\b\nExamples:\n  gateproof list\n  gateproof list --json | head -n 20"
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON instead of text.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Seven-bit output.")
def list_cells(*, as_json: bool, ascii_only: bool) -> None:
    """List the cells with their inputs, states, parameters, dialect and source."""
    found = [cells[name] for name in cells]
    if as_json:
        entries = [_entry(cell) for cell in found]
        click.echo(json.dumps({"schema": SCHEMA, "cells": entries}, indent=2, ensure_ascii=False))
        return
    for cell in found:
        entry = _entry(cell)
        click.secho(cell.name, bold=True)
        click.echo(plain(f"  {entry['about']}", ascii_only=ascii_only))
        for key in ("inputs", "states", "outputs", "parameters"):
            if entry[key]:
                click.echo(f"  {key}: {' '.join(entry[key])}")
        for key in ("dialect", "source"):
            lines = textwrap.wrap(f"{key}: {entry[key]}", 96) if entry[key] else []
            for line in lines:
                click.echo(plain(f"  {line}", ascii_only=ascii_only))


def _entry(cell: Cell) -> dict[str, list[str] | str]:
    return {
        "name": cell.name,
        "about": cell.doc.split("\n")[0],
        "source": cell.source,
        "inputs": [str(symbol) for symbol in cell.inputs],
        "states": [str(symbol) for symbol in cell.states],
        "outputs": [str(symbol) for symbol in cell.outputs],
        "parameters": [str(symbol) for symbol in cell.parameters],
        "dialect": " ".join(cell.doc.split("\n")[1:]).strip(),
    }
