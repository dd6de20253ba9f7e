"""Joint statements: equations that differ only in some of their symbols are computed as one.

`a_u = W_u x + b_u` and `a_r = W_r x + b_r` are one product: of parameters that are put on top of
each other, into values that lie side by side. So are those of a sum, `U_uᵀ δa_u + U_rᵀ δa_r`, if
δa_u and δa_r lie side by side. Whether values can lie as a statement wishes, `lanes` knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sympy as sp

from equations.generate.planning.lanes import Lanes, Members
from equations.generate.planning.parallel import parallel
from equations.generate.planning.roles import is_gradient, is_parameter
from equations.language import Contract, Largest, Select, TensorSymbol, constant_factor
from equations.program import Equation, Program


class Joined(sp.Expr):  # type: ignore[misc]
    """Σ W_kᵀ v_k: parameters W_k (n_k, n) and values v_k, in two tuples of equal length."""

    is_commutative = True
    is_real = True

    @property
    def parameters(self) -> Members:
        """The matrices."""
        return tuple(self.args[0])

    @property
    def values(self) -> Members:
        """What they are multiplied by; side by side."""
        return tuple(self.args[1])


@dataclass(frozen=True)
class Joint:
    """Equations computed as one.

    Args:
        targets: their symbols.
        value: the right-hand side of the first.
        columns: for each symbol of `value` that differs between them, its counterparts.
    """

    targets: Members
    value: sp.Expr
    columns: tuple[Members, ...] = ()

    @property
    def first(self) -> TensorSymbol:
        """The symbol of the first equation."""
        return self.targets[0]

    def column(self, symbol: TensorSymbol) -> Members:
        """The counterparts of a symbol of `value`: itself, where all equations share it."""
        return next((column for column in self.columns if column[0] == symbol), (symbol,))

    @property
    def reads(self) -> set[TensorSymbol]:
        """All symbols on the right."""
        shared: set[TensorSymbol] = self.value.atoms(TensorSymbol)
        return shared.union(*self.columns)

    def ordered(self, lanes: Lanes) -> Joint:
        """The same with its equations in the order in which their values lie."""
        lying = (self.targets, *self.columns)
        lead = next((column for column in lying if column[0] in lanes.placed), self.targets)
        order = sorted(range(len(lead)), key=lambda k: lanes.place(lead[k]))
        values = {column[0]: column[order[0]] for column in self.columns}
        return Joint(
            tuple(self.targets[k] for k in order),
            self.value.xreplace(values).xreplace(_joined_in_order(self.value, lanes)),
            tuple(tuple(column[k] for k in order) for column in self.columns),
        )


def _joined_in_order(value: sp.Expr, lanes: Lanes) -> dict[sp.Expr, sp.Expr]:
    found = {}
    for node in value.atoms(Joined):
        pairs = zip(node.parameters, node.values, strict=True)
        ordered = sorted(pairs, key=lambda pair: lanes.place(pair[1]))
        parameters, values = zip(*ordered, strict=True)
        found[node] = Joined(sp.Tuple(*parameters), sp.Tuple(*values))
    return found


def joints(
    program: Program, lanes: Lanes, known: Iterable[TensorSymbol], alone: frozenset[TensorSymbol]
) -> Iterator[Joint]:
    """The statements of a program, in an order in which they can be computed.

    Args:
        program: one part of a schedule.
        lanes: where values lie; it learns the wishes of the statements.
        known: what is there before the program runs.
        alone: values that must have memory of their own.
    """
    todo = list(program.equations)
    available = set(known)
    while todo:
        joint = Joint((todo[0].symbol,), _summed(todo[0].value, lanes))
        del todo[0]
        more = True
        while more:  # one that does not lie beside two may lie beside three
            more = False
            for other in list(todo):
                if alone & {joint.first, other.symbol} or not _reads(other) <= available:
                    continue
                longer = _extended(joint, other)
                if longer is None:
                    continue
                if lanes.accept(_side_by_side(longer), instead=_side_by_side(joint)):
                    joint = longer
                    todo.remove(other)
                    more = True
        available |= set(joint.targets)
        yield joint


def _reads(equation: Equation) -> set[TensorSymbol]:
    found: set[TensorSymbol] = equation.value.atoms(TensorSymbol)
    return found


def _side_by_side(joint: Joint) -> tuple[Members, ...]:
    """What a statement wishes to lie side by side: what it reads, and what it computes.

    Gradients of parameters are parts of the one product that computes them all.
    """
    read = tuple(column for column in joint.columns if not is_parameter(column[0]))
    return read if is_gradient(joint.first) else (joint.targets, *read)


def _extended(joint: Joint, other: Equation) -> Joint | None:
    """A statement with one more equation; None where that has another form."""
    first = joint.first
    if first.axes != other.symbol.axes or is_gradient(first) != is_gradient(other.symbol):
        return None
    found = parallel(joint.value, other.value)
    fits = _is_product_of_rows if is_gradient(first) else _is_plain
    if not found or not fits(joint.value):
        return None
    old = {column[0]: column for column in joint.columns} or {a: (a,) for a, _ in found}
    pairs = dict(found)
    if len(pairs) != len(found) or pairs.keys() != old.keys():
        return None
    if any(b in old[a] for a, b in found):
        return None
    columns = tuple((*old[a], b) for a, b in found)
    return Joint((*joint.targets, other.symbol), joint.value, columns)


def _is_plain(value: sp.Expr) -> bool:
    """Whether it is made of componentwise operations and products with parameters."""
    return all(map(is_product, value.atoms(Contract))) and not value.has(Select, Largest)


def _is_product_of_rows(value: sp.Expr) -> bool:
    """Whether it is a sum of values and contractions: the rows of several can be side by side."""
    terms = (constant_factor(term)[1] for term in sp.Add.make_args(value))
    return all(isinstance(term, TensorSymbol | Contract) for term in terms)


def _summed(value: sp.Expr, lanes: Lanes) -> sp.Expr:
    """A sum with its products by transposed parameters as one."""
    terms = list(sp.Add.make_args(value))
    nodes = [term for term in terms if is_product(term, transposed=True)]
    alike = [node for node in nodes if factors(node)[1].axes == factors(nodes[0])[1].axes]
    pairs = [factors(node) for node in alike]
    if not pairs or (len(pairs) > 1 and not lanes.accept((tuple(v for _, v in pairs),))):
        alike = alike[:1]
        pairs = pairs[:1]
    if not pairs:
        return value
    parameters, values = zip(*pairs, strict=True)
    rest = [term for term in terms if term not in alike]
    return sp.Add(*rest, Joined(sp.Tuple(*parameters), sp.Tuple(*values)))


def is_product(node: sp.Expr, *, transposed: bool = False) -> bool:
    """Whether it is W v, or Wᵀ v, for a parameter that is a matrix and a value."""
    if not isinstance(node, Contract) or len(node.operands) != 2:
        return False
    inputs, output = node.letters
    by_rank = sorted(inputs, key=len, reverse=True)
    if [len(part) for part in by_rank] != [2, 1] or len(output) != 1:
        return False
    matrix, vector = by_rank
    found = factors(node)
    if not all(isinstance(part, TensorSymbol) for part in found):
        return False
    wanted = (matrix[0], matrix[1]) if transposed else (matrix[1], matrix[0])
    return is_parameter(found[0]) and not is_parameter(found[1]) and wanted == (vector, output)


def factors(node: Contract) -> tuple[TensorSymbol, TensorSymbol]:
    """The matrix and the vector of a product."""
    first, second = node.operands
    return (first, second) if len(node.letters[0][0]) == 2 else (second, first)
