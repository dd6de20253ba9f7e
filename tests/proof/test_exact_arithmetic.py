"""The exact arithmetics themselves: polynomials, the prime field, dual numbers, degrees."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from verify.arithmetic.degrees import VARIABLE, Degree, Degrees
from verify.arithmetic.dual import Dual, Duals
from verify.arithmetic.field import PRIME, Field, Residues
from verify.arithmetic.polynomials import (
    MAX_DEGREE,
    Polynomial,
    Ring,
    TooLargeError,
    polynomial,
)
from verify.arithmetic.symbols import OPAQUE, Conversion, lemmas

EDGES = [
    0,
    1,
    2,
    (1 << 30) - 1,
    1 << 30,
    (1 << 31) - 1,
    1 << 31,
    (1 << 60) + 7,
    PRIME - 2,
    PRIME - 1,
]


def residues(values: list[int]) -> Residues:
    """The numbers as an array."""
    return Residues(np.array(values, dtype=np.uint64))


def test_the_field_computes_as_integers_do() -> None:
    """Sum, difference, product, negative and inverse, at the edges of the representation too."""
    drawn = np.random.default_rng(0).integers(PRIME, size=30)
    values = EDGES + [int(number) for number in drawn]
    pairs = list(itertools.product(values, repeat=2))
    a, b = residues([x for x, _ in pairs]), residues([y for _, y in pairs])
    assert (a + b).words.tolist() == [(x + y) % PRIME for x, y in pairs]
    assert (a - b).words.tolist() == [(x - y) % PRIME for x, y in pairs]
    assert (a * b).words.tolist() == [x * y % PRIME for x, y in pairs]
    assert (-a).words.tolist() == [-x % PRIME for x, _ in pairs]
    assert (a * -3 + 5).words.tolist() == [(5 - 3 * x) % PRIME for x, _ in pairs]
    assert a.sum(0).words == sum(x for x, _ in pairs) % PRIME
    units = residues([x for x in values if x])
    assert (units * units.inverse()).words.tolist() == [1] * len(units.words)
    with pytest.raises(ZeroDivisionError):
        a.inverse()


@pytest.mark.parametrize(
    "signature", ["ij,j->i", "i,j->ij", "ij,i->j", "Bi,ij,Bj->B", "ij->", ",i->i"]
)
def test_contractions_in_the_field(signature: str) -> None:
    """A contraction is the sum of products that NumPy takes over Python's integers."""
    field = Field(1)
    lengths = dict(zip("Bij", (2, 3, 4), strict=True))
    operands = [
        field.draw(*(lengths[letter] for letter in part))
        for part in signature.split("->", maxsplit=1)[0].split(",")
    ]
    exact = np.einsum(signature, *(x.words.astype(object) for x in operands))
    found = field.einsum(signature, *operands)
    assert np.array_equal(found.words.astype(object), np.asarray(exact) % PRIME)


def test_oracles_repeat_their_answers() -> None:
    """Equal arguments have equal values; another function or argument has another value."""
    field = Field(2)
    a = residues([5, 6, 5])
    first, second = field.functions["tanh"](a), field.functions["tanh"](a[:1])
    assert first.words[0] == first.words[2] == second.words[0] != first.words[1]
    assert field.functions["exp"](a).words[0] != first.words[0]


def test_signs_are_opposite_for_opposite_numbers() -> None:
    """A > b exactly where b < a and not a <= b; no number is greater than itself."""
    field = Field(3)
    a, b = field.draw(50), field.draw(50)
    greater = field.compare(">", a, b)
    assert np.array_equal(greater, field.compare("<", b, a))
    assert np.array_equal(greater, ~field.compare("<=", a, b))
    assert np.array_equal(greater, ~field.compare(">=", b, a))
    assert not field.compare(">", a, a).any()
    assert 10 < greater.sum() < 40


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "exp", "log", "sqrt"])
def test_dual_numbers_follow_the_textbook(name: str) -> None:
    """Over floats a dual number's slope is the derivative that SymPy knows, twice."""
    from verify.arithmetic.floats import Floats  # noqa: PLC0415 - the one test over floats

    twice = Duals(Duals(Floats()))
    start = Dual(Dual(np.array(0.7), np.array(1.0)), Dual(np.array(1.0), np.array(0.0)))
    found = twice.functions[name](start)
    a = sp.Symbol("a")
    known = 1 / (1 + sp.exp(-a)) if name == "sigmoid" else getattr(sp, name)(a)
    expected = [float(sp.diff(known, a, k).subs(a, 0.7)) for k in range(3)]
    assert np.allclose(
        [found.value.value, found.value.slope, found.slope.slope], expected, rtol=1e-14, atol=0
    )


