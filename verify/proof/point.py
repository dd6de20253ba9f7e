"""A random point of a program in the field, and the derivatives there by dual numbers.

Dual numbers are pushed through the definition as it is written, one direction for each component of
each argument: no derived equation takes part. Directions are laid side by side in the batch.

Why this decides identities. A derived program is right when its difference from the derivative of
the definition is zero as a polynomial in the inputs and the functions' values. If it is zero, it is
zero at every point, whatever values the functions take. If it is not, a random point misses that
with probability at most d/p (Schwartz and Zippel; d its total degree, p the prime), and two
different arguments of a function must not meet by accident, which n(n - 1)/2 pairs do with
probability at most d'/p each. `error_probability` adds the two up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from equations.language import Select, TensorSymbol, ramp
from equations.program import Program
from verify.arithmetic.degrees import NUMBER, VARIABLE, Degree, Degrees
from verify.arithmetic.dual import Dual, Duals
from verify.arithmetic.field import PRIME, Field, Residues
from verify.interpret import Arithmetic, Values, evaluate
from verify.proof.expansion import fact_residuals

Array = Any


@dataclass(frozen=True)
class Source:
    """Where derived programs take their inputs from: a point, or degrees in place of numbers.

    Attributes:
        arithmetic, sizes: what a number is, and the length of each axis.
        values, directions, along_facts: by the argument of the definition.
        cotangents: by the result of the definition.
        zero: a zero of the arithmetic, without axes.
    """

    arithmetic: Arithmetic
    sizes: Mapping[str, int]
    values: Mapping[str, Array]
    directions: Mapping[str, Array]
    along_facts: Mapping[str, Array]
    cotangents: Mapping[str, Array]
    zero: Array


class _Variables(dict[str, Degree]):
    """A variable under every name."""

    def __missing__(self, name: str) -> Degree:
        return VARIABLE


class FreeShifts(Duals):
    """Dual numbers in which a largest component has an arbitrary slope.

    Results are independent of a shift, so any slope will do, and an arbitrary one shows where they
    are not.
    """

    def __init__(self, below: Arithmetic, slope: Callable[[Array], Array]) -> None:
        """Draw the slope from `slope`, given the value."""
        super().__init__(below)
        self.slope = slope

    def largest(self, value: Array, axes: tuple[int, ...]) -> Array:
        """The largest component of the values, with the slope drawn for it."""
        found = super().largest(value, axes)
        return Dual(found, self.slope(found))


class Point:
    """Random arguments of a definition, directions for them, and cotangents for its results.

    Attributes:
        values: by the name of the argument. Parameters are shared by the batch; inputs and states
            have one value for each sample. They satisfy the declared facts.
        directions: for the arguments, of the same shapes.
        along_facts: directions that keep to the facts, for second derivatives: there the first
            derivative has already used them.
        cotangents: by the name of the result.
    """

    def __init__(
        self, definition: Program, sizes: Mapping[str, int], seed: int, batch: int | None = 2
    ) -> None:
        """Draw the point; a batch of None means one sample without a batch axis."""
        self.definition = definition
        self.sizes = sizes
        self.batch = batch
        self.field = Field(seed)
        self._known: dict[tuple[object, ...], Values] = {}
        self.first = FreeShifts(self.field, self._slope)
        self.second = FreeShifts(self.first, self._slope)
        moving = {s.name: self._moving(s) for s in definition.arguments}
        self.directions: dict[str, Residues] = {name: dual.slope for name, dual in moving.items()}
        self._satisfy_facts(moving)
        self.values: dict[str, Residues] = {name: dual.value for name, dual in moving.items()}
        self.along_facts: dict[str, Residues] = {name: dual.slope for name, dual in moving.items()}
        self.cotangents: dict[str, Residues] = {
            s.name: self.draw(s, shared=False) for s in definition.results
        }

    def shape(self, symbol: TensorSymbol) -> tuple[int, ...]:
        """The lengths of the axes of a symbol."""
        return tuple(self.sizes[axis] for axis in symbol.axes)

    def shared(self, symbol: TensorSymbol) -> bool:
        """Whether the samples of the batch share an argument."""
        return self.batch is None or symbol.role == "parameter"

    def draw(self, symbol: TensorSymbol, *, shared: bool) -> Residues:
        """A random value for a symbol, one for each sample unless it is shared."""
        leading = () if shared or self.batch is None else (self.batch,)
        return self.field.draw(*leading, *self.shape(symbol))

    def cotangents_of(self, wrt: tuple[TensorSymbol, ...]) -> Values:
        """The cotangents of arguments, summed over the batch where it shares the argument."""
        return self._kept(("cotangents", *wrt), lambda: self._cotangents_of(wrt))

    def curvatures_of(self, wrt: tuple[TensorSymbol, ...]) -> Values:
        """The derivative of those cotangents along the facts, the results' held fixed."""
        return self._kept(("curvatures", *wrt), lambda: self._curvatures_of(wrt))

    def tangents(self, moving: Iterable[str]) -> Values:
        """The derivative of every result when the arguments `moving` go along their directions."""
        moving = frozenset(moving)
        return self._kept(("tangents", moving), lambda: self._tangents(moving))

    def jacobian(self, of: TensorSymbol, by: TensorSymbol) -> Residues:
        """The derivative of a result by an argument: batch, axes of `of`, axes of `by`."""
        kept = self._kept(("jacobian", of, by), lambda: {of.name: self._jacobian(of, by)})
        slope: Residues = kept[of.name]
        return slope

    def _kept(self, key: tuple[object, ...], make: Callable[[], Values]) -> Values:
        """A derivative, pushed through the definition the first time it is asked for."""
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    def _cotangents_of(self, wrt: tuple[TensorSymbol, ...]) -> Values:
        slopes = {name: dual.slope for name, dual in self._pushed(wrt, curved=False).items()}
        return self._against_cotangents(wrt, slopes)

    def _curvatures_of(self, wrt: tuple[TensorSymbol, ...]) -> Values:
        slopes = {name: dual.slope.slope for name, dual in self._pushed(wrt, curved=True).items()}
        return self._against_cotangents(wrt, slopes)

    def _tangents(self, moving: frozenset[str]) -> Values:
        values: Values = {
            name: Dual(value, self.directions[name] if name in moving else value * 0)
            for name, value in self.values.items()
        }
        known = evaluate(self.definition, values, self.sizes, self.first)
        return {s.name: _slope_of(known[s.name]) for s in self.definition.results}

    def _jacobian(self, of: TensorSymbol, by: TensorSymbol) -> Residues:
        slope: Residues = self._pushed((by,), curved=False)[of.name].slope
        words = np.moveaxis(self._by_direction(slope).words, 0, -1)
        leading = () if self.batch is None else (self.batch,)
        return Residues(words.reshape((*leading, *self.shape(of), *self.shape(by))))

    def error_probability(
        self, order: int, derived: Callable[[Source], Iterable[Array]]
    ) -> Fraction:
        """A bound on the chance that a false identity holds here by accident.

        Args:
            order: how often the definition is differentiated by dual numbers.
            derived: computes, from any source, the values that are compared with those derivatives.
        """
        degrees = Degrees(max((*self.sizes.values(), self.batch or 1)))
        arithmetic: Any = degrees
        variable: Any = VARIABLE
        for _ in range(order):
            arithmetic = Duals(arithmetic)
            variable = Dual(variable, variable)
        arguments = dict.fromkeys((s.name for s in self.definition.arguments), variable)
        known = evaluate(self.definition, arguments, self.sizes, arithmetic)
        values = [known[s.name] for s in self.definition.results]
        free = _Variables()
        values += derived(Source(degrees, self.sizes, free, free, free, free, NUMBER))
        extents = [_extent(value) for value in values]
        top, bottom = (max(part) for part in zip(*extents, strict=True))
        # The slopes are contracted with cotangents and summed over the samples; the difference of
        # two such fractions has at most twice the degree.
        terms = (self.batch or 1) * sum(
            int(np.prod(self.shape(s), dtype=int)) for s in self.definition.results
        )
        difference = 2 * (terms * (top + bottom) + 1)
        n = len(self.field.answers)
        meetings = n * (n - 1) * degrees.of_arguments
        return Fraction(difference + meetings, PRIME - 2 * terms * bottom)

    @property
    def source(self) -> Source:
        """The point as what programs are computed from."""
        return Source(
            self.field,
            self.sizes,
            self.values,
            self.directions,
            self.along_facts,
            self.cotangents,
            Residues.of(0),
        )

    @property
    def has_kinks(self) -> bool:
        """Whether the definition takes branches: the bound is then for the branches drawn."""
        return any(equation.value.has(Select, ramp) for equation in self.definition)

    def _slope(self, value: Array) -> Array:
        """An arbitrary slope for the largest component, of the kind and shape of its value."""
        if isinstance(value, Dual):
            return Dual(self._slope(value.value), self._slope(value.slope))
        return self.field.draw(*value.shape)

    def _moving(self, symbol: TensorSymbol) -> Dual:
        shared = self.shared(symbol)
        return Dual(self.draw(symbol, shared=shared), self.draw(symbol, shared=shared))

    def _satisfy_facts(self, moving: dict[str, Dual]) -> None:
        """Solve each fact for one component of an argument in which it is linear."""
        for residual in fact_residuals(self.definition):
            used = residual.equations[-1].value.atoms(TensorSymbol)
            symbol = next((s for s in self.definition.arguments if s in used and s.axes), None)
            if symbol is not None:
                moving |= self._solved(residual, symbol, moving)
            left = evaluate(residual, moving, self.sizes, self.first)[residual.results[0].name]
            if left.value.words.any() or left.slope.words.any():
                raise NotImplementedError(
                    f"{self.definition.name}: a fact is not linear in a component of an argument"
                )

    def _solved(
        self, residual: Program, symbol: TensorSymbol, moving: dict[str, Dual]
    ) -> dict[str, Dual]:
        """The argument with its last component moved to where a scalar residual is zero."""
        unit = np.zeros(self.shape(symbol), dtype=np.uint64)
        unit[(-1,) * unit.ndim] = 1
        last = Residues(unit)
        name = residual.results[0].name

        def at(value: Dual) -> Dual:
            found = evaluate(residual, {**moving, symbol.name: value}, self.sizes, self.first)
            dual: Dual = found[name]
            return dual

        start = moving[symbol.name]
        here = at(start)
        slope = at(start + last) + here * -1
        step = here * self.first.reciprocal(slope) * -1
        ones = (1,) * len(symbol.axes)
        wide = Dual(
            step.value.reshape(*step.value.shape, *ones),
            step.slope.reshape(*step.slope.shape, *ones),
        )
        return {symbol.name: start + wide * last}

    def _pushed(self, wrt: tuple[TensorSymbol, ...], *, curved: bool) -> dict[str, Dual]:
        """The results along every unit direction of `wrt`, side by side in the batch."""
        count = sum(int(np.prod(self.shape(symbol), dtype=int)) for symbol in wrt)
        arithmetic = self.second if curved else self.first
        values: Values = {}
        start = 0
        for symbol in self.definition.arguments:
            shape = self.shape(symbol)
            value = self._repeated(self.values[symbol.name], symbol, count)
            unit = np.zeros(value.shape, dtype=np.uint64).reshape((count, -1, *shape))
            if symbol in wrt:
                for index in np.ndindex(shape):
                    unit[(start, slice(None), *index)] = 1
                    start += 1
            slope: Array = Residues(unit.reshape(value.shape))
            inner: Array = value
            if curved:
                inner = Dual(value, self._repeated(self.along_facts[symbol.name], symbol, count))
                slope = Dual(slope, slope * 0)
            values[symbol.name] = Dual(inner, slope)
        known = evaluate(self.definition, values, self.sizes, arithmetic)
        return {s.name: _as_dual(known[s.name], curved=curved) for s in self.definition.results}

    def _repeated(self, value: Residues, symbol: TensorSymbol, count: int) -> Residues:
        """The value once for each direction and sample, along one leading axis."""
        samples = self.batch or 1
        shape = self.shape(symbol)
        wide = value.reshape(1, -1, *shape).broadcast_to((count, samples, *shape))
        return wide.reshape(count * samples, *shape)

    def _by_direction(self, slope: Residues) -> Residues:
        """Directions and samples on axes of their own, the samples dropped without a batch."""
        samples = self.batch or 1
        split = slope.reshape(-1, samples, *slope.shape[1:])
        return split[:, 0] if self.batch is None else split

    def _against_cotangents(
        self, wrt: tuple[TensorSymbol, ...], slopes: Mapping[str, Residues]
    ) -> Values:
        """Contract the results' slopes with their cotangents, and hand out by argument."""
        samples = 0 if self.batch is None else 1
        parts = []
        for name, slope in slopes.items():
            product = self._by_direction(slope) * self.cotangents[name]
            axes = tuple(range(1 + samples, product.ndim))
            parts.append(product.sum(axes) if axes else product)
        by_direction = reduce(lambda a, b: a + b, parts)
        found: Values = {}
        start = 0
        for symbol in (s for s in self.definition.arguments if s in wrt):
            shape = self.shape(symbol)
            stop = start + int(np.prod(shape, dtype=int))
            block = Residues(np.moveaxis(by_direction.words[start:stop], 0, -1))
            block = block.reshape(*block.shape[:-1], *shape)
            summed = samples and self.shared(symbol)
            found[symbol.name] = block.sum(0) if summed else block
            start = stop
        return found


def _slope_of(value: Array) -> Residues:
    slope: Residues = value.slope if isinstance(value, Dual) else value * 0
    return slope


def _as_dual(value: Array, *, curved: bool) -> Dual:
    """A result that depends on no argument, as a dual number all the same."""
    if isinstance(value, Dual):
        return value
    zero = value * 0
    return Dual(Dual(value, zero), Dual(zero, zero)) if curved else Dual(value, zero)


def _extent(value: Array) -> tuple[int, int]:
    """The largest degrees in a value and its slopes."""
    if isinstance(value, Dual):
        (a, b), (c, d) = _extent(value.value), _extent(value.slope)
        return max(a, c), max(b, d)
    return value.top, value.bottom
