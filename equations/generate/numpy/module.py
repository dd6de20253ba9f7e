"""A generated module: named tuples, functions and the few helpers it carries, as one text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from equations.cell import Cell
from equations.generate.numpy.sequence.functions import SequenceFunctions
from equations.generate.numpy.steps import StepFunctions
from equations.generate.numpy.templates.checks import CHECK, CHECK_INIT
from equations.generate.numpy.templates.helpers import HELPERS
from equations.generate.numpy.templates.module import INIT, MODULE
from equations.generate.numpy.writing import Writing
from equations.generate.planning.plan import Plan
from equations.generate.text.source import WIDTH, Lines, call, fill
from equations.language import Contract, LanguageError, Size, TensorSymbol
from equations.printing import render
from equations.program import Program

SOURCE = "equations/cells/{name}.py"
HEADER = (
    "Generated from {source} by `gateproof generate {name}`: change that file, not this one. "
    "B is the batch, T the number of time steps. MIT licence; see LICENSE."
)

FAST = "Neither 1 - u and the like nor gradients have a digit left where a gate saturates. "


def module_text(cell: Cell, source: str = "", *, exact: bool = True) -> str:
    """The text of the NumPy module of a cell.

    Args:
        cell: the cell.
        source: the file of its definition, for the header.
        exact: whether complements such as 1 - u keep their digits where a gate saturates.
    """
    plan = Plan(cell, exact)
    functions = [written for _, written in functions_of(plan)]
    words = {"name": cell.name}
    source = source or SOURCE.format(name=cell.name)
    told = cell.name if exact else f"--no-exact {cell.name}"
    header = ("" if exact else FAST) + HEADER.format(source=source, name=told)
    slots = {
        "title": [cell.doc.split("\n")[0]],
        "equations": definition_lines(cell),
        "header": textwrap.wrap(header, WIDTH),
        "axes": axes_tables(plan),
        "classes": separated(class_lines(plan)),
        "init": init_lines(cell),
        "functions": separated(functions),
        "runtime": separated(helpers_of(functions, plan)),
    }
    lines = fill(MODULE.replace('"""<title>', "<title>"), slots, words)
    lines[0] = '"""' + lines[0]
    return checked("\n".join(lines) + "\n", cell)


def checked(text: str, cell: Cell) -> str:
    """The text of a module, unless it is not Python.

    Raises:
        LanguageError: a name of the cell makes it unusable.
    """
    try:
        compile(text, f"{cell.name}.py", "exec")
    except SyntaxError as error:
        raise LanguageError(
            f"{cell.name}: its module cannot be generated, line {error.lineno} would be "
            f"{(error.text or '').strip()!r}; a name of the cell or of an axis may not be usable"
        ) from error
    return text


def functions_of(plan: Plan) -> list[tuple[str, Lines]]:
    """Every function by its name, in the order of the module."""
    steps, sequences = StepFunctions(plan), SequenceFunctions(plan)
    return [
        ("step", steps.step()),
        ("step_vjp", steps.step_vjp()),
        ("step_jvp", steps.step_jvp()),
        ("step_hvp", steps.step_hvp()),
        ("step_jacobian", steps.step_jacobian()),
        ("unroll", sequences.unroll()),
        ("unroll_vjp", sequences.unroll_vjp()),
        ("unroll_jvp", sequences.unroll_jvp()),
    ]


def helpers_of(functions: Iterable[Lines], plan: Plan) -> list[Lines]:
    """The helpers that some functions call."""
    body = "\n".join(line for function in functions for line in function)
    helpers = [text for name, text in HELPERS.items() if f"{name}(" in body]
    writing = Writing(plan)
    words = {"x_group": writing.inputs_type("tuple"), "next_type": writing.next_type}
    return [
        writing.segments(),
        *(fill(text, {}, words) for text in (*helpers, CHECK_INIT, CHECK)),
    ]


def separated(blocks: Iterable[Lines]) -> Lines:
    """Blocks with two empty lines between them."""
    lines: Lines = []
    for block in blocks:
        lines += [*([""] * 2 if lines else []), *block]
    return lines


def definition_lines(cell: Cell) -> Lines:
    """The equations of the cell, as in the docstring of the module."""
    text = render(cell.definition(), "unicode")
    return ["", *(f"    {line}".rstrip() for line in text.rstrip().split("\n"))]


