"""The language cells are written in: tensors with named axes, and one node that mixes components.

Componentwise algebra over arrays of one shape is a commutative ring, so `+`, `*`, `**`, `tanh`,
`sigmoid`, `exp`, ... on tensors are plain SymPy and its scalar calculus is exact on them.
Whatever mixes components is a `Contract` with an einsum signature: a product with a matrix, an
outer product, a sum, a scalar gate times a matrix. `Select` chooses between two values by a mask.

Nothing here derives, prints or generates; those are passes over this language.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import sympy as sp
from sympy.core.relational import Relational
from sympy.core.symbol import Str

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Role = Literal["input", "state", "parameter", "value", "shift"]
Origin = Literal[
    "argument", "expression", "cotangent", "seed", "carry", "tangent", "jacobian", "direct"
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
        return (self.name, self.axes, self.display, self.role, self.origin)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Rebuild with everything that tells two symbols apart (copy and pickle)."""
        return (self.name, self.axes, self.display, self.role, self.origin), {}

    def __matmul__(self, other: sp.Expr) -> sp.Expr:
        """`W @ x`: contract the last axis of the left with the first of the right."""
        return matmul(self, other)

    def __rmatmul__(self, other: sp.Expr) -> sp.Expr:
        """`(expression) @ x`."""
        return matmul(other, self)


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


class Contract(sp.Expr):  # type: ignore[misc]
    """A sum of products over named components: `Contract("ij,j->i", W, x)` is W x.

    Letters repeat across operands, never within one, and every output letter is some operand's.
    Constant factors of the operands move in front, an operand that is itself a product without a
    sum is replaced by its factors, and a sum over an index of an `Identity` is carried out.

    Whether the axes of the operands agree is checked where the contraction is used, by `axes_of`:
    there the error can name the cell and the equation.

    Raises:
        LanguageError: the signature is malformed.
    """

    is_commutative = True
    is_real = True

    def __new__(cls, signature: str | Str, *operands: sp.Expr) -> sp.Expr:
        """Check the signature and bring the contraction to normal form."""
        text = signature.name if isinstance(signature, Str) else signature
        inputs, output = _parse_signature(text, len(operands))
        terms = [sp.sympify(operand) for operand in operands]
        if any(term.is_zero for term in terms if not term.free_symbols):
            return sp.S.Zero
        split = [constant_factor(term) for term in terms]
        factor = sp.Mul(*(constant for constant, _ in split))
        terms = [rest for _, rest in split]
        inputs, terms = _merge_products(inputs, terms)
        inputs, terms = _drop_identities(inputs, output, terms)
        units = [k for k, term in enumerate(terms) if term == 1 and len(terms) > 1]
        inputs = [letters for k, letters in enumerate(inputs) if k not in units]
        terms = [term for k, term in enumerate(terms) if k not in units]
        if len(terms) == 1 and inputs[0] == output:
            return factor * terms[0]
        node = sp.Expr.__new__(cls, Str(_canonical_letters(inputs, output)), *terms)
        return node if factor == 1 else sp.Mul(factor, node)

    @property
    def signature(self) -> str:
        """The einsum signature."""
        return str(self.args[0].name)

    @property
    def operands(self) -> tuple[sp.Expr, ...]:
        """The contracted expressions, in the order of the signature."""
        return tuple(self.args[1:])

    @property
    def letters(self) -> tuple[tuple[str, ...], str]:
        """The letters of each operand, and of the result."""
        inputs, output = self.signature.split("->")
        return tuple(inputs.split(",")), output

    @property
    def axes(self) -> tuple[str, ...]:
        """The axes of the result."""
        inputs, output = self.letters
        of = _letter_axes(self, inputs)
        return tuple(of[letter] for letter in output)

    def replace_operand(self, position: int, operand: sp.Expr) -> sp.Expr:
        """The same contraction with one operand exchanged (it is linear in each)."""
        operands = list(self.operands)
        operands[position] = operand
        return Contract(self.signature, *operands)

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        if symbol not in self.free_symbols:
            return sp.S.Zero
        raise LanguageError(
            f"a contraction ({self.signature}) has no componentwise derivative by {symbol}; "
            "differentiate the program with equations.derive.reverse or equations.derive.tangent"
        )


