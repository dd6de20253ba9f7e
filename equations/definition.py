"""The definition of a cell: a class body that reads like the paper.

    class gru(Definition):
        '''Gated recurrent unit.'''

        source = "Cho et al. 2014, arXiv:1406.1078v3"
        x = Input("n_x")
        h = State("n_h")
        W_u = W_r = W_h = Parameter("n_h", "n_x")
        ...
        u = sigmoid(W_u @ x + U_u @ h + b_u)
        h_next = (1 - u) * h + u * h_cand

The body is run in order: a declaration or an expression that is assigned to a name becomes the
symbol or the equation of that name, and from then on the name stands for its symbol. Everything
else is metadata. `gru.cell` is the finished `Cell`.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import sympy as sp

from equations.boundary import Boundary, Saturation, check_statements
from equations.cell import Cell, Gate
from equations.language import Contract, LanguageError, Role, TensorSymbol, accepted, axes_of
from equations.names import derived_from, is_reserved
from equations.program import Equation, Fact, Program
from equations.theorem import Theorem, check_theorems

METADATA = ("source", "display", "gates", "boundaries", "theorems", "facts", "loss")


def Input(*axes: str) -> TensorSymbol:  # noqa: N802 - declarations read as types
    """Declare an input with these axes."""
    return TensorSymbol("?", axes, role="input")


def State(*axes: str) -> TensorSymbol:  # noqa: N802
    """Declare a state `v`; the equation `v_next` gives its new value."""
    return TensorSymbol("?", axes, role="state")


def Parameter(*axes: str) -> TensorSymbol:  # noqa: N802
    """Declare a parameter with these axes; weights are (n_out, n_in)."""
    return TensorSymbol("?", axes, role="parameter")


@dataclass(frozen=True)
class Marked:
    """An expression with a role: an output that is no state, or a shift."""

    value: sp.Expr
    role: Role | str


def Output(value: sp.Expr) -> sp.Expr:  # noqa: N802
    """Mark an equation as an output of the cell that is no state."""
    return Marked(sp.sympify(value), "output")


def Shift(value: sp.Expr) -> sp.Expr:  # noqa: N802
    """A value the results are independent of, held constant in every derivation.

    The independence is a claim, and is proved for every cell that declares a shift.
    """
    return Marked(sp.sympify(value), "shift")


class _Body(dict[str, Any]):
    """The namespace of a definition: collects symbols and equations in the order written."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        self.cell = cell
        self.arguments: list[TensorSymbol] = []
        self.equations: list[Equation] = []
        self.outputs: list[TensorSymbol] = []
        self.metadata: dict[str, Any] = {}

    def __setitem__(self, name: str, value: object) -> None:
        if name.startswith("__") or inspect.isfunction(value):
            super().__setitem__(name, value)
        elif name in METADATA:
            if name == "display" and isinstance(value, dict):
                for key in value:
                    if key in self:
                        raise LanguageError(
                            f"{self.cell}: display: expected above {key}, got below it"
                        )
            self.metadata[name] = value
        else:
            super().__setitem__(name, self.symbol(name, value))

    def symbol(self, name: str, value: object) -> TensorSymbol:
        """Declare the symbol or the equation of that name."""
        if isinstance(value, type | ModuleType):
            raise LanguageError(f"{self.cell}: {name} is imported in the class; import it above")
        if name in self:
            raise LanguageError(f"{self.cell}: {name} is defined twice")
        if is_reserved(name):
            raise LanguageError(
                f"{self.cell}: {name!r} cannot be a name: it is reserved for generated code"
            )
        if isinstance(value, TensorSymbol) and value.name == "?":
            for axis in value.axes:
                if not str(axis).isidentifier() or is_reserved(axis):
                    raise LanguageError(
                        f"{self.cell}: {name}: {axis!r} cannot be the name of an axis: it is "
                        "reserved, or no identifier"
                    )
            symbol = TensorSymbol(name, value.axes, self.display(name, value.role), value.role)
            self.arguments.append(symbol)
            return symbol
        mark = ""
        if isinstance(value, Marked):
            mark, value = value.role, value.value
        if not isinstance(value, sp.Expr):
            raise LanguageError(
                f"{self.cell}: {name} is neither a declaration, an expression nor one of "
                f"{', '.join(METADATA)}; got {type(value).__name__}"
            )
        try:
            value = accepted(value)
            axes = axes_of(value) or ()
        except LanguageError as error:
            raise LanguageError(f"{self.cell}: equation {name}: {error}") from None
        role: Role = "shift" if mark == "shift" else "value"
        symbol = TensorSymbol(name, axes, self.display(name, role), role)
        self.equations.append(Equation(symbol, value))
        if mark == "output":
            self.outputs.append(symbol)
        return symbol

    def display(self, name: str, role: Role) -> str:
        """How the symbol is printed, in LaTeX: at time t, the old state at t-1."""
        given: str | None = self.metadata.get("display", {}).get(name)
        if given is not None:
            return given
        if role == "parameter":
            return name
        base = name.removesuffix("_next")
        time = "t-1" if role == "state" else "t"
        head, _, sub = base.partition("_")
        index = f"{sub},{time}" if sub else time
        return f"{head}_{index}" if len(index) == 1 else f"{head}_{{{index}}}"


class _DefinitionType(type):
    @classmethod
    def __prepare__(cls, name: str, _bases: tuple[type, ...], /, **_kwargs: object) -> _Body:
        return _Body(name)

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> _DefinitionType:
        namespace = dict(body)
        if isinstance(body, _Body) and bases:
            doc = inspect.cleandoc(body.get("__doc__") or "")
            namespace["cell"] = _finished(name, doc, body)
        return super().__new__(cls, name, bases, namespace)


