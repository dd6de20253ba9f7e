"""Proof by expansion: every component at small sizes, scalar derivatives, an exact zero test.

The definition is written out as SymPy expressions of its components, and each component of each
result is differentiated by each component of each argument. The derived program is evaluated in
polynomials over the same inputs, and the difference must be the zero polynomial (see
`verify.arithmetic.polynomials`).

What holds then holds for all real inputs at the sizes expanded. That it holds at all sizes is an
argument, not a proof: a contraction is the same sum of products whatever the length of its axes, so
a wrong letter, sign, factor or operand shows as soon as each axis has a length of its own, two or
more. Where a definition has a kink, each branch is differentiated, as on either side of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from equations.language import TensorSymbol, axes_of
from equations.program import Equation, Program
from verify.arithmetic.dual import Dual, Duals
from verify.arithmetic.polynomials import Polynomial, Polynomials, Ring, TooLargeError, component
from verify.arithmetic.symbols import Conversion, Symbols, derivative
from verify.interpret import Arithmetic, Values, evaluate
from verify.proof.meaning import Demand, Given, demands, given

Array = Any
Solved = list[tuple[int, Polynomial]]
"""Generators with the polynomials that facts replace them by."""


class Expansion:
    """A definition written out at given sizes, with its derivatives by every component."""

    def __init__(self, definition: Program, forward: Program, sizes: Mapping[str, int]) -> None:
        """Expand `definition`; values that derived programs read are those of `forward`.

        Raises:
            NotImplementedError: a declared fact is not linear in a component of an argument.
        """
        self.sizes = sizes
        self.ring = Ring()
        self.polynomials = Polynomials(self.ring)
        self.shifts = tuple(e.symbol for e in definition if e.symbol.role == "shift")
        self.definition = definition
        self.free = _free(definition, self.shifts)
        self.generators: Values = {
            symbol.name: self.polynomials.free(symbol.name, self.shape(symbol))
            for symbol in self.free.arguments
        }
        self.symbols = {name: _symbols(name, value) for name, value in self.generators.items()}
        self.convert = Conversion(
            self.ring,
            {
                symbol: generator
                for name, array in self.symbols.items()
                for symbol, generator in zip(
                    np.ravel(array), np.ravel(self.generators[name]), strict=True
                )
            },
        )
        self.results = evaluate(self.free, self.symbols, sizes, Symbols())
        self.values = evaluate(
            _free(forward, self.shifts), self.generators, sizes, self.polynomials
        )
        self._name_values(forward)
        self._seeds: Values = {}
        self.facts = self.solved_facts()
        self._derivatives: dict[tuple[str, str], Array] = {}
        self.curvatures: dict[tuple[str, str], Array] = {}

    def shape(self, symbol: TensorSymbol) -> tuple[int, ...]:
        """The lengths of the axes of a symbol."""
        return tuple(self.sizes[axis] for axis in symbol.axes)

    def derivative(self, of: str, by: str) -> Array:
        """∂of/∂by for a result and an argument or shift, with the axes of `of` and then of `by`."""
        if (of, by) not in self._derivatives:
            values: Array = np.asarray(self.results[of], dtype=object)
            symbols: Array = np.asarray(self.symbols[by], dtype=object)
            found = np.empty((*values.shape, *symbols.shape), dtype=object)
            for i in np.ndindex(values.shape):
                for j in np.ndindex(symbols.shape):
                    found[i + j] = self.convert(derivative(values[i], symbols[j]))
            self._derivatives[of, by] = found
        return self._derivatives[of, by]

    def refutations(self, derived: Program) -> Iterator[str]:
        """The components of a derived program that differ from the definition's derivatives.

        A program whose expansion is too large, as a wrong one can be, is not proved: that is said
        in the place of a component.
        """
        try:
            yield from self._refutations(derived)
        except TooLargeError as error:
            yield f"{derived.name}: not decided, the expansion is too large ({error})"

    def _refutations(self, derived: Program) -> Iterator[str]:
        derived = _free(derived, self.shifts)
        extra = given(derived, self.values)
        known = dict(self.values)
        for symbol in (*itertools.chain(*extra.cotangents.values()), *extra.tangents.values()):
            known[symbol.name] = self._generators_of(symbol)
        found = evaluate(derived, known, self.sizes, self.polynomials)
        truth = _Truth(self, extra, known)
        for demand in demands(derived, self.definition):
            value = found[demand.symbol.name]
            yield from self._compare(demand, value, truth.of(demand), truth.facts_for(demand))

    def dependences(self, shift: TensorSymbol) -> Iterator[str]:
        """The components of results that depend on a shift, each with its derivative."""
        for result in self.definition.results:
            slopes = self.derivative(result.name, shift.name)
            for index in np.ndindex(slopes.shape):
                if not self.ring.is_zero(slopes[index], self.facts):
                    split = len(result.axes)
                    of = component(result.name, index[:split])
                    by = component(shift.name, index[split:])
                    yield f"∂{of}/∂{by} = {self.ring.describe(slopes[index])}"

    def _generators_of(self, symbol: TensorSymbol) -> Array:
        """Variables for a cotangent or a tangent, the same for every program that reads it."""
        if symbol.name not in self._seeds:
            self._seeds[symbol.name] = self.polynomials.free(symbol.name, self.shape(symbol))
        return self._seeds[symbol.name]

    def _compare(self, demand: Demand, found: Array, truth: Array, facts: Solved) -> Iterator[str]:
        found, truth = np.asarray(found, dtype=object), np.asarray(truth, dtype=object)
        if found.shape != truth.shape:
            yield f"{demand.symbol}: shape {found.shape}, expected {truth.shape}"
            return
        for index in np.ndindex(truth.shape):
            difference = found[index] + truth[index] * -1
            if not self.ring.is_zero(difference, facts):
                name = component(demand.symbol.name, index)
                yield f"{name}: derived minus true is {self.ring.describe(difference)}"

    def _name_values(self, forward: Program) -> None:
        """Print the value of a function by its name in the equations, as in `u[0]`."""
        for equation in forward:
            value = np.asarray(self.values[equation.symbol.name], dtype=object)
            if not isinstance(equation.value, TensorSymbol):
                for index in np.ndindex(value.shape):
                    self.ring.rename(value[index], component(equation.symbol.name, index))

    def solved_facts(self, directions: Values | None = None) -> Solved:
        """The declared facts, each solved for a component of an argument.

        With directions, also what the facts say of them: a direction stays where the facts hold.
        """
        solved: Solved = []
        arguments: Values = self.generators
        arithmetic: Arithmetic = self.polynomials
        if directions is not None:
            arithmetic = Duals(self.polynomials)
            arguments = {
                name: Dual(value, directions.get(name, value * 0))
                for name, value in self.generators.items()
            }
        for residual in fact_residuals(self.free):
            known = evaluate(residual, arguments, self.sizes, arithmetic)
            value = known[residual.results[0].name]
            parts = (value.value, value.slope) if isinstance(value, Dual) else (value,)
            for relation in itertools.chain(*(np.ravel(part) for part in parts)):
                if self.ring.is_zero(relation, solved):
                    continue
                solution = self.ring.solved(relation)
                if solution is None:
                    raise NotImplementedError(
                        f"{self.definition.name}: a fact is linear in no component of an argument"
                    )
                solved.append(solution)
        return solved


class _Truth:
    """What the results of one derived program must be, from the definition alone."""

    def __init__(self, expansion: Expansion, extra: Given, known: Values) -> None:
        self.expansion = expansion
        self.extra = extra
        self.known = known

    def of(self, demand: Demand) -> Array:
        """The derivative of the definition that a result must equal."""
        return {
            "value": self._value,
            "cotangent": self._cotangent,
            "tangent": self._tangent,
            "jacobian": lambda demand: self.expansion.derivative(demand.of, demand.by),
            "curvature": self._curvature,
        }[demand.sort](demand)

    def facts_for(self, demand: Demand) -> Solved:
        """First order holds in every direction, second order in those that keep to the facts."""
        if demand.sort != "curvature":
            return self.expansion.facts
        return self._moving_facts

    @cached_property
    def _moving_facts(self) -> Solved:
        directions = {name: self.known[s.name] for name, s in self.extra.tangents.items()}
        return self.expansion.solved_facts(directions)

    def _value(self, demand: Demand) -> Array:
        convert = np.frompyfunc(self.expansion.convert, 1, 1)
        return convert(self.expansion.results[demand.of])

    def _cotangent(self, demand: Demand) -> Array:
        truth = self._zeros(self.expansion.symbols[demand.of])
        for name, parts in self.extra.cotangents.items():
            seed = np.asarray(sum(self.known[part.name] for part in parts), dtype=object)
            slopes = self.expansion.derivative(name, demand.of)
            truth = truth + np.tensordot(seed, slopes, seed.ndim)
        return truth

    def _tangent(self, demand: Demand) -> Array:
        truth = self._zeros(self.expansion.results[demand.of])
        for name, symbol in self.extra.tangents.items():
            moved = np.asarray(self.known[symbol.name], dtype=object)
            slopes = self.expansion.derivative(demand.of, name)
            truth = truth + np.tensordot(slopes, moved, moved.ndim)
        return truth

    def _curvature(self, demand: Demand) -> Array:
        """The derivative by the argument of how the loss changes along the directions."""
        here = self.expansion
        key = (demand.of, repr(self.extra))
        if key not in here.curvatures:
            symbols: Array = np.asarray(here.symbols[demand.of], dtype=object)
            truth = np.empty(symbols.shape, dtype=object)
            for index in np.ndindex(symbols.shape):
                truth[index] = here.convert(derivative(self._change_of_loss, symbols[index]))
            here.curvatures[key] = truth
        return here.curvatures[key]

    @cached_property
    def _change_of_loss(self) -> sp.Expr:
        """The derivative of Σ cotangent · result along the directions.

        Taking it before the derivative by the arguments, and not after, is the same: the order of
        two partial derivatives does not matter, and directions and cotangents are held fixed.
        """
        here = self.expansion
        step = sp.Symbol("step")
        moved = dict(here.symbols)
        for name, symbol in self.extra.tangents.items():
            moved[name] = moved[name] + step * self._symbols_for(symbol)
        results = evaluate(here.free, moved, here.sizes, Symbols())
        loss = sp.S.Zero
        for name, parts in self.extra.cotangents.items():
            for part in parts:
                loss += np.sum(np.asarray(results[name]) * self._symbols_for(part))
        return derivative(loss, step).xreplace({step: sp.S.Zero})

    def _symbols_for(self, symbol: TensorSymbol) -> Array:
        """SymPy symbols that convert to the variables of a cotangent or tangent."""
        generators = self.known[symbol.name]
        symbols = _symbols(symbol.name, generators)
        pairs = zip(np.ravel(symbols), np.ravel(generators), strict=True)
        self.expansion.convert.known.update(pairs)
        return symbols

    def _zeros(self, like: Array) -> Array:
        return np.full(np.shape(like), 0, dtype=object)


def fact_residuals(definition: Program) -> Iterator[Program]:
    """For each declared fact, a program that computes left minus right: zero where it holds."""
    for fact in definition.facts:
        value = fact.left - fact.right
        symbol = TensorSymbol("residual_of_the_fact", axes_of(value) or ())
        equations = (*definition.equations, Equation(symbol, value))
        yield Program(f"fact of {definition.name}", definition.arguments, equations, (symbol,))


def _free(program: Program, shifts: tuple[TensorSymbol, ...]) -> Program:
    """The program with its shifts as arguments: free variables instead of equations."""
    equations = tuple(e for e in program.equations if e.symbol not in shifts)
    moved = tuple(s for s in shifts if program.value_of(s) is not None)
    arguments = (*program.arguments, *moved)
    return replace(program, arguments=arguments, equations=equations)


def _symbols(name: str, generators: Array) -> Array:
    """SymPy symbols for the components of an argument, one for each generator."""
    if np.ndim(generators) == 0:
        return sp.Symbol(name)
    array = np.empty(np.shape(generators), dtype=object)
    for index in np.ndindex(array.shape):
        array[index] = sp.Symbol(component(name, index))
    return array
