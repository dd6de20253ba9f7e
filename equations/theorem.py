"""Statements about a cell for all real inputs and every size, attached to it as data.

    Theorem("the state stays within [-1, 1]", (absolute(h), "<=", 1), invariant=True)
    Theorem("the new state is between the old one and the candidate",
            (minimum(h, h_cand), "<=", h_next, "<=", maximum(h, h_cand)))

A chain of relations is componentwise, between expressions of the cell's symbols, of constants, and
of derived ones: those of boundary statements, `tangent(h_next)`, `slope(u)` and `norm(U)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from equations.boundary import RELATIONS, Relation, jvp
from equations.language import LanguageError, TensorSymbol, axes_of
from equations.program import Program

Chain = tuple[Any, ...]
"""Expressions with a relation between each two, such as `(0, "<", u, "<", 1)`."""

Link = tuple[sp.Expr, Relation, sp.Expr]


@dataclass(frozen=True)
class Theorem:
    """A statement about one step, or about every step, for all real inputs.

    Args:
        name: the statement in one short sentence.
        claim: a chain of relations.
        given: chains that hold by assumption, in every component.
        invariant: whether the claim, of old states and constants, is to be kept by a step: then it
            holds after any number of steps if it holds at the start and `given` at each of them.
        by: names of theorems of the cell that it follows from. Their assumptions are among this
            one's, and what their claims speak of is taken from them instead of computed.
        holds: False for a statement planted to be refuted.

    Raises:
        LanguageError: a chain is malformed or does not type-check; the message names the theorem.
    """

    name: str
    claim: Chain
    given: tuple[Chain, ...] = ()
    invariant: bool = False
    by: tuple[str, ...] = ()
    holds: bool = True

    def __post_init__(self) -> None:
        """Check the chains."""
        for chain in (self.claim, *self.given):
            for left, relation, right in self._checked(chain):
                if relation not in RELATIONS:
                    raise LanguageError(
                        f"theorem {self.name!r}: relation: expected one of "
                        f"{', '.join(RELATIONS)}, got {relation!r}"
                    )
                self._check_axes(left, right)

    def _checked(self, chain: Chain) -> Iterator[Link]:
        if len(chain) < 3 or len(chain) % 2 == 0:
            raise LanguageError(
                f"theorem {self.name!r}: expected expressions with a relation between each two, "
                f"got {chain!r}"
            )
        return links(chain)

    def _check_axes(self, left: sp.Expr, right: sp.Expr) -> None:
        try:
            axes = axes_of(left), axes_of(right)
        except LanguageError as error:
            raise LanguageError(f"theorem {self.name!r}: {error}") from None
        if None not in axes and axes[0] != axes[1]:
            raise LanguageError(
                f"theorem {self.name!r}: {left} has axes {axes[0]}, {right} has axes {axes[1]}"
            )

    @property
    def links(self) -> tuple[Link, ...]:
        """The claim, relation by relation."""
        return tuple(links(self.claim))

    @property
    def assumed(self) -> tuple[Link, ...]:
        """The assumptions, relation by relation."""
        return tuple(link for chain in self.given for link in links(chain))

    @property
    def symbols(self) -> frozenset[TensorSymbol]:
        """All symbols it speaks of."""
        sides = (side for link in (*self.links, *self.assumed) for side in (link[0], link[2]))
        return frozenset().union(*(side.atoms(TensorSymbol) for side in sides))

    def step(self, carried: Mapping[TensorSymbol, TensorSymbol]) -> Theorem:
        """The statement about one step that establishes it: of an invariant, that it is kept."""
        if not self.invariant:
            return self
        after = tuple(
            part if isinstance(part, str) else sp.sympify(part).xreplace(dict(carried))
            for part in self.claim
        )
        return replace(self, claim=after, given=(*self.given, self.claim), invariant=False)


def links(chain: Chain) -> Iterator[Link]:
    """The relations of a chain; plain numbers become SymPy's."""
    for k in range(0, len(chain) - 2, 2):
        yield sp.sympify(chain[k]), chain[k + 1], sp.sympify(chain[k + 2])


def tangent(of: TensorSymbol) -> TensorSymbol:
    """The change of a value when the old states change by their tangents: the Jacobian times it."""
    return jvp(of)


def slope(of: TensorSymbol) -> TensorSymbol:
    """The derivative of a gate by its pre-activation."""
    return TensorSymbol(f"slope_{of}", of.axes, origin=("slope", (of,)))


def constant(name: str, *axes: str) -> TensorSymbol:
    """A real number, or one for each component, that a theorem holds for whatever it is."""
    return TensorSymbol(name, axes, origin=("constant", ()))


def norm(matrix: TensorSymbol) -> TensorSymbol:
    """The largest row sum of absolute values, the same in every component of matrix times vector.

    It is the norm of the matrix as a map between vectors measured by their largest component.
    """
    return TensorSymbol(f"norm_{matrix}", matrix.axes[:1], origin=("norm", (matrix,)))


def inlined(program: Program, name: str, under: Mapping[sp.Expr, sp.Expr] | None = None) -> sp.Expr:
    """A value of a program as one expression of its arguments, some of them replaced."""
    known: dict[sp.Expr, sp.Expr] = {s: s for s in program.arguments} | dict(under or {})
    for equation in program:
        known[equation.symbol] = equation.value.xreplace(known)
    return known[program[name]]


def check_theorems(cell: str, theorems: tuple[Theorem, ...], program: Program) -> None:
    """Refuse a theorem that speaks of what the cell does not have.

    Args:
        cell: the name of the cell, for the message.
        theorems: its theorems.
        program: its equations with every inner value named.

    Raises:
        LanguageError: a theorem occurs twice, or names a symbol that is not the cell's.
    """
    known: dict[str, Theorem] = {}
    for theorem in theorems:
        if theorem.name in known:
            raise LanguageError(f"{cell}: theorem {theorem.name!r} is stated twice")
        _check_lemmas(cell, theorem, known)
        known[theorem.name] = theorem
        for symbol in sorted(theorem.symbols, key=str):
            kind, sources = symbol.origin or ("", (symbol,))
            if kind == "constant" and symbol.name in {s.name for s in program.symbols}:
                raise LanguageError(
                    f"{cell}: theorem {theorem.name!r}: {symbol} is a name of the cell, and of a "
                    "constant"
                )
            for source in sources:
                if isinstance(source, TensorSymbol) and source not in set(program.symbols):
                    raise LanguageError(
                        f"{cell}: theorem {theorem.name!r}: {source} is not one of its symbols"
                    )


def _check_lemmas(cell: str, theorem: Theorem, before: Mapping[str, Theorem]) -> None:
    """A theorem follows from true ones before it, whose assumptions it makes."""
    made = {*theorem.given, *((theorem.claim,) if theorem.invariant else ())}
    for name in theorem.by:
        lemma = before.get(name)
        if lemma is None or not lemma.holds or lemma.invariant:
            raise LanguageError(
                f"{cell}: theorem {theorem.name!r}: by {name!r}: expected a theorem about one step "
                "that is stated before it and holds"
            )
        if missing := [chain for chain in lemma.given if chain not in made]:
            raise LanguageError(
                f"{cell}: theorem {theorem.name!r}: by {name!r}: it assumes {missing[0]}, which is "
                "not assumed here"
            )
