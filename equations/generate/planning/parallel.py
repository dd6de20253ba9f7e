"""Which right-hand sides have one form, so that they can be computed together."""

from __future__ import annotations

import sympy as sp

from equations.generate.planning.roles import is_parameter
from equations.language import Contract, TensorSymbol, constant_factor

Leaves = list[tuple[TensorSymbol, TensorSymbol]]


def parallel(first: sp.Expr, second: sp.Expr) -> Leaves | None:
    """The leaves in which two right-hand sides differ; None if they differ in more than that.

    The axis to stack along is the first of every leaf that differs, and of the result.
    """
    if first == second:
        return []
    if isinstance(first, TensorSymbol) and isinstance(second, TensorSymbol):
        alike = first.axes == second.axes and is_parameter(first) == is_parameter(second)
        return [(first, second)] if first.axes and alike else None
    if type(first) is not type(second) or len(first.args) != len(second.args):
        return None
    if isinstance(first, Contract):
        return _contractions(first, second)
    if isinstance(first, sp.Function) and first.args[1:] == second.args[1:]:
        return parallel(first.args[0], second.args[0])
    if isinstance(first, sp.Pow) and first.exp == second.exp:
        return parallel(first.base, second.base)
    if isinstance(first, sp.Add | sp.Mul):
        return _operands(first, second)
    return None


def _contractions(first: Contract, second: Contract) -> Leaves | None:
    """One operand differs, and its first axis is that of the result and of nothing else."""
    if first.signature != second.signature:
        return None
    inputs, output = first.letters
    pairs = list(zip(first.operands, second.operands, strict=True))
    differ = [k for k, (a, b) in enumerate(pairs) if a != b]
    if len(differ) != 1 or not output:
        return None
    k = differ[0]
    others = "".join(letters for n, letters in enumerate(inputs) if n != k)
    if inputs[k][:1] != output[0] or output[0] in others:
        return None
    return parallel(*pairs[k])


def _operands(first: sp.Expr, second: sp.Expr) -> Leaves | None:
    """Term by term or factor by factor; the order of either says nothing."""
    rest = list(second.args)
    leaves: Leaves = []
    # What both share is matched first, so that it cannot be taken for another's counterpart.
    for part in sorted(first.args, key=lambda part: part not in rest):
        for other in rest:
            (m, a), (n, b) = constant_factor(part), constant_factor(other)
            found = parallel(a, b) if m == n and (part == other or part not in rest) else None
            if found is not None:
                leaves += found
                rest.remove(other)
                break
        else:
            return None
    return leaves
