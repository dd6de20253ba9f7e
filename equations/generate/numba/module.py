"""The compiled module of a cell, as one text."""

from __future__ import annotations

import re
import textwrap

from equations.cell import Cell
from equations.generate.numba import templates
from equations.generate.numba.functions import CompiledFunctions, Timed
from equations.generate.numpy import module as plain
from equations.generate.numpy.templates.checks import CHECK
from equations.generate.numpy.templates.module import MODULE
from equations.generate.numpy.writing import Writing
from equations.generate.planning.plan import Plan
from equations.generate.text.source import WIDTH, Lines, fill

SEQUENCES = ("unroll", "unroll_vjp", "unroll_jvp")
NUMPY = "equations.generated.{name}"
HEADER = (
    "Generated from {source} by `gateproof generate --target numba {name}`: change that file, not "
    "this one. B is the batch, T the number of time steps. MIT licence; see LICENSE."
)
BESIDE = "The functions over a sequence are compiled by numba; all others are the NumPy module's."
ALONE = "The functions over a sequence are compiled by numba; all others are NumPy alone."
SAME = "Nothing is carried from step to step, so nothing is compiled: this is the NumPy module."


def module_text(cell: Cell, source: str = "") -> str:
    """The text of the compiled module of a cell.

    A known cell's takes all that is not compiled from its NumPy module, so that the types are the
    same. That of a cell in a file of the user's stands alone, since nothing is known of its place.

    Args:
        cell: the cell.
        source: the file of its definition, for the header; empty for a known cell.
    """
    plan = Plan(cell)
    if source and not cell.states:
        return plain.module_text(cell, source)
    header = HEADER.format(source=source or plain.SOURCE.format(name=cell.name), name=cell.name)
    slots = {
        "title": ['"""' + cell.doc.split("\n")[0]],
        "equations": plain.definition_lines(cell),
        "about": [ALONE if source else BESIDE if cell.states else SAME],
        "header": textwrap.wrap(header, WIDTH),
        "settings": fill(templates.SETTINGS, {}, {}),
    }
    words = {"name": cell.name}
    if source:
        template = templates.ALONE.replace('"""<title>', "<title>")
        lines = fill(template, {**slots, **_alone(plan)}, words)
    elif cell.states:
        lines = fill(templates.BESIDE, {**slots, **_beside(plan, _compiled(plan))}, words)
    else:
        lines = fill(templates.SAME, {**slots, **_beside(plan, [])}, words)
    return plain.checked("\n".join(lines) + "\n", cell)


def _alone(plan: Plan) -> dict[str, Lines]:
    """What a module holds that takes nothing from another."""
    steps = [lines for name, lines in plain.functions_of(plan) if name not in SEQUENCES]
    functions = [*steps, *_compiled(plan)]
    return {
        "axes": plain.axes_tables(plan),
        "classes": plain.separated(plain.class_lines(plan)),
        "init": plain.init_lines(plan.cell),
        "compiling": plain.separated(_compiling()),
        "functions": plain.separated(functions),
        "runtime": plain.separated(plain.helpers_of(functions, plan)),
    }


def _beside(plan: Plan, functions: list[Lines]) -> dict[str, Lines]:
    """What a module holds that takes the rest from the NumPy module."""
    blocks = [*functions, *([Writing(plan).segments()] if functions else [])]
    body = "\n".join(line for block in blocks for line in block)
    public = _public(plan)
    runtime = "\n".join([MODULE, CHECK, *plain.axes_tables(plan)])
    private = set(_defined(runtime)) & set(re.findall(r"\b_\w+", body)) - set(_defined(body))
    taken = [*private, *(name for name in public if f"def {name}(" not in body)]
    head = f"from {NUMPY.format(name=plan.cell.name)} import ("
    return {
        "imports": [head, *(f"    {name}," for name in sorted(taken, key=_order)), ")"],
        "exported": ["__all__ = [", *(f'    "{n}",' for n in sorted(public, key=_order)), "]"],
        "runtime": plain.separated(_compiling()),
        "functions": plain.separated(blocks),
    }


def _compiled(plan: Plan) -> list[Lines]:
    """The functions over a sequence, each after the compiled ones it calls."""
    functions = CompiledFunctions(plan)
    return [
        *_kernels(functions.forward),
        functions.unroll(),
        *_kernels(functions.backward),
        functions.unroll_vjp(),
        *_kernels(functions.tangent),
        functions.unroll_jvp(),
    ]


def _kernels(timed: Timed) -> list[Lines]:
    """The compiled functions of one recurrence."""
    loop = timed.kernels.loop
    segments = [list(kernel.lines) for kernel in timed.kernels.segments.values()]
    return [*segments, [*loop.lines, "", "", f"{loop.name}_compiled = _compiled({loop.name})"]]


def _compiling() -> list[Lines]:
    """What compiled functions need: how to compile, and the elementary functions."""
    texts = [fill(text, {}, {}) for text in (templates.COMPILED, templates.PLAIN)]
    return [*texts, templates.FLOATS.strip("\n").split("\n")]


def _public(plan: Plan) -> list[str]:
    """What the module offers, which is what the NumPy module does."""
    classes = "\n".join(line for lines in plain.class_lines(plan) for line in lines)
    types = ["Array", *re.findall(r"^class (\w+)", classes, flags=re.MULTILINE)]
    return [*types, "init", *(name for name, _ in plain.functions_of(plan))]


def _defined(text: str) -> list[str]:
    """The private names that a module's text defines."""
    return re.findall(r"^(?:def )?(_\w+)", text, flags=re.MULTILINE)


def _order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, each by name."""
    kind = 0 if name.lstrip("_").isupper() else 1 if name[0].isupper() else 2
    return kind, name.lower() if kind == 2 else name
