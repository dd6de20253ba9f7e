"""`gateproof convert`: the weights of one framework as those of another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click

from verify import dialects
from verify.cli import writable
from verify.cli.console import plain
from verify.dialects.layout import DialectError
from verify.dialects.record import Dialect

SCHEMA = 1


class DialectParameter(click.ParamType[str]):
    """The name of a dialect, such as torch.GRU."""

    name = "dialect"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse an unknown name, and say which one may have been meant."""
        try:
            dialects.variants(value)
        except KeyError as error:
            self.fail(str(error.args[0]), param, ctx)
        return value


DIALECT = DialectParameter()


def _list(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's
    if value:
        for name, record in dialects.items():
            click.echo(f"{name:58} {record.cell:16} {record.evidence}")
        ctx.exit()


@click.command(
    epilog="\b\nExamples:\n"
    "  gateproof convert --from torch.GRU --to onnx.GRU model.pt gru.onnx\n"
    "  gateproof convert --from keras.GRU --to torch.GRU model.weights.h5 gru.pt\n"
    "  gateproof convert --from keras.GRU --to gateproof.gru_after_keep weights.npz gru.h\n"
    "  gateproof convert --list"
)
@click.option("--from", "source", type=DIALECT, required=True, help="What the weights are now.")
@click.option("--to", "target", type=DIALECT, required=True, help="What they are to be.")
@click.option("--prefix", default="", help="What the names of the cell's arrays begin with.")
@click.option("--layer", type=click.IntRange(min=0), help="One layer alone, from 0.")
@click.option("--backwards", is_flag=True, help="Its direction backwards in time.")
@click.option("--node", default="", help="The name of a node of an ONNX model.")
@click.option("--json", "as_json", is_flag=True, help="Write what was done as JSON.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Seven-bit output.")
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list,
    help="List the dialects, their cells and how they are known.",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
def convert(
    source: str,
    target: str,
    prefix: str,
    layer: int | None,
    node: str,
    file: Path,
    out: Path,
    *,
    backwards: bool,
    as_json: bool,
    ascii_only: bool,
) -> None:
    """Convert the weights in FILE to another dialect and write them to OUT.

    FILE is .npz, .safetensors, .pt, .pth, .h5 or .onnx; OUT is .npz, .safetensors, .pt, .onnx or
    .h (C arrays). Files are data: no pickle is loaded. A conversion is exact, proved on the
    equations, and says which numbers were added up; where there is none it is refused.
    """
    from verify.dialects import convert as conversion  # noqa: PLC0415 - SymPy, when it is used
    from verify.dialects import files  # noqa: PLC0415

    writable.file("OUT", out)
    weights = files.read(file, node)
    record = _variant(source, weights.options, file)
    arrays = files.chosen(weights, record, prefix)
    named = dict(enumerate(arrays)) if isinstance(arrays, list) else arrays
    files.check_finite(file, {str(name): array for name, array in named.items()})
    only = None if layer is None and not backwards else (layer or 0, backwards)
    made = conversion.convert(arrays, record, target, only=only)
    files.save(out, made.arrays, made.target)
    if as_json:
        entry = {
            "schema": SCHEMA,
            "from": made.source.name,
            "to": made.target.name,
            "options": dict(made.target.options),
            "places": [{"layer": layer, "reverse": reverse} for layer, reverse in made.places],
            "changed": made.choice.changed,
            "added_up": made.merged,
            "rounded": made.rounded,
            "backwards": weights.backwards,
            "arrays": {name: list(array.shape) for name, array in made.arrays.items()},
        }
        click.echo(json.dumps(entry, indent=2, ensure_ascii=False))
    else:
        lines = [str(made), f"wrote {out}"]
        if weights.backwards:
            lines.insert(1, f"{file} is read backwards in time: so must what takes these weights")
        click.echo(plain("\n".join(lines), ascii_only=ascii_only))


def _variant(name: str, options: Mapping[str, object], file: Path) -> Dialect:
    """The dialect that was named, in the variant that the file's own attributes choose."""
    if not options:
        return dialects[name]
    if (record := dialects.chosen(dialects.variants(name)[0].base, options)) is not None:
        return record
    said = ", ".join(f"{key}={value}" for key, value in options.items())
    raise DialectError(f"{file}: the model has {said}, and {name} has no such variant")
