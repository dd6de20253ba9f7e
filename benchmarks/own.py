"""Contenders of this project: the generated forms, NumPy by hand, and what it depends on."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks import handwritten
from benchmarks.case import Array, Case, MissingError, Work
from equations.generate.targets import TARGETS


def generated(case: Case) -> Work:
    """The generated module."""
    module = case.module
    dnexts = module.State(case.dhs, *[None] * (len(case.state0) - 1))

    def forward() -> tuple[Any, Any]:
        result: tuple[Any, Any] = module.unroll(case.params, case.xs, case.state0)
        return result

    def both() -> tuple[Any, Any]:
        kept = forward()
        return kept, module.unroll_vjp(case.params, kept[1], dnexts)

    return Work(forward, both)


def compiled(case: Case) -> Work:
    """The generated module with its sequences compiled by numba."""
    target = TARGETS["numba"]
    if target.missing:
        message = f'{target.missing[0]} is not installed: pip install "gateproof[fast]"'
        raise MissingError(message)
    return generated(replace(case, module=importlib.import_module(f"{target.package}.{case.cell}")))


def by_hand(case: Case) -> Work:
    """The fastest NumPy known here."""
    run = getattr(handwritten, case.cell)
    back = getattr(handwritten, f"{case.cell}_vjp")

    def forward() -> tuple[Any, Any]:
        result: tuple[Any, Any] = run(case.params, case.xs, case.state0)
        return result

    def both() -> tuple[Any, Any]:
        kept = forward()
        return kept, back(case.params, kept[1], case.dhs)

    return Work(forward, both)


def products(case: Case) -> Work:
    """The matrix products alone, into arrays that are there already: no code can be faster.

    Except that products may be cut into blocks: then what is called a limit here is not one.
    """
    T, B, n_x, n_h = case.size
    times = handwritten.product_for(B)
    W, U, _ = case.stacked(case.gates)
    G = len(case.gates)
    # The candidate of the GRU waits for its gates, so its recurrent product is one of its own.
    split = [U] if len(case.state0) == 2 else [U[: 2 * n_h], U[2 * n_h :]]
    forwards = [np.ascontiguousarray(part.T) for part in split]
    input_weights = np.ascontiguousarray(W.T)
    h, x = case.state0.h, case.xs.reshape(T * B, n_x)
    hs = np.ascontiguousarray(case.dhs.reshape(T * B, n_h))
    a, d = np.empty((T * B, G * n_h), x.dtype), np.ones((T * B, G * n_h), x.dtype)
    rows = [np.empty((B, len(part)), x.dtype) for part in split]
    cotangents = [np.ones((B, len(part)), x.dtype) for part in split]
    dx, dh, dW, dU = np.empty_like(x), np.empty_like(h), np.empty_like(W), np.empty_like(U)

    def forward() -> None:
        np.matmul(x, input_weights, out=a)
        for _ in range(T):
            for weights, row in zip(forwards, rows, strict=True):
                times(h, weights, out=row)

    def both() -> tuple[Any, Any]:
        forward()
        for _ in range(T):
            for weights, da in zip(split, cotangents, strict=True):
                times(da, weights, out=dh)
        np.matmul(d.T, x, out=dW)
        np.matmul(d.T, hs, out=dU)
        np.matmul(d, W, out=dx)
        return a, (dx, dh, dW, dU)

    return Work(forward, both)


def autograd(case: Case) -> Work:
    """HIPS autograd on the equations as they are written, in a loop over time."""
    anp = importlib.import_module("autograd.numpy")
    make_vjp = importlib.import_module("autograd").make_vjp

    def sigmoid(a: Array) -> Array:
        return 0.5 * (1.0 + anp.tanh(0.5 * a))  # type: ignore[no-any-return]

    def unroll(arguments: tuple[Any, ...]) -> Array:
        parameters, xs, state = arguments
        p = dict(zip(case.params._fields, parameters, strict=True))

        def affine(gate: str, x: Array, h: Array) -> Array:
            W, U, b = p[f"W_{gate}"], p[f"U_{gate}"], p[f"b_{gate}"]
            return anp.dot(x, W.T) + anp.dot(h, U.T) + b  # type: ignore[no-any-return]

        hs = []
        for x in xs:
            if case.cell == "lstm":
                h, c = state
                f, i, o = (sigmoid(affine(gate, x, h)) for gate in "fio")
                c = f * c + i * anp.tanh(affine("g", x, h))
                state = o * anp.tanh(c), c
            else:
                (h,) = state
                u, r = (sigmoid(affine(gate, x, h)) for gate in "ur")
                state = ((1 - u) * h + u * anp.tanh(affine("h", x, r * h)),)
            hs.append(state[0])
        return anp.array(hs)  # type: ignore[no-any-return]

    values = (tuple(case.params), case.xs, tuple(case.state0))

    def both() -> tuple[Any, Any]:
        kept = make_vjp(unroll)(values)
        return kept, kept[0](case.dhs)

    return Work(lambda: unroll(values), both)
