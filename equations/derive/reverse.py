"""Reverse mode: the vector-Jacobian product of a program, as a program.

Two rules: a componentwise expression passes on cotangent · ∂expression/∂symbol, and a contraction
passes to each operand the contraction of the cotangent with the other operands whose output
signature is that operand's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sympy as sp

from equations.derive.local import Linear, factored, function_names, partial, split_linear
from equations.derive.names import CotangentNames
from equations.derive.normalised import through_logarithms, with_weights
from equations.language import Contract, LanguageError, Ones, Select, TensorSymbol, constant_factor
from equations.program import Equation, Program, ordered_symbols


def reverse(
    program: Program,
    wrt: Iterable[TensorSymbol] | None = None,
    results: Iterable[TensorSymbol] | None = None,
    carried: Iterable[TensorSymbol] = (),
    loss: TensorSymbol | None = None,
) -> Program:
    """The cotangents of the arguments `wrt`, given those of the `results`.

    Args:
        program: in normal form.
        wrt: the arguments to differentiate by; all of them unless told otherwise.
        results: the results that get a cotangent; all of them unless told otherwise.
        carried: the results that the following time step sends a cotangent to as well.
        loss: a scalar result to take the gradient of; its cotangent is 1, and no other is given.

    Returns:
        A program whose arguments are the values of `program` it reads and the cotangents of
        `results`, and whose results are the cotangents of `wrt` in the order given.
    """
    wrt = tuple(program.arguments if wrt is None else wrt)
    results = tuple(program.results if results is None else results) if loss is None else (loss,)
    program, weights = through_logarithms(program)
    names = CotangentNames(program.symbols)
    functions = function_names({eq.symbol: eq.value for eq in program.equations})
    reached = _reached(program, wrt)
    used = {s for eq in program.equations for s in eq.value.atoms(TensorSymbol)}
    carried = set(carried)
    # A result that nothing else adds to is given its whole cotangent.
    whole = {y for y in results if y not in used and y not in carried}
    seeds = [names.total(y) if y in whole else names.seed(y) for y in results]
    seeds += [names.carry(y) for y in results if y in carried]
    sums: dict[TensorSymbol, list[sp.Expr]] = {}
    for seed in seeds:
        sums.setdefault(_source(seed), []).append(seed)
    equations: list[Equation] = []

    def close(symbol: TensorSymbol) -> sp.Expr | None:
        """Write the cotangent of a symbol whose uses have all been passed."""
        if symbol == loss:
            return sp.S.One
        if symbol in whole:
            return names.total(symbol)
        value = apply_facts(factored(sp.Add(*sums.pop(symbol, []))), program)
        if value == 0:
            return None
        equations.append(Equation(names.total(symbol), value))
        return names.total(symbol)

    pending = _last_uses(program, wrt)
    for equation in reversed(program.equations):
        cotangent = close(equation.symbol) if equation.symbol in reached else None
        if cotangent is not None:
            for symbol, term in _passed_on(equation, cotangent, program, functions):
                if symbol in reached:
                    sums.setdefault(symbol, []).append(term)
        for symbol in pending.get(equation.symbol, ()):
            close(symbol)
    written = {equation.symbol for equation in equations}
    absent = [names.total(symbol) for symbol in wrt if names.total(symbol) not in written]
    equations += [Equation(cotangent, sp.S.Zero) for cotangent in absent]
    seeds = [seed for seed in seeds if loss is None]
    own = {eq.symbol for eq in equations}
    read = {s for eq in equations for s in eq.value.atoms(TensorSymbol)} - own
    derived = Program(
        f"backward of {program.name}",
        (*(s for s in program.symbols if s in read), *seeds),
        tuple(equations),
        tuple(names.total(symbol) for symbol in wrt),
        program.facts,
    )
    return with_weights(derived, weights)


def _passed_on(
    equation: Equation,
    cotangent: sp.Expr,
    program: Program,
    functions: Mapping[sp.Expr, TensorSymbol],
) -> Iterable[tuple[TensorSymbol, sp.Expr]]:
    """What an equation adds to the cotangents of the symbols in it."""
    componentwise, nodes = split_linear(equation.value, functions)
    for symbol in ordered_symbols(componentwise, program.position):
        yield symbol, cotangent * partial(componentwise, symbol, functions)
    for node in nodes:
        yield from adjoints(node, cotangent)


def adjoints(node: Linear, cotangent: sp.Expr) -> Iterable[tuple[TensorSymbol, sp.Expr]]:
    """What a linear node passes to each of its operands."""
    expression, number = node
    if isinstance(expression, Select):
        condition, *branches = expression.args
        for k, branch in enumerate(branches):
            sign, inner = branch.as_coeff_Mul()
            passed: Iterable[tuple[TensorSymbol, sp.Expr]] = ()
            if isinstance(inner, Select):
                passed = adjoints((inner, sp.S.One), cotangent)
            elif isinstance(inner, TensorSymbol):
                passed = [(inner, cotangent)]
            for symbol, term in passed:
                own, rest = constant_factor(term)
                chosen = [rest if n == k else sp.S.Zero for n in range(len(branches))]
                yield symbol, number * sign * own * Select(condition, *chosen)
        return
    inputs, output = expression.letters
    for k, operand in enumerate(expression.operands):
        if not isinstance(operand, TensorSymbol):
            continue
        others = [e for n, e in enumerate(expression.operands) if n != k]
        signature = [letters for n, letters in enumerate(inputs) if n != k]
        present = set(output).union(*signature)
        for letter, axis in zip(inputs[k], operand.axes, strict=True):
            if letter not in present:
                others.append(Ones(axis))
                signature.append(letter)
        term = Contract(f"{','.join([output, *signature])}->{inputs[k]}", cotangent, *others)
        yield operand, number * term


def apply_facts(expression: sp.Expr, program: Program) -> sp.Expr:
    """Use the declared facts of a program, such as Σ y = 1."""
    return expression.xreplace({fact.left: fact.right for fact in program.facts})


def _source(symbol: TensorSymbol) -> TensorSymbol:
    """The value that a derived symbol belongs to."""
    if symbol.origin is None or not isinstance(symbol.origin[1][0], TensorSymbol):
        raise LanguageError(f"{symbol} is not derived from a symbol")
    return symbol.origin[1][0]


def _last_uses(
    program: Program, wrt: Iterable[TensorSymbol]
) -> dict[TensorSymbol, list[TensorSymbol]]:
    """By equation, the arguments nothing before it uses: their cotangents are complete there."""
    first: dict[TensorSymbol, list[TensorSymbol]] = {}
    for symbol in wrt:
        for equation in program.equations:
            if equation.value.has(symbol):
                first.setdefault(equation.symbol, []).append(symbol)
                break
    return first


def _reached(program: Program, wrt: Iterable[TensorSymbol]) -> set[TensorSymbol]:
    """The symbols that depend on `wrt`; a shift depends on nothing."""
    reached = set(wrt)
    for equation in program.equations:
        if equation.symbol.role != "shift" and equation.value.atoms(TensorSymbol) & reached:
            reached.add(equation.symbol)
    return reached
