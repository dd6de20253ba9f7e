"""The nodes above the leaves, and the rule of axes that SymPy does not check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sympy as sp
from sympy.core.relational import Relational
from sympy.core.symbol import Str

from equations.language.leaves import LETTERS, Identity, LanguageError, Ones, TensorSymbol


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

    @property
    def cases(self) -> tuple[tuple[Relational, ...], sp.Expr, sp.Expr]:
        """The conditions that must all hold, the value where they do, and the other value.

        A selection in a selection with the same other value asks for both conditions.
        """
        condition, first, second = self.args
        if isinstance(first, Select) and first.args[2] == second:
            more, first, _ = first.cases
            return (condition, *more), first, second
        return (condition,), first, second

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


class ramp(sp.Function):  # type: ignore[misc]  # noqa: N801 - SymPy names functions as they print
    """`ramp(a, slope, offset, low, high)`: the line slope a + offset, kept within [low, high].

    Numbers all but the first. The derivative is the slope strictly between the ends, and 0 beyond
    them and at them.

    Raises:
        LanguageError: a slope or an end is no number, the slope is 0, or low is not below high.
    """

    nargs = 5
    is_real = True

    @classmethod
    def eval(cls, argument: sp.Expr, *numbers: sp.Expr) -> sp.Expr | None:
        """The value at a number; everything else stays symbolic."""
        slope, offset, low, high = numbers
        if not all(number.is_number and number.is_finite for number in numbers):
            raise LanguageError(f"a ramp has numbers for its slope and its ends, got {numbers}")
        if slope == 0 or not low < high:
            raise LanguageError(f"a ramp rises or falls between two ends, got {numbers}")
        if argument.is_number:
            return sp.Min(sp.Max(slope * argument + offset, low), high)
        return None

    @property
    def line(self) -> sp.Expr:
        """What it is between its ends."""
        argument, slope, offset, *_ = self.args
        return slope * argument + offset

    @property
    def selection(self) -> sp.Expr:
        """What it is to first order: the line where the value is between its ends, else constant.

        The masks read the value, which is at hand wherever a derivative is taken.
        """
        argument, slope, _, low, high = self.args
        inside = Select(sp.Lt(self, high, evaluate=False), slope * argument, sp.S.Zero)
        return Select(sp.Gt(self, low, evaluate=False), inside, sp.S.Zero)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """No factor: a mask selects, it does not multiply."""
        del argindex
        raise LanguageError(
            f"{self} has a kink at either end; differentiate the program with "
            "equations.derive.reverse or equations.derive.tangent"
        )


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
    if (own := getattr(expression, "axes", None)) is not None:
        return tuple(own)
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
            hint = _hint(expression, (first, found), (part, axes))
            raise LanguageError(
                f"axes do not agree: {_described(first, found)} with {_described(part, axes)}{hint}"
            )
    return found


def rank(expression: sp.Expr) -> int:
    """How many axes an expression has, without checking that they agree."""
    if isinstance(expression, TensorSymbol):
        return len(expression.axes)
    if isinstance(expression, Contract):
        return len(expression.letters[1])
    if isinstance(expression, Identity | Ones | Largest):
        return len(axes_of(expression) or ())
    return max((rank(part) for part in expression.args), default=0)


def _described(expression: sp.Expr | None, axes: tuple[str, ...]) -> str:
    text = shown(expression)
    return f"{text if len(text) <= 60 else text[:57] + '...'} has axes ({', '.join(axes)})"


def shown(expression: sp.Expr | None) -> str:
    """An expression in a message: as the papers print it, a single symbol by its own name."""
    # Printing is built on this language.
    from equations.order import Order  # noqa: PLC0415
    from equations.printing import expression as printed  # noqa: PLC0415

    if expression is None or isinstance(expression, TensorSymbol) or expression.is_Number:
        return str(expression)
    try:
        return printed(expression, Order({}), "unicode")
    except (LanguageError, NotImplementedError):  # what is wrong in it cannot be printed either
        return str(expression)


def _hint(whole: sp.Expr, *sides: tuple[sp.Expr | None, tuple[str, ...]]) -> str:
    """What to write where a scalar meets a tensor."""
    scalar, other = sorted(sides, key=lambda side: len(side[1]))
    if scalar[1] or not isinstance(whole, sp.Add | sp.Mul):
        return ""
    if isinstance(whole, sp.Mul):
        return f"; use scale({shown(scalar[0])}, {shown(other[0])})"
    axes = "".join(f", {axis!r}" for axis in other[1])
    return f"; use broadcast({shown(scalar[0])}{axes})"


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
                    f"axes do not agree: {shown(first[letter])} has {found[letter]} where "
                    f"{shown(operand)} has {axis}"
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