class Select(sp.Expr):  # type: ignore[misc]
    """`where(condition, first, second)`, componentwise; a mask selects, it does not multiply.

    The condition is a SymPy relation between expressions of the same axes, such as `a > 0`.
    """

    is_commutative = True
    is_real = True

    def __new__(cls, condition: Relational, first: sp.Expr, second: sp.Expr) -> sp.Expr:
        """Make the selection; two equal branches need none."""
        if condition == sp.true:
            return sp.sympify(first)
        if condition == sp.false:
            return sp.sympify(second)
        if not isinstance(condition, Relational):
            raise LanguageError(
                f"where: the condition is a relation such as a > 0, got {condition!r}"
            )
        first, second = sp.sympify(first), sp.sympify(second)
        if first == second:
            return first
        return sp.Expr.__new__(cls, condition, first, second)

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        if symbol not in self.free_symbols:
            return sp.S.Zero
        raise LanguageError(
            f"a selection has no single derivative by {symbol}; differentiate the program with "
            "equations.derive.reverse or equations.derive.tangent"
        )


class Largest(sp.Expr):  # type: ignore[misc]
    """The largest component, a scalar. Only a shift may use it: it is never differentiated."""

    is_commutative = True
    is_real = True

    def __new__(cls, operand: sp.Expr) -> sp.Expr:
        """Make the maximum over all components."""
        return sp.Expr.__new__(cls, sp.sympify(operand))

    def _eval_derivative(self, symbol: sp.Symbol) -> sp.Expr:
        if symbol not in self.free_symbols:
            return sp.S.Zero
        raise LanguageError("the largest component is only used in a shift, which is not derived")


class sigmoid(sp.Function):  # type: ignore[misc]  # noqa: N801 - SymPy names functions as they print
    """The logistic function 1/(1 + exp(-a)); its derivative goes through its value."""

    is_real = True

    @classmethod
    def eval(cls, argument: sp.Expr) -> sp.Expr | None:
        """The limits and the centre; everything else stays symbolic."""
        if argument is sp.oo:
            return sp.S.One
        if argument is -sp.oo:
            return sp.S.Zero
        return sp.S.Half if argument.is_zero else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """σ' = σ (1 - σ)."""
        if argindex != 1:
            raise sp.ArgumentIndexError(self, argindex)
        return self * (1 - self)

    def _eval_rewrite_as_exp(self, argument: sp.Expr, **_options: object) -> sp.Expr:
        return 1 / (1 + sp.exp(-argument))


exp, log, sqrt, tanh = sp.exp, sp.log, sp.sqrt, sp.tanh


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
    """Keep a within [low, high]; the derivative at both ends is 1, beyond them 0."""
    return minimum(maximum(a, sp.sympify(low)), sp.sympify(high))


def hard_sigmoid(a: sp.Expr, slope: sp.Expr | None = None) -> sp.Expr:
    """clip(slope a + 1/2, 0, 1): slope 1/6 in PyTorch and Keras 3, 1/5 in Keras 2 and ONNX."""
    slope = sp.Rational(1, 6) if slope is None else slope
    return clip(slope * a + sp.S.Half, sp.S.Zero, sp.S.One)


def where(condition: Relational, first: sp.Expr, second: sp.Expr) -> sp.Expr:
    """Componentwise choice; the derivative by the condition is zero."""
    return Select(condition, first, second)


def largest(a: sp.Expr) -> sp.Expr:
    """The largest component of `a`, a scalar, for shifts."""
    return Largest(a)


