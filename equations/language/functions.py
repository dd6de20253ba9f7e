"""What definitions are written with, besides `+`, `*` and `@`: each builds nodes."""

from __future__ import annotations

import sympy as sp
from sympy.core.relational import Relational

from equations.language.leaves import LETTERS, LanguageError, Ones, Size
from equations.language.nodes import Contract, Largest, Select, axes_of, ramp, rank, shown

exp, log, sqrt, tanh = sp.exp, sp.log, sp.sqrt, sp.tanh
SIXTH = sp.Rational(1, 6)


def relu(a: sp.Expr) -> sp.Expr:
    """max(a, 0); its derivative at 0 is 0."""
    return Select(sp.Gt(a, 0, evaluate=False), a, sp.S.Zero)


def absolute(a: sp.Expr) -> sp.Expr:
    """|a|; its derivative at 0 is 1."""
    return Select(sp.Ge(a, 0, evaluate=False), a, -a)


def maximum(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """max(a, b); where they are equal the derivative is a's."""
    return Select(sp.Ge(a, b, evaluate=False), a, b)


def minimum(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """min(a, b); where they are equal the derivative is a's."""
    return Select(sp.Le(a, b, evaluate=False), a, b)


def clip(a: sp.Expr, low: sp.Expr, high: sp.Expr) -> sp.Expr:
    """Keep a within two numbers; the derivative is 1 between them, and 0 at them and beyond.

    Between two tensors it is `minimum(maximum(a, low), high)`.
    """
    return ramp(a, 1, 0, low, high)


def hard_sigmoid(a: sp.Expr, slope: sp.Expr = SIXTH, offset: sp.Expr = sp.S.Half) -> sp.Expr:
    """A line kept within [0, 1]: `clip(slope * a + offset, 0, 1)`, with the derivative of `clip`.

    The slope is 1/6 in PyTorch, JAX and Keras 3; 1/5 in Theano, in Keras 1 and 2, and by default in
    ONNX, where slope and offset are called alpha and beta.
    """
    return ramp(a, slope, offset, 0, 1)


def where(condition: Relational, first: sp.Expr, second: sp.Expr) -> sp.Expr:
    """Componentwise choice; the derivative by the condition is zero."""
    return Select(condition, first, second)


def largest(a: sp.Expr) -> sp.Expr:
    """The largest component of `a`, a scalar, for shifts."""
    return Largest(a)


def matmul(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    """The last axis of `left` against the first of `right`."""
    left, right = sp.sympify(left), sp.sympify(right)
    n_left, n_right = rank(left), rank(right)
    if not (n_left and n_right):
        raise LanguageError(
            f"{shown(left)} @ {shown(right)}: both sides of @ need an axis; use scale for a "
            "scalar, * for a number"
        )
    a, b = LETTERS[:n_left], LETTERS[n_left - 1 : n_left + n_right - 1]
    return Contract(f"{a},{b}->{a[:-1]}{b[1:]}", left, right)


def outer(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    """All products of a component of `left` with one of `right`: v kᵀ for two vectors."""
    left, right = sp.sympify(left), sp.sympify(right)
    n_left, n_right = rank(left), rank(right)
    a, b = LETTERS[:n_left], LETTERS[n_left : n_left + n_right]
    return Contract(f"{a},{b}->{a}{b}", left, right)


def dot(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    """The sum of the products of equal components, a scalar."""
    left, right = sp.sympify(left), sp.sympify(right)
    if rank(left) != rank(right):
        sides = f"{shown(left)} with {rank(left)} and {shown(right)} with {rank(right)}"
        raise LanguageError(f"dot(...): expected two values of the same axes, got {sides}")
    letters = LETTERS[: rank(left)]
    return Contract(f"{letters},{letters}->", left, right)


def total(a: sp.Expr) -> sp.Expr:
    """The sum of all components, a scalar."""
    return Contract(f"{LETTERS[: rank(a)]}->", a)


def mean(a: sp.Expr) -> sp.Expr:
    """The mean of all components, a scalar."""
    return total(a) / sp.Mul(*(Size(axis) for axis in axes_of(a) or ()))


def scale(scalar: sp.Expr, a: sp.Expr) -> sp.Expr:
    """A scalar tensor times every component of `a`."""
    return outer(scalar, a)


def broadcast(scalar: sp.Expr, *axes: str) -> sp.Expr:
    """A scalar tensor repeated over `axes`."""
    for axis in axes:
        scalar = outer(scalar, Ones(axis))
    return scalar
