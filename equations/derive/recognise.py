"""Recognise in a derived program what the cell has a name for: e/s is ŷ, and Σy is 1.

A contraction is linear, so a scalar in it may be replaced by what defines that scalar, a product
with a broadcast is a contraction with what was broadcast, and contractions that differ in one
operand are one contraction with a sum. Nothing is inlined unless a name comes out of it.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations

import sympy as sp

from equations.derive.local import factored
from equations.language import LETTERS, Contract, Ones, TensorSymbol, axes_of, constant_factor
from equations.program import Equation, Program

Known = dict[sp.Expr, sp.Expr]


def recognise(derived: Program, source: Program) -> Program:
    """The derived program with what `source` defines, or declares as a fact, by its name."""
    known: Known = {
        equation.value: equation.symbol
        for equation in source.equations
        if isinstance(equation.value, Contract)
    }
    known |= {fact.left: fact.right for fact in source.facts}
    own: dict[TensorSymbol, sp.Expr] = {}
    for equation in derived.equations:
        terms = [_term(term, own, known) for term in sp.Add.make_args(equation.value)]
        own[equation.symbol] = factored(_collected(sp.Add(*terms)))
    return _rebuilt(derived, own, source)


def propagate(derived: Program, source: Program) -> Program:
    """The derived program without names for constants, or for constants times another name."""
    known = {fact.left: fact.right for fact in source.facts}
    plain: dict[TensorSymbol, sp.Expr] = {}
    own: dict[TensorSymbol, sp.Expr] = {}
    for equation in derived.equations:
        value = factored(equation.value.xreplace(plain).xreplace(known))
        own[equation.symbol] = value
        if len(value.atoms(TensorSymbol)) <= 1 and not value.has(Contract, sp.Function):
            plain[equation.symbol] = value
    return _rebuilt(derived, own, source)


def _rebuilt(derived: Program, own: dict[TensorSymbol, sp.Expr], source: Program) -> Program:
    """The derived program with these right-hand sides, without what they no longer need."""
    read = {s for value in own.values() for s in value.atoms(TensorSymbol)} - set(own)
    fresh = tuple(s for s in source.symbols if s in read and s not in derived.arguments)
    equations = tuple(Equation(symbol, value) for symbol, value in own.items())
    named = replace(derived, arguments=(*fresh, *derived.arguments), equations=equations)
    return named.needed_for(derived.results)


def _term(term: sp.Expr, own: dict[TensorSymbol, sp.Expr], known: Known) -> sp.Expr:
    """A term written with a known name, or as it is."""
    node = _without_broadcast(term, own)
    if node is None:
        return term
    contraction = constant_factor(node)[1]
    for k, operand in enumerate(contraction.operands):
        if operand in own:
            pieces = _distributed(node, k, own[operand])
            named = [None if piece is None else _named(piece, known) for piece in pieces]
            if all(piece is not None for piece in named):
                return sp.Add(*named)
    return _named(node, known) or term


def _without_broadcast(term: sp.Expr, own: dict[TensorSymbol, sp.Expr]) -> sp.Expr | None:
    """A product with a broadcast scalar as the contraction of that scalar with the rest."""
    if isinstance(constant_factor(term)[1], Contract):
        return term
    factors = list(sp.Mul.make_args(term))
    for k, factor in enumerate(factors):
        number, node = constant_factor(own.get(factor, sp.S.Zero))
        if not isinstance(node, Contract):
            continue
        scalars = [operand for operand in node.operands if not isinstance(operand, Ones)]
        if len(scalars) < len(node.operands) and all(axes_of(s) == () for s in scalars):
            rest = sp.Mul(*factors[:k], *factors[k + 1 :])
            letters = LETTERS[: len(axes_of(rest) or ())]
            commas = "," * len(scalars)
            return number * Contract(f"{commas}{letters}->{letters}", *scalars, rest)
    return None


def _distributed(node: sp.Expr, k: int, definition: sp.Expr) -> list[sp.Expr | None]:
    """The contraction with operand k replaced by its definition, a piece for each term of it."""
    number, contraction = constant_factor(node)
    pieces: list[sp.Expr | None] = []
    for term in sp.Add.make_args(definition):
        inner, rest = constant_factor(term)
        factors = [f for part in sp.Mul.make_args(rest) for f in _repeated(part)]
        letters, output = contraction.letters
        if len(factors) == 1 and isinstance(factors[0], Contract):
            replaced = contraction.replace_operand(k, factors[0])
        elif letters[k] == "" or len(factors) == 1:
            inputs = [*letters[:k], *[letters[k]] * len(factors), *letters[k + 1 :]]
            operands = [*contraction.operands[:k], *factors, *contraction.operands[k + 1 :]]
            replaced = Contract(f"{','.join(inputs)}->{output}", *operands)
        else:
            pieces.append(None)
            continue
        pieces.append(number * inner * replaced)
    return pieces


def _repeated(factor: sp.Expr) -> list[sp.Expr]:
    if isinstance(factor, sp.Pow) and factor.exp.is_Integer and factor.exp.is_positive:
        return [factor.base] * int(factor.exp)
    return [factor]


def _named(node: sp.Expr, known: Known) -> sp.Expr | None:
    """The contraction with some of its operands replaced by the name of their product."""
    number, contraction = constant_factor(node)
    if not isinstance(contraction, Contract):
        return None
    inputs, output = contraction.letters
    parts = list(zip(inputs, contraction.operands, strict=True))
    for value, symbol in known.items():
        wanted, result = value.letters
        for chosen in combinations(range(len(parts)), len(wanted)):
            rest = [part for k, part in enumerate(parts) if k not in chosen]
            for order in permutations(chosen):
                letters = _matched([parts[k] for k in order], value)
                if letters is None or not _closed(letters, result, wanted, rest, output):
                    continue
                signature = [*(letter for letter, _ in rest), "".join(letters[c] for c in result)]
                if axes_of(symbol) is None:
                    signature.pop()
                    operands = [operand for _, operand in rest]
                    if not operands:
                        return number * symbol
                    return number * symbol * Contract(f"{','.join(signature)}->{output}", *operands)
                operands = [*(operand for _, operand in rest), symbol]
                return number * Contract(f"{','.join(signature)}->{output}", *operands)
    return None


def _matched(parts: list[tuple[str, sp.Expr]], value: Contract) -> dict[str, str] | None:
    """How the letters of `value` are called here, if these are its operands."""
    letters: dict[str, str] = {}
    for (here, operand), there, wanted in zip(parts, value.letters[0], value.operands, strict=True):
        if operand != wanted:
            return None
        for a, b in zip(there, here, strict=True):
            if letters.setdefault(a, b) != b:
                return None
    return letters if len(set(letters.values())) == len(letters) else None


def _closed(
    letters: dict[str, str],
    result: str,
    wanted: tuple[str, ...],
    rest: list[tuple[str, sp.Expr]],
    output: str,
) -> bool:
    """Whether the letters that `value` sums occur nowhere else."""
    summed = {letters[c] for part in wanted for c in part if c not in result}
    return not summed & set(output).union(*(letter for letter, _ in rest))


def _collected(value: sp.Expr) -> sp.Expr:
    """Contractions that differ in one operand, as one contraction with their sum there."""
    terms = list(sp.Add.make_args(value))
    for a, b in combinations(range(len(terms)), 2):
        merged = _merged(terms[a], terms[b])
        if merged is not None:
            rest = [term for k, term in enumerate(terms) if k not in (a, b)]
            return _collected(sp.Add(merged, *rest))
    return value


def _merged(first: sp.Expr, second: sp.Expr) -> sp.Expr | None:
    (m, a), (n, b) = constant_factor(first), constant_factor(second)
    if not (isinstance(a, Contract) and isinstance(b, Contract) and a.signature == b.signature):
        return None
    differ = [k for k, (p, q) in enumerate(zip(a.operands, b.operands, strict=True)) if p != q]
    if len(differ) != 1 or m not in (n, -n):
        return None
    k = differ[0]
    return m * a.replace_operand(k, a.operands[k] + m / n * b.operands[k])
