"""`gateproof identify`: which published cell a piece of code is."""

from __future__ import annotations

import json
from pathlib import Path

import click

from verify.cli import refused
from verify.cli.console import plain

SCHEMA = 1


@click.command(
    epilog="\b\nExamples:\n"
    "  gateproof identify model.onnx\n"
    "  gateproof identify model.onnx --expect torch.GRU\n"
    "  gateproof identify mymodels:encoder\n"
    "  gateproof identify my_cell.py:step --weights weights.npz"
)
@click.argument("target")
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="Arrays of a function by name: .npz, .safetensors, .pt or .h5.",
)
@click.option("--expect", help="The dialect its weights were made for, or another TARGET.")
@click.option("--node", default="", help="The name of a node of an ONNX model; all unless given.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Seven-bit output.")
def identify(
    target: str,
    weights: Path | None,
    expect: str | None,
    node: str,
    *,
    as_json: bool,
    ascii_only: bool,
) -> int:
    """Say which published cell TARGET is, and how its arrays map to the equations.

    TARGET is an ONNX file, or module:attribute or file.py:attribute that names a module of torch,
    flax or equinox, a Keras layer, what haiku.transform returned, or a function step(x, state...,
    **weights). A Python target is imported, which runs its module, because you name it; files of
    weights are data and nothing in them is run.

    With --expect it is held against the dialect that the weights came from: a GRU of PyTorch in an
    ONNX node without linear_before_reset=1 is found so. Exit status 1 where nothing matches, or
    another dialect was expected; 2 where a node cannot be run, after what the others are.
    """
    from verify.dialects import files  # noqa: PLC0415 - SymPy, when it is used
    from verify.dialects.layout import DialectError  # noqa: PLC0415
    from verify.identification import identify_each  # noqa: PLC0415

    arrays = files.read(weights).arrays if weights else None
    each = list(identify_each(target, arrays, expect=expect, node=node))
    found = [one for one in each if not isinstance(one, DialectError)]
    unknown = [one for one in each if isinstance(one, DialectError)]
    if not found:
        raise unknown[0]
    if as_json:
        told = [" ".join(str(one).split()) for one in unknown]
        entry = {"schema": SCHEMA, "found": [one.to_json() for one in found], "refused": told}
        click.echo(json.dumps(entry, indent=2, ensure_ascii=False))
    else:
        click.echo(plain("\n\n".join(map(str, found)), ascii_only=ascii_only))
    if unknown:
        return max(refused(str(one)) for one in unknown)
    return int(any(one.record is None or one.mismatch for one in found))
