"""Forward mode: the Jacobian-vector product of a program, and the Jacobian, as programs.

Both push a derivative through the equations in order. A tangent has the axes of its value; a
Jacobian carries the axes of the symbol differentiated by as well, which turns a componentwise
factor v into diag(v) and leaves a product with a matrix what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import sympy as sp

from equations.derive.local import factored, partial, split_linear
from equations.derive.names import TangentNames, jacobian_name
from equations.derive.normalised import through_logarithms, with_weights
from equations.language import LETTERS, Contract, Identity, Ones, Select, TensorSymbol, axes_of
from equations.program import Equation, Program, ordered_symbols

Seeds = dict[TensorSymbol, sp.Expr]
Lift = Callable[[sp.Expr, TensorSymbol, sp.Expr], sp.Expr]


def tangent(
    program: Program,
    wrt: Iterable[TensorSymbol] | None = None,
    results: Iterable[TensorSymbol] | None = None,
) -> Program:
    """The tangents of the results, given those of the arguments `wrt` (the others are fixed).

    Args:
        program: in normal form.
        wrt: the arguments that have a tangent; all of them unless told otherwise.
        results: the results whose tangent is wanted; all of them unless told otherwise.
    """
    wrt = tuple(program.arguments if wrt is None else wrt)
    results = tuple(program.results if results is None else results)
    program, weights = through_logarithms(program)
    names = TangentNames(program.symbols)
    seeds: Seeds = {symbol: names.tangent(symbol) for symbol in wrt}
    pushed = _push(program, dict(seeds), names.tangent, lambda p, _v, t: p * t, extra=())
    derived = _program(
        f"tangent of {program.name}",
        program,
        pushed,
        tuple(seeds.values()),
        tuple(names.tangent(y) for y in results),
    )
    return with_weights(derived, weights)


def jacobian(
    program: Program,
    by: Iterable[TensorSymbol],
    results: Iterable[TensorSymbol] | None = None,
) -> Program:
    """∂result/∂symbol for every result and every symbol in `by`: a matrix between vectors."""
    results = tuple(program.results if results is None else results)
    by = tuple(by)
    program, weights = through_logarithms(program)
    pushed = [equation for symbol in by for equation in _push_unit(program, symbol)]
    wanted = tuple(jacobian_name(y, symbol) for y in results for symbol in by)
    derived = _program(f"jacobian of {program.name}", program, pushed, (), wanted)
    return with_weights(derived, weights)


def _push_unit(program: Program, by: TensorSymbol) -> list[Equation]:
    """The derivatives of all equations by one symbol, starting from its identity."""
    n = len(by.axes)
    rows, columns = LETTERS[:n], LETTERS[n : 2 * n]
    pairs = ",".join(a + b for a, b in zip(rows, columns, strict=True))
    unit = (
        Contract(f"{pairs}->{rows}{columns}", *(Identity(axis) for axis in by.axes))
        if by.axes
        else sp.S.One
    )

    def name(of: TensorSymbol) -> TensorSymbol:
        return jacobian_name(of, by)

    def lift(factor: sp.Expr, through: TensorSymbol, derivative: sp.Expr) -> sp.Expr:
        if axes_of(factor) is None:
            return factor * derivative
        here = LETTERS[: len(through.axes)]
        there = LETTERS[len(here) : len(here) + n]
        return Contract(f"{here},{here}{there}->{here}{there}", factor, derivative)

    return _push(program, {by: unit}, name, lift, extra=by.axes)


def _push(
    program: Program,
    derivatives: Seeds,
    name: Callable[[TensorSymbol], TensorSymbol],
    lift: Lift,
    extra: tuple[str, ...],
) -> list[Equation]:
    """The derivative of every equation that depends on the seeds; `derivatives` grows with it."""
    functions: dict[sp.Expr, TensorSymbol] = {}
    pushed: list[Equation] = []
    for equation in program.equations:
        if isinstance(equation.value, sp.Function | sp.Pow):
            functions[equation.value] = equation.symbol
        if equation.symbol.role == "shift":
            continue
        componentwise, nodes = split_linear(equation.value, functions)
        terms: list[sp.Expr] = []
        for symbol in ordered_symbols(componentwise, program.position):
            if symbol in derivatives:
                factor = partial(componentwise, symbol, functions)
                terms.append(lift(factor, symbol, derivatives[symbol]))
        for node, number in nodes:
            terms += [number * term for term in _linear_terms(node, derivatives, extra)]
        value = sp.Add(*terms)
        if value := value if value.has(Contract) else factored(value):
            derivatives[equation.symbol] = name(equation.symbol)
            pushed.append(Equation(name(equation.symbol), value))
    return pushed


def _linear_terms(node: sp.Expr, derivatives: Seeds, extra: tuple[str, ...]) -> list[sp.Expr]:
    """A linear node with the derivative in the place of one operand, for each operand."""
    if isinstance(node, Select):
        condition, *branches = node.args
        # A Jacobian has more axes than its value: the same choice is made all along them.
        sides = (_widened(side, extra) for side in condition.args)
        condition = condition.func(*sides, evaluate=False)
        moved = []
        for branch in branches:
            sign, inner = branch.as_coeff_Mul()
            nested = isinstance(inner, Select)
            own = _linear_terms(inner, derivatives, extra) if nested else []
            moved.append(sign * sp.Add(derivatives.get(inner, sp.S.Zero), *own))
        return [Select(condition, *moved)]
    inputs, output = node.letters
    free = [letter for letter in LETTERS if letter not in node.signature]
    more = "".join(free[: len(extra)])
    terms = []
    for k, operand in enumerate(node.operands):
        if operand not in derivatives:
            continue
        letters = [*inputs[:k], inputs[k] + more, *inputs[k + 1 :]]
        operands = [*node.operands[:k], derivatives[operand], *node.operands[k + 1 :]]
        terms.append(Contract(f"{','.join(letters)}->{output}{more}", *operands))
    return terms


def _widened(side: sp.Expr, extra: tuple[str, ...]) -> sp.Expr:
    """One side of a relation with more axes behind its own; a number fits everywhere."""
    axes = axes_of(side)
    if axes is None or not extra:
        return side
    here, there = LETTERS[: len(axes)], LETTERS[len(axes) : len(axes) + len(extra)]
    signature = f"{','.join([here, *there])}->{here}{there}"
    return Contract(signature, side, *(Ones(axis) for axis in extra))


def _program(
    name: str,
    program: Program,
    pushed: list[Equation],
    seeds: tuple[TensorSymbol, ...],
    results: tuple[TensorSymbol, ...],
) -> Program:
    """Keep what the results depend on; a result that depends on nothing is zero."""
    have = {equation.symbol for equation in pushed} | set(seeds)
    pushed = [*pushed, *(Equation(symbol, sp.S.Zero) for symbol in results if symbol not in have)]
    read = {s for eq in pushed for s in eq.value.atoms(TensorSymbol)} - have
    arguments = (*(s for s in program.symbols if s in read), *seeds)
    whole = Program(name, arguments, tuple(pushed), results, program.facts)
    needed = whole.needed_for(results)
    kept = (*(s for s in needed.arguments if s not in seeds), *seeds)
    return Program(name, kept, needed.equations, results, program.facts)