class Definition(metaclass=_DefinitionType):
    """Base of every cell definition; the class body holds the equations."""

    cell: ClassVar[Cell]


def _finished(name: str, doc: str, body: _Body) -> Cell:
    """Build and check the cell of a definition."""
    by_role: dict[str, list[TensorSymbol]] = {"input": [], "state": [], "parameter": []}
    for symbol in body.arguments:
        by_role[symbol.role].append(symbol)
    defined = {equation.symbol.name: equation.symbol for equation in body.equations}
    next_states = []
    for state in by_role["state"]:
        new = defined.get(f"{state}_next")
        if new is None:
            raise LanguageError(f"{name}: state {state} has no equation {state}_next")
        if new.axes != state.axes:
            raise LanguageError(
                f"{name}: equation {new}: expected the axes of {state} ({', '.join(state.axes)}), "
                f"got ({', '.join(new.axes)})"
            )
        if new in body.outputs:
            raise LanguageError(
                f"{name}: equation {new}: a new state is a result without Output(...)"
            )
        next_states.append(new)
    if not by_role["input"]:
        raise LanguageError(f"{name}: a cell needs at least one Input")
    if not (next_states or body.outputs):
        raise LanguageError(f"{name}: a cell needs a State or an Output")
    arguments = (*by_role["input"], *by_role["state"], *by_role["parameter"])
    program = Program(
        name,
        arguments,
        tuple(body.equations),
        (*next_states, *body.outputs),
        _facts(name, body.metadata.get("facts", ())),
    )
    _check_use(program)
    gates = _gates(name, body.metadata.get("gates", {}))
    for key in (*gates, *body.metadata.get("display", {})):
        if key not in {s.name for s in program.symbols}:
            raise LanguageError(f"{name}: {key!r} in gates or display is not one of its names")
    for gate in gates:
        if gate not in defined:
            raise LanguageError(f"{name}: gate {gate}: expected a name that has an equation")
    cell = Cell(
        name,
        doc,
        body.metadata.get("source", ""),
        program,
        tuple(by_role["input"]),
        tuple(by_role["state"]),
        tuple(by_role["parameter"]),
        tuple(next_states),
        tuple(body.outputs),
        gates,
        _statements(name, body, "boundaries", (Boundary, Saturation)),
        _loss(name, body),
        _statements(name, body, "theorems", (Theorem,)),
    )
    _check_derived_names(cell)
    check_statements(name, cell.boundaries, cell.forward().symbols)
    check_theorems(name, cell.theorems, cell.forward())
    return cell


def _facts(name: str, given: object) -> tuple[Fact, ...]:
    """The declared facts; what is replaced is a contraction, since it is looked for in products."""
    if not isinstance(given, tuple):
        raise LanguageError(f"{name}: facts: expected a tuple of pairs, got {given!r}")
    for fact in given:
        if not (isinstance(fact, tuple) and len(fact) == 2 and isinstance(fact[0], Contract)):
            raise LanguageError(
                f"{name}: facts: expected pairs of a contraction, such as total(y), and what it "
                f"is equal to, got {fact!r}"
            )
    return tuple(Fact(left, sp.sympify(right)) for left, right in given)


def _gates(name: str, given: object) -> dict[str, Gate]:
    """The gates with the meaning of their ends."""
    if not isinstance(given, dict):
        raise LanguageError(f"{name}: gates: expected a dict of names, got {given!r}")
    for gate, ends in given.items():
        pair = isinstance(ends, tuple) and len(ends) == 2
        if not (pair and all(isinstance(end, str) for end in ends)):
            raise LanguageError(
                f"{name}: gate {gate}: expected what it does at 0 and at 1, two texts, got {ends!r}"
            )
    return {gate: Gate(*ends) for gate, ends in given.items()}


def _statements(name: str, body: _Body, key: str, kinds: tuple[type, ...]) -> tuple[Any, ...]:
    """The boundary statements or the theorems."""
    given = body.metadata.get(key, ())
    expected = f"{name}: {key}: expected a tuple of {' or '.join(kind.__name__ for kind in kinds)}"
    if not isinstance(given, tuple):
        raise LanguageError(f"{expected}, got {given!r}")
    for statement in given:
        if not isinstance(statement, kinds):
            raise LanguageError(f"{expected}, got one with {statement!r}")
    return given


def _loss(name: str, body: _Body) -> TensorSymbol | None:
    """The output that is minimised."""
    given = body.metadata.get("loss")
    if given is None:
        return None
    for output in body.outputs:
        if output.name == given and not output.axes:
            return output
    raise LanguageError(f"{name}: loss: expected the name of a scalar Output, got {given!r}")


def _check_use(program: Program) -> None:
    """Refuse what no result depends on."""
    used = {s for equation in program for s in equation.value.atoms(TensorSymbol)}
    for symbol in program.arguments:
        if symbol not in used:
            raise LanguageError(f"{program.name}: {symbol.role} {symbol} is in no equation")
    needed = program.needed_for(program.results).equations
    for equation in program:
        if equation not in needed:
            raise LanguageError(
                f"{program.name}: equation {equation.symbol} is used by nothing; mark it with "
                "Output(...) if it is one"
            )


def _check_derived_names(cell: Cell) -> None:
    """Refuse a name that a derivation, or the generated code, would give to something else."""
    symbols = cell.forward().symbols
    for name in (*(s.name for s in cell.program.symbols), *cell.axes):
        made = derived_from(name, symbols, cell.states)
        if made is None and name in cell.axes and name in {s.name for s in symbols}:
            made = "an axis and a value"
        if made is not None:
            raise LanguageError(f"{cell.name}: {name} is the name of {made}; choose another")
