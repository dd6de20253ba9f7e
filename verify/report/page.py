"""The page of a cell: equations, gradients, boundary statements, evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from equations.cell import Cell
from verify.report.markdown import document, folded, table
from verify.suite import PLANTED, STAGES, Finding

HEADINGS = {
    "code": "Code",
    "proof": "Proofs",
    "boundaries": "Gate boundaries",
    "routes": "Routes",
}
ABOUT = {
    "code": "What is tested below is the generated module itself.",
    "proof": "Every component of the derived equations against scalar calculus on the definition. "
    "*Proved* holds for all real inputs at the sizes named; *cross-checked* is an evaluation at "
    "random points of a prime field.",
    "boundaries": "Statements about the ends of the gates. *Proved* on the equations, over the "
    "reals; *hit exactly* in the generated code with a gate at exactly 0 or 1; *approached* while "
    "its pre-activation is driven there. A planted false statement must be refuted.",
    "routes": "The generated code against values that were found without it, element by element. "
    "The bounds are in the [index](index.md).",
}


def page(cell: Cell, findings: Mapping[str, Sequence[Finding]]) -> str:
    """The page of a cell.

    Args:
        cell: the cell.
        findings: those of each stage.
    """
    return document([*static(cell), *(section(stage, findings[stage]) for stage in STAGES)])


def static(cell: Cell) -> list[str]:
    """What follows from the definition alone."""
    about = cell.doc.split("\n", 1)
    recurrent = bool(cell.states)
    return [
        f"# {cell.name}",
        about[0],
        about[1].strip() if len(about) > 1 else "",
        f"Source: {cell.source}." if cell.source else "",
        "## Equations",
        cell.definition().to_markdown(),
        _shapes(cell),
        _gates(cell),
        "## Gradients",
        "Reverse mode of one step: δv is the cotangent of v, the derivative of the loss by it.",
        cell.backward().to_markdown(),
        _loss(cell),
        folded("Backpropagation through time", cell.bptt().to_markdown()) if recurrent else "",
        folded("New states by old ones", cell.state_derivative().to_markdown())
        if recurrent
        else "",
        folded("Forward mode", cell.tangent().to_markdown()),
        folded("Second order", cell.second().to_markdown()),
    ]


def section(stage: str, findings: Sequence[Finding]) -> str:
    """The evidence of one stage: what holds, and in which sense."""
    parts = [f"## {HEADINGS[stage]}"]
    if not findings:
        return document([*parts, "Nothing is stated for this cell."])
    made = _statements(findings) if stage == "boundaries" else _claims(findings)
    return document([*parts, ABOUT[stage], made])


def _claims(findings: Iterable[Finding]) -> str:
    """A row for each finding, under the claim that several may share."""
    rows = []
    last = ""
    for finding in findings:
        claim = "" if finding.claim == last else finding.claim
        last = finding.claim
        rows.append((claim, finding.name, _verdict(finding)))
    return table(("claim", "examined", "verdict"), rows)


def _statements(findings: Iterable[Finding]) -> str:
    """A row for each statement, with a column for each way it was examined."""
    ways = ("proved", "hit exactly", "approached")
    rows: dict[str, dict[str, str]] = {}
    for finding in findings:
        name, _, way = finding.name.rpartition(": ")
        row = rows.setdefault(name, {"": f"`{finding.claim}`"})
        planted = name.endswith(PLANTED)
        held = "refuted" if planted else "holds"
        row[way] = held if finding.passed else "**failed**"
    return table(
        ("statement", "in symbols", *ways),
        [(name, row[""], *(row.get(way, "") for way in ways)) for name, row in rows.items()],
    )


def _verdict(finding: Finding) -> str:
    return finding.word if finding.passed else "**failed**"


def _shapes(cell: Cell) -> str:
    roles = (("inputs", cell.inputs), ("states", cell.states), ("parameters", cell.parameters))
    rows = [
        (role, ", ".join(f"`{s}` ({', '.join(s.axes) or 'a scalar'})" for s in symbols))
        for role, symbols in roles
        if symbols
    ]
    return table(("", "name and shape"), rows)


def _gates(cell: Cell) -> str:
    if not cell.gates:
        return ""
    rows = [(f"`{name}`", gate.at_zero, gate.at_one) for name, gate in cell.gates.items()]
    return table(("gate", "at 0", "at 1"), rows)


def _loss(cell: Cell) -> str:
    if cell.loss is None:
        return ""
    about = f"The gradient of `{cell.loss}` itself, where its cotangent is 1 and no other is given:"
    return document([about, cell.gradient().to_markdown()])