def axes_tables(plan: Plan) -> Lines:
    """Whether the equations count the steps, and the axes that arguments are checked against."""
    cell = plan.cell
    tables: list[tuple[str, list[tuple[str, TensorSymbol]]]] = [
        ("_PARAMS", [(str(s), s) for s in cell.parameters]),
        ("_INPUTS", [(str(s), s) for s in cell.inputs]),
        ("_STATE", [(str(s), s) for s in cell.states]),
        ("_NEXT", [(plan.field(s), s) for s in plan.results]),
        ("_SAVED", [(str(s), s) for s in plan.saved]),
    ]
    counts = any(equation.value.has(Size("T")) for equation in cell.program)
    lines: Lines = [f"_COUNTS_STEPS = {counts}"]
    for name, entries in tables:
        pairs = [f'"{key}": "{" ".join(symbol.axes)}"' for key, symbol in entries]
        line = f"{name} = {{{', '.join(pairs)}}}"
        if not entries:
            lines.append(f"{name}: dict[str, str] = {{}}")
        elif len(line) <= 100:
            lines.append(line)
        else:
            lines += [f"{name} = {{", *(f"    {pair}," for pair in pairs), "}"]
    return lines


def class_lines(plan: Plan) -> list[Lines]:
    """The named tuples that go in and out."""
    cell = plan.cell
    classes = [_tuple("Params", "The parameters.", [(str(s), s.axes) for s in cell.parameters])]
    if len(cell.inputs) > 1:
        inputs = [(str(s), ("B", *s.axes)) for s in cell.inputs]
        classes.append(_tuple("Inputs", "The inputs of a step.", inputs))
    states = [(str(s), ("B", *s.axes)) for s in cell.states]
    classes.append(_tuple("State", "The state.", states))
    results = [(plan.field(s), ("B", *s.axes)) for s in plan.results]
    if cell.outputs:
        classes.append(_tuple("Next", "What a step returns: new states, then outputs.", results))
    saved = [(str(s), ("B", *s.axes)) for s in plan.saved]
    classes.append(_tuple("Saved", "The values of the equations in one step.", saved))
    tape = [(name, ("T", *axes)) for name, axes in saved]
    classes.append(_tuple("Tape", "The values of the equations in all steps.", tape))
    classes.append(
        [
            "class Checkpoints(NamedTuple):",
            '    """What is kept of a sequence when the rest is to be computed again."""',
            "",
            f"    x: {'Inputs' if len(cell.inputs) > 1 else 'Array'}  # all steps",
            "    states: tuple[State, ...]  # before the first of every so many steps",
            "    every: int",
        ]
    )
    rows = [
        "class Jacobian(NamedTuple):",
        '    """The derivatives of every new state by every old one."""',
        *([""] if cell.states else []),
        *(f"    {state}: State" for state in cell.states),
    ]
    return [*classes, rows]


def _tuple(name: str, about: str, fields: Sequence[tuple[str, Sequence[str]]]) -> Lines:
    lines = [f"class {name}(NamedTuple):", f'    """{about}"""']
    if fields:
        lines.append("")
    for field, axes in fields:
        lines.append(f"    {field}: Array  # ({', '.join(axes)}{',' if len(axes) == 1 else ''})")
    return lines


def init_lines(cell: Cell) -> Lines:
    """The function that draws random parameters."""
    sizes = list(dict.fromkeys(axis for s in cell.parameters for axis in s.axes))
    weights = weight_fans(cell.program)
    lines = ["return Params("]
    for symbol in cell.parameters:
        shape = ", ".join(symbol.axes) + ("," if len(symbol.axes) == 1 else "")
        if weights.get(symbol):
            fan = " * ".join(weights[symbol])
            drawn = f"rng.uniform(-1, 1, ({shape})) / np.sqrt(max({fan}, 1))"
            lines.append(f"    {symbol}=({drawn}).astype(dtype),")
        else:
            lines.append(f"    {symbol}=np.zeros(({shape}), dtype=dtype),")
    words = {
        "sizes": "".join(f"{size}: int, " for size in sizes),
    }
    slots = {
        "lengths": [f"{size}: the length of this axis." for size in sizes],
        "check": call("_check_init", ["rng", "dtype", *(f"{n}={n}" for n in sizes)], 1),
        "parameters": [*lines, ")"],
    }
    return fill(INIT, slots, words)


def weight_fans(program: Program) -> dict[TensorSymbol, tuple[str, ...]]:
    """The axes over which each contracted parameter is summed: the size of its fan in."""
    fans: dict[TensorSymbol, tuple[str, ...]] = {}
    for equation in program:
        for node in sorted(equation.value.atoms(Contract), key=str):
            inputs, output = node.letters
            for letters, operand in zip(inputs, node.operands, strict=True):
                if isinstance(operand, TensorSymbol) and operand.role == "parameter":
                    summed = zip(letters, operand.axes, strict=True)
                    fans[operand] = tuple(axis for letter, axis in summed if letter not in output)
    return fans
