"""The page of a cell: equations, gradients, boundary statements, evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from equations.cell import Cell
from verify.report.markdown import document, folded, table
from verify.suite import PLANTED, STAGES, Finding, Word

HEADINGS = {
    "code": "Code",
    "proof": "Proofs",
    "boundaries": "Gate boundaries",
    "theorems": "Theorems",
    "routes": "Routes",
}
ABOUT = {
    "code": "What is tested below is the generated module itself.",
    "proof": "Every component of the derived equations against scalar calculus on the definition. "
    "*Proved* holds for all real inputs at the sizes named; *cross-checked* is an evaluation at "
    "random points of a prime field.",
    "boundaries": "Statements about the ends of the gates. *Over the reals* they are proved on the "
    "equations. The rest is cross-checked in the generated code: *hit exactly* with a gate at "
    "exactly 0 or 1, bit for bit or within the unit roundoffs that are counted on both sides, and "
    "*approached* while its pre-activation is driven there. A planted false statement must be "
    "refuted, by a counterexample, which is cross-checked everywhere. A dot marks the change along "
    "one direction in all arguments: of a gradient it is the Hessian-vector product.",
    "theorems": "Statements for all real inputs, componentwise. *Proved* by z3 at one component "
    "that stands for all, so for every size, from the facts named. The rest is cross-checked: "
    "*evaluated* in 60 digits at random inputs that satisfy the assumptions; *in floats*, how far "
    "the roundings of a step may lead out of an invariant, in roundoffs of the larger of 1 and the "
    "bound, and that generated code is led no further. A planted false statement must find no "
    "proof and be refuted by a counterexample. ‖U‖ is the largest row sum of absolute values; a "
    "dot marks the change that a change of the old states makes. What is trusted: "
    "[docs/trust.md](../docs/trust.md).",
    "routes": "The generated code against values that were found without it, element by element: "
    "all of this is cross-checked. The bounds are in the [index](index.md).",
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
    layout = {"boundaries": _statements, "theorems": _theorems, "routes": _routes}.get(
        stage, _claims
    )
    return document([*parts, ABOUT[stage], layout(findings)])


def _claims(findings: Iterable[Finding]) -> str:
    """A row for each claim, with what was examined under the word for how."""
    words: tuple[Word, ...] = ("proved", "by construction", "cross-checked")
    rows: dict[str, dict[str, list[str]]] = {}
    for finding in findings:
        held = finding.name if finding.passed else f"**{finding.verdict}**: {finding.name}"
        rows.setdefault(finding.claim, {}).setdefault(finding.word, []).append(held)
    used = [word for word in words if any(word in row for row in rows.values())]
    return table(
        ("claim", *used),
        [(claim, *("; ".join(row.get(word, [])) for word in used)) for claim, row in rows.items()],
    )


def _routes(findings: Iterable[Finding]) -> str:
    """The statements about all routes, and a row for each route with a column for each input."""
    general = []
    rows: dict[str, dict[str, str]] = {}
    for finding in findings:
        route, _, rest = finding.name.partition(", ")
        case, _, planted = rest.partition(" inputs")
        if finding.claim in finding.name:
            general.append(finding)
        elif planted:
            row = rows.setdefault(route, {})
            found = f"at {case} inputs" if finding.passed else f"**missed** at {case} inputs"
            row[CAUGHT] = "; ".join(filter(None, [row.get(CAUGHT), found]))
        else:
            rows.setdefault(route, {})[case] = "agrees" if finding.passed else "**failed**"
    cases = list(dict.fromkeys(case for row in rows.values() for case in row if case != CAUGHT))
    made = [
        (route, *(row.get(case, "") for case in (*cases, CAUGHT))) for route, row in rows.items()
    ]
    return document([_general(general), table(("route", *cases, CAUGHT), made)])


def _general(findings: Iterable[Finding]) -> str:
    """Statements about the evidence as a whole, each with where it holds."""
    places: dict[str, list[str]] = {}
    for finding in findings:
        where = finding.name.removesuffix(finding.claim).removesuffix(", ")
        where = where if finding.passed else f"**{finding.verdict}**: {where}"
        places.setdefault(finding.claim, []).extend([where] if where else [])
    return table(("statement", "holds for"), [(s, "; ".join(w)) for s, w in places.items()])


CAUGHT = "planted errors caught"


def _statements(findings: Iterable[Finding]) -> str:
    """A row for each statement, with a column for each way it was examined."""
    ways = ("over the reals", "hit exactly", "approached")
    rows: dict[str, dict[str, str]] = {}
    for finding in findings:
        name, _, way = finding.name.rpartition(": ")
        row = rows.setdefault(name, {"": f"`{finding.claim}`"})
        within = finding.detail.partition(" at ")[0]  # bit for bit, or so many roundoffs
        holds = {"over the reals": "proved", "hit exactly": within}.get(way, "holds")
        held = "refuted" if name.endswith(PLANTED) else holds
        row[way] = held if finding.passed else f"**{finding.verdict}**"
    return table(
        ("statement", "in symbols", *ways),
        [(name, row[""], *(row.get(way, "") for way in ways)) for name, row in rows.items()],
    )


def _theorems(findings: Iterable[Finding]) -> str:
    """What the proofs rest on, and a row for each theorem with how it was established."""
    ways = {"z3": "z3 (proved)", "evaluated": "evaluated", "in floats": "in floats"}
    facts = []
    rows: dict[str, dict[str, str]] = {}
    for finding in findings:
        name, _, way = finding.name.rpartition(": ")
        if not name:
            facts.append(finding)
            continue
        row = rows.setdefault(name, {"": f"`{finding.claim}`"})
        held = "no proof" if name.endswith(PLANTED) and way == "z3" else finding.detail
        row[way] = held if finding.passed else f"**{finding.verdict}**: {finding.detail}"
    made = [(name, row[""], *(row.get(way, "") for way in ways)) for name, row in rows.items()]
    return document([_claims(facts), table(("theorem", "in symbols", *ways.values()), made)])


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