def matmul(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    """The last axis of `left` against the first of `right`."""
    n_left, n_right = _rank(left), _rank(right)
    if not (n_left and n_right):
        raise LanguageError(
            f"{left} @ {right}: both sides of @ need an axis; use scale for a scalar"
        )
    a, b = LETTERS[:n_left], LETTERS[n_left - 1 : n_left + n_right - 1]
    return Contract(f"{a},{b}->{a[:-1]}{b[1:]}", left, right)


def outer(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    """All products of a component of `left` with one of `right`: v kᵀ for two vectors."""
    n_left, n_right = _rank(left), _rank(right)
    a, b = LETTERS[:n_left], LETTERS[n_left : n_left + n_right]
    return Contract(f"{a},{b}->{a}{b}", left, right)


def dot(left: sp.Expr, right: sp.Expr) -> sp.Expr:
    """The sum of the products of equal components, a scalar."""
    letters = LETTERS[: _rank(left)]
    return Contract(f"{letters},{letters}->", left, right)


def total(a: sp.Expr) -> sp.Expr:
    """The sum of all components, a scalar."""
    return Contract(f"{LETTERS[: _rank(a)]}->", a)


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


def constant_factor(expression: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """A product as its plain numbers and sizes, and the rest."""
    factors = sp.Mul.make_args(expression)
    constants = [factor for factor in factors if not factor.has(TensorSymbol, Identity, Ones)]
    return sp.Mul(*constants), sp.Mul(*(factor for factor in factors if factor not in constants))


def axes_of(expression: sp.Expr) -> tuple[str, ...] | None:
    """The axes of an expression; None for a plain number, which fits everywhere.

    Raises:
        LanguageError: two parts that are added, multiplied or compared have different axes.
    """
    if isinstance(expression, TensorSymbol | Contract):
        return expression.axes
    if isinstance(expression, Identity):
        return (expression.axis, expression.axis)
    if isinstance(expression, Ones):
        return (expression.axis,)
    if isinstance(expression, Largest):
        axes_of(expression.args[0])
        return ()
    found: tuple[str, ...] | None = None
    first: sp.Expr | None = None
    for part in expression.args:
        axes = axes_of(part)
        if axes is None:
            continue
        if found is None:
            found, first = axes, part
        elif axes != found:
            raise LanguageError(
                f"axes do not agree: {_described(first, found)} with {_described(part, axes)}"
            )
    return found


def _rank(expression: sp.Expr) -> int:
    """How many axes an expression has, without checking that they agree."""
    if isinstance(expression, TensorSymbol):
        return len(expression.axes)
    if isinstance(expression, Contract):
        return len(expression.letters[1])
    if isinstance(expression, Identity | Ones | Largest):
        return len(axes_of(expression) or ())
    return max((_rank(part) for part in expression.args), default=0)


def _described(expression: sp.Expr | None, axes: tuple[str, ...]) -> str:
    text = str(expression)
    return f"{text if len(text) <= 60 else text[:57] + '...'} has axes ({', '.join(axes)})"


def _parse_signature(text: str, count: int) -> tuple[list[str], str]:
    left, arrow, output = text.partition("->")
    inputs = left.split(",")
    if not arrow or len(inputs) != count:
        raise LanguageError(f"signature {text!r}: expected {count} operands and an arrow")
    for letters in (*inputs, output):
        if len(set(letters)) != len(letters) or any(letter not in LETTERS for letter in letters):
            raise LanguageError(
                f"signature {text!r}: {letters!r} must be distinct letters; take a diagonal by "
                "contracting with Identity"
            )
    if missing := set(output) - set("".join(inputs)):
        raise LanguageError(
            f"signature {text!r}: output letter {min(missing)!r} is no operand's; broadcast with "
            "Ones"
        )
    return inputs, output


def _letter_axes(node: Contract, inputs: Iterable[str]) -> Mapping[str, str]:
    """The axis each letter stands for."""
    found: dict[str, str] = {}
    first: dict[str, sp.Expr] = {}
    for letters, operand in zip(inputs, node.operands, strict=True):
        axes = axes_of(operand) or ()
        if len(axes) != len(letters):
            raise LanguageError(
                f"signature {node.signature!r}: {letters!r} names {len(letters)} axes, but "
                f"{_described(operand, axes)}"
            )
        for letter, axis in zip(letters, axes, strict=True):
            if found.setdefault(letter, axis) != axis:
                raise LanguageError(
                    f"axes do not agree: {first[letter]} has {found[letter]} where {operand} has "
                    f"{axis} (letter {letter} of {node.signature})"
                )
            first.setdefault(letter, operand)
    return found


def _merge_products(inputs: list[str], terms: list[sp.Expr]) -> tuple[list[str], list[sp.Expr]]:
    """Put the factors of an inner product that sums nothing in its place: β (e kᵀ) is β e kᵀ."""
    letters: list[str] = []
    merged: list[sp.Expr] = []
    for outside, term in zip(inputs, terms, strict=True):
        if isinstance(term, Contract):
            inner, result = term.letters
            if set("".join(inner)) == set(result):
                rename = dict(zip(result, outside, strict=True))
                letters += ["".join(rename[letter] for letter in part) for part in inner]
                merged += term.operands
                continue
        letters.append(outside)
        merged.append(term)
    return letters, merged


def _drop_identities(
    inputs: list[str], output: str, terms: list[sp.Expr]
) -> tuple[list[str], list[sp.Expr]]:
    """Carry out the sums over an index of an identity matrix; a one times something is dropped."""
    k = 0
    while k < len(terms) and len(terms) > 1:
        others = "".join(letters for n, letters in enumerate(inputs) if n != k)
        if isinstance(terms[k], Ones) and inputs[k] in others:
            del inputs[k], terms[k]
            k = -1
        elif isinstance(terms[k], Identity):
            first, second = tuple(inputs[k])
            for kept, summed in ((first, second), (second, first)):
                if summed not in output and summed in others and kept not in others:
                    del inputs[k], terms[k]
                    inputs = [letters.replace(summed, kept) for letters in inputs]
                    k = -1
                    break
        k += 1
    return inputs, terms


def _canonical_letters(inputs: Iterable[str], output: str) -> str:
    """Rename the letters in order of appearance, so that equal contractions are equal nodes."""
    text = ",".join(inputs) + "->" + output
    order = dict.fromkeys(letter for letter in text if letter.isalpha())
    names = dict(zip(order, LETTERS, strict=False))
    return "".join(names.get(letter, letter) for letter in text)
