"""The leaves of expressions: tensors, sizes of axes, and two constant tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self

import sympy as sp
from sympy.core.symbol import Str

Role = Literal["input", "state", "parameter", "value", "shift"]
Origin = Literal[
    "argument",
    "expression",
    "beside",
    "copy",
    "stack",
    "cotangent",
    "seed",
    "carry",
    "tangent",
    "jacobian",
    "direct",
    "slope",
    "norm",
    "constant",
]

LETTERS = "ijklmnopqrstuvwxyzabcdefgh"


class LanguageError(ValueError):
    """An expression or a cell that the language refuses; the message says where and why."""


class TensorSymbol(sp.Symbol):  # type: ignore[misc]
    r"""A named real tensor whose axes have names and never sizes.

    Args:
        name: the name in equations, generated code and reports.
        axes: the names of its axes, such as `("n_h", "n_x")`; `()` is a scalar.
        display: how it is printed, in LaTeX, such as `\Gamma_u`; the name where it is empty.
        role: what it is in the cell.
        origin: how a derivation made it, and from which symbols, such as `("cotangent", (u,))`.
    """

    __slots__ = ("axes", "display", "origin", "role")

    axes: tuple[str, ...]
    display: str
    role: Role
    origin: tuple[Origin, tuple[sp.Expr, ...]] | None

    def __new__(
        cls,
        name: str,
        axes: Iterable[str] = (),
        display: str = "",
        role: Role = "value",
        origin: tuple[Origin, tuple[sp.Expr, ...]] | None = None,
    ) -> Self:
        """Make the symbol; SymPy's cache by name alone is bypassed, since axes count too."""
        symbol: Self = sp.Symbol.__xnew__(cls, name, real=True)
        symbol.axes = tuple(axes)
        symbol.display = display or name
        symbol.role = role
        symbol.origin = origin
        return symbol

    def _hashable_content(self) -> tuple[Any, ...]:
        # SymPy orders equal symbols that are two objects by `<` on these, which None has not.
        return (self.name, self.axes, self.display, self.role, self.origin or ())

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Rebuild with everything that tells two symbols apart (copy and pickle)."""
        return (self.name, self.axes, self.display, self.role, self.origin), {}

    def __str__(self) -> str:
        """The name, without SymPy's printer between."""
        return str(self.name)

    def __matmul__(self, other: sp.Expr) -> sp.Expr:
        """`W @ x`: contract the last axis of the left with the first of the right."""
        return _matmul(self, other)

    def __rmatmul__(self, other: sp.Expr) -> sp.Expr:
        """`(expression) @ x`."""
        return _matmul(other, self)


class Size(sp.Symbol):  # type: ignore[misc]
    """The length of an axis, a positive integer (means need it)."""

    __slots__ = ("axis",)

    def __new__(cls, axis: str) -> Self:
        """Make the size of `axis`."""
        size: Self = sp.Symbol.__xnew__(cls, axis, integer=True, positive=True)
        size.axis = axis
        return size

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.axis,)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Rebuild from the axis alone (copy and pickle)."""
        return (self.axis,), {}


class _Constant(sp.Expr):  # type: ignore[misc]
    """A tensor without free entries, given by the name of its axis."""

    is_commutative = True
    is_real = True

    def __new__(cls, axis: str | Str) -> Self:
        constant: Self = sp.Expr.__new__(cls, axis if isinstance(axis, Str) else Str(axis))
        return constant

    @property
    def axis(self) -> str:
        """The name of the axis."""
        return str(self.args[0].name)

    def _eval_derivative(self, _symbol: sp.Symbol) -> sp.Expr:
        return sp.S.Zero


class Identity(_Constant):
    """The identity matrix over an axis (Jacobians need it)."""


class Ones(_Constant):
    """The vector of ones over an axis: broadcasting is an outer product with it."""


def _matmul(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    # A product is a node, and nodes are made of these leaves.
    from equations.language.functions import matmul  # noqa: PLC0415

    return matmul(left, right)