def test_polynomials_compute_as_sympy_does() -> None:
    """Sums, products and powers with fractions, against SymPy's own expansion."""
    ring = Ring()
    names = ["a", "b", "c"]
    symbols = sp.symbols(names)
    generators = {s: ring.generator(n) for s, n in zip(symbols, names, strict=True)}
    convert = Conversion(ring, generators)
    a, b, c = symbols
    expression = (a + 2 * b - sp.Rational(1, 3)) ** 3 * (c - a) - (a - b) * (a + b)
    assert ring.is_zero(convert(expression) - convert(sp.expand(expression)))
    assert not ring.is_zero(convert(expression) - convert(sp.expand(expression)) - Fraction(1, 7))
    assert ring.describe(convert(2 * a**2 * b - c)) == "2*a^2*b + -1*c"


def test_the_zero_test_knows_three_laws_and_no_other() -> None:
    """s/s = 1, sqrt(s)² = s and an indicator is its square; what is not zero stays so."""
    ring = Ring()
    a, b = ring.generator("a"), ring.generator("b")
    s = ring.apply("exp", a) + ring.apply("exp", b)
    assert ring.is_zero(ring.reciprocal(s) * s - 1)
    assert ring.is_zero(ring.reciprocal(s) * ring.reciprocal(a) - ring.reciprocal(s * a))
    assert not ring.is_zero(ring.reciprocal(s) * a - 1)
    root = ring.apply("sqrt", s)
    assert ring.is_zero(root * root - s)
    assert ring.is_zero(ring.reciprocal(root) * s - root)
    assert not ring.is_zero(root - s)
    mask = ring.apply("positive", a)
    assert ring.is_zero(mask.power(3) - mask)
    assert ring.is_zero(mask * (1 - mask))
    assert not ring.is_zero(mask - 1)
    assert ring.apply("tanh", a + b) is not ring.apply("tanh", a)
    assert ring.is_zero(ring.apply("tanh", a + b) - ring.apply("tanh", b + a))
    assert not ring.is_zero(ring.apply("tanh", a) - ring.apply("sigmoid", a))


def test_a_fact_is_used_only_where_it_is_declared() -> None:
    """y1 + y2 = 1 makes (y1 + y2) a - a zero, and nothing else."""
    ring = Ring()
    a, y1, y2 = (ring.generator(name) for name in ("a", "y1", "y2"))
    fact = ring.solved(y1 + y2 - 1)
    assert fact is not None
    assert ring.is_zero((y1 + y2) * a - a, [fact])
    assert not ring.is_zero((y1 + y2) * a - a)
    assert not ring.is_zero(y1 * a - a, [fact])
    assert ring.solved(y1 * y1 - y2 * y2) is None


def test_polynomials_refuse_what_they_cannot_hold() -> None:
    """An exponent beyond its byte and a product too large to write out are errors, not results."""
    ring = Ring()
    a = ring.generator("a")
    with pytest.raises(OverflowError, match="degree"):
        a.power(MAX_DEGREE + 1)
    wide = Polynomial({1 << (8 * k): 1 for k in range(1001)}, 1)
    with pytest.raises(TooLargeError, match="1001 by 1001"):
        _ = wide * wide
    with pytest.raises(TypeError, match=r"0\.5"):
        Conversion(ring, {})(sp.Float("0.5"))
    assert polynomial(0).number == 0


def test_the_derivative_rules_are_sympys() -> None:
    """Each rule of the opaque functions is proved; a wrong one would leave a difference."""
    assert [difference for _, difference in lemmas()] == [0] * len(OPAQUE)


def test_degrees_bound_what_they_stand_for() -> None:
    """Sums keep the larger degree, products add, fractions exchange, contractions sum."""
    degrees = Degrees(4)
    x = VARIABLE
    assert x * x + x == Degree(2)
    assert degrees.reciprocal(x * x) == Degree(0, 2)
    assert x + degrees.reciprocal(x) == Degree(2, 1)
    assert degrees.einsum("ij,j->i", x, x) == Degree(2)
    assert degrees.einsum("j->", degrees.reciprocal(x)) == Degree(3, 4)
    assert degrees.functions["tanh"](x * x * x) == VARIABLE
    assert degrees.of_arguments == 3
