"""Statements that the gates of many cells share, made for the symbols of one.

    boundaries = (
        *update_gate(u, "Γ_u", keeps=0, state=h, new=h_next, candidate=h_cand, weights=(W_h, U_h)),
        *logistic_gate(u, "Γ_u", W_u),
    )

They save writing, and assume nothing: each is checked for every cell that makes it.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from equations.boundary import Boundary, Saturation, direct, gradient, hvp, jacobian, jvp
from equations.language import Contract, Identity, TensorSymbol, absolute, maximum, minimum
from equations.theorem import Theorem, constant, slope, tangent

Statements = tuple[Boundary | Saturation, ...]
Ends = Mapping[TensorSymbol, int]


def update_gate(
    gate: TensorSymbol,
    name: str,
    *,
    keeps: int,
    state: TensorSymbol,
    new: TensorSymbol,
    candidate: TensorSymbol,
    weights: tuple[TensorSymbol, ...],
) -> Statements:
    """A gate that keeps the state at one end and takes a candidate at the other.

    Args:
        gate: the gate.
        name: as it is printed.
        keeps: its value, 0 or 1, that keeps the state.
        state: the old state.
        new: the new state.
        candidate: what the new state is at the other end.
        weights: the parameters of the candidate.
    """
    kept, taken = {gate: keeps}, {gate: 1 - keeps}
    keep, take = f"{name} = {keeps}", f"{name} = {1 - keeps}"
    return (
        Boundary(f"{keep} copies the state", new, "=", state, at=kept, steps=1000),
        Boundary(
            f"{keep} passes the gradient through unchanged",
            jacobian(new, state),
            "=",
            Identity(*state.axes),
            at=kept,
            steps=1000,
        ),
        Boundary(f"{keep} hands the gradient on", gradient(state), "=", gradient(new), at=kept),
        *(
            Boundary(f"{keep} sends no gradient into {weight}", gradient(weight), "=", 0, at=kept)
            for weight in weights
        ),
        Boundary(f"{keep} leaves no curvature in {state}", hvp(state), "=", 0, at=kept),
        Boundary(f"{take} replaces the state by the candidate", new, "=", candidate, at=taken),
        Boundary(f"{take} leaves no direct path", direct(new, state), "=", 0, at=taken),
    )


def relevance_gate(
    gate: TensorSymbol,
    name: str,
    *,
    taken: Ends,
    when: str,
    state: TensorSymbol,
    new: TensorSymbol,
    candidate: TensorSymbol,
    weights: tuple[TensorSymbol, ...],
) -> Statements:
    """A gate that hides the state from a candidate, a tanh, at 0.

    Args:
        gate: the gate.
        name: as it is printed.
        taken: gates at the ends where the new state is the candidate.
        when: the same in words.
        state: the old state.
        new: the new state.
        candidate: the candidate.
        weights: the recurrent parameters of the candidate, its matrix first.
    """
    nothing, everything = {gate: 0, **taken}, {gate: 1, **taken}
    hidden, total = jacobian(candidate, state), jacobian(new, state)
    seen = Contract("i,ij->ij", 1 - candidate**2, weights[0])
    return (
        Boundary(f"{name} = 0 makes the candidate memoryless", hidden, "=", 0, at={gate: 0}),
        *(
            Boundary(f"{name} = 0 sends no gradient into {w}", gradient(w), "=", 0, at={gate: 0})
            for w in weights
        ),
        *(
            Boundary(f"{name} = 0 leaves no curvature in {w}", hvp(w), "=", 0, at={gate: 0})
            for w in weights
        ),
        Boundary(f"{name} = 0 and {when} forget everything", total, "=", 0, at=nothing),
        Boundary(
            f"{name} = 0 and {when} send no gradient back", gradient(state), "=", 0, at=nothing
        ),
        Boundary(
            f"{name} = 1 and {when} leave a simple recurrent network",
            total,
            "=",
            seen,
            at=everything,
        ),
    )


def memory_cell(
    *,
    f: TensorSymbol,
    i: TensorSymbol,
    o: TensorSymbol,
    g: TensorSymbol,
    c: TensorSymbol,
    c_next: TensorSymbol,
    h_next: TensorSymbol,
    weights: tuple[TensorSymbol, ...],
) -> Statements:
    """A memory c that f keeps, i writes and o shows; the weights are those of g, its bias last."""
    kept = {f: 1, i: 0}
    return (
        Boundary("f = 1, i = 0 carry c unchanged", c_next, "=", c, at=kept, steps=1000),
        Boundary(
            "f = 1, i = 0 carry the gradient of c unchanged",
            jacobian(c_next, c),
            "=",
            Identity(*c.axes),
            at=kept,
            steps=1000,
        ),
        Boundary(
            "f = 1, i = 0 hand the gradient of c on", gradient(c), "=", gradient(c_next), at=kept
        ),
        Boundary(
            "f = 1 opens the direct path", direct(c_next, c), "=", Identity(*c.axes), at={f: 1}
        ),
        Boundary("f = 0 cuts the direct path", direct(c_next, c), "=", 0, at={f: 0}),
        *(
            Boundary(f"i = 0 sends no gradient into {w}", gradient(w), "=", 0, at={i: 0})
            for w in weights
        ),
        Boundary("o = 0 hides the cell", h_next, "=", 0, at={o: 0}),
        Boundary("f = 1, i = 0, o = 0 leave no curvature in c", hvp(c), "=", 0, at={**kept, o: 0}),
        *tanh_candidate(
            g, "g", taken={i: 1, o: 0}, when="i = 1, o = 0", new=c_next, bias=weights[-1]
        ),
    )


def tanh_candidate(
    candidate: TensorSymbol,
    name: str,
    *,
    taken: Ends,
    when: str,
    new: TensorSymbol,
    bias: TensorSymbol,
) -> Statements:
    """A candidate that is a tanh.

    Args:
        candidate: the candidate.
        name: what it is called.
        taken: gates at the ends where the new state is the candidate, but for terms without
            curvature in the bias.
        when: the same in words.
        new: the new state.
        bias: the candidate's.
    """
    return (
        Boundary(
            f"{when}: the curvature of the candidate's tanh is left",
            hvp(bias),
            "=",
            -2 * gradient(new) * candidate * jvp(candidate),
            at=taken,
        ),
        Saturation(
            f"a saturated {name} lets no gradient through, twice as fast as σ", candidate, rate=2
        ),
    )


def logistic_gate(gate: TensorSymbol, name: str, weight: TensorSymbol) -> Statements:
    """A logistic gate, and a parameter of its pre-activation, which learns nothing at the ends."""
    return (
        *_flat(gate, name, "weights", weight),
        Saturation(f"a saturated {name} lets no gradient into its own weights", gate),
    )


def hard_gate(
    gate: TensorSymbol, name: str, weight: TensorSymbol, bias: TensorSymbol
) -> Statements:
    """A clipped gate, which reaches its ends, and parameters of its pre-activation."""
    return (*_flat(gate, name, "weights", weight), *_flat(gate, name, "bias", bias))


def _flat(gate: TensorSymbol, name: str, what: str, parameter: TensorSymbol) -> Statements:
    """Both ends of a gate, to first and to second order."""
    return tuple(
        Boundary(f"{name} = {end} {does} its own {what}", of(parameter), "=", 0, at={gate: end})
        for end in (1, 0)
        for does, of in (("sends no gradient into", gradient), ("leaves no curvature in", hvp))
    )


def between(state: TensorSymbol, candidate: TensorSymbol, new: TensorSymbol) -> Theorem:
    """A mean of a state and a candidate is between them."""
    return Theorem(
        "the new state is between the old one and the candidate",
        (minimum(state, candidate), "<=", new, "<=", maximum(state, candidate)),
    )


def slopes(of: Mapping[str, TensorSymbol], bound: sp.Expr) -> tuple[Theorem, ...]:
    """Strictly rising functions, by their printed names, and a bound on their slopes."""
    return tuple(
        Theorem(f"{name} has a slope of at most {bound}", (0, "<", slope(symbol), "<=", bound))
        for name, symbol in of.items()
    )


def moves(
    of: TensorSymbol, name: str, bound: sp.Expr, words: str, states: tuple[TensorSymbol, ...]
) -> Theorem:
    """How far a value goes, at most, when the old states change by at most 1 in every component.

    Args:
        of: the value.
        name: as it is printed.
        bound: the bound.
        words: the same in words.
        states: the old states.
    """
    plural = "s" if len(states) > 1 else ""
    return Theorem(
        f"a change of the state{plural} moves {name} by at most {words}",
        (absolute(tangent(of)), "<=", bound),
        given=tuple((absolute(tangent(state)), "<=", 1) for state in states),
    )


def forget_gate(f: TensorSymbol, c: TensorSymbol, c_next: TensorSymbol) -> tuple[Theorem, ...]:
    """What a memory c that f keeps can grow to."""
    below = constant("F", *f.axes)
    start = absolute(constant("c_0", *c.axes))
    return (
        Theorem("c grows by less than 1 a step", (absolute(c_next), "<", absolute(c) + 1)),
        Theorem(
            "c never leaves max(|c_0|, 1/(1 - F)) while f is at most F < 1",
            (absolute(c), "<=", maximum(start, 1 / (1 - below))),
            given=((f, "<=", below, "<", 1),),
            invariant=True,
        ),
        Theorem(
            "c never leaves max(|c_0|, 1) while f is at most F < 1",
            (absolute(c), "<=", maximum(start, sp.S.One)),
            given=((f, "<=", below, "<", 1),),
            invariant=True,
            holds=False,
        ),
    )
