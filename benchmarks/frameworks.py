"""Frameworks: torch and jax, each only if it is installed.

They are imported by name where they are asked for, so that none of them has to be there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.case import Case, Work
from benchmarks.threads import threads
from verify.extras import extra


def _torch() -> Any:  # noqa: ANN401 - a module without types
    torch = extra("torch")
    torch.set_num_threads(threads())
    return torch


def torch_nn(case: Case) -> Work:
    """torch.nn.LSTM or torch.nn.GRU, eager.

    Its GRU resets after the product (r ∘ (U_h h + c)), so it is another cell of the same cost, and
    one product per step less: that comparison favours torch.
    """
    torch = _torch()
    is_lstm = case.cell == "lstm"
    layer = (torch.nn.LSTM if is_lstm else torch.nn.GRU)(case.size.n_x, case.size.n_h)
    values = [torch.from_numpy(v) for v in case.stacked("ifgo" if is_lstm else "ruh")]
    layer = layer.to(values[0].dtype)
    with torch.no_grad():
        for own, value in zip((layer.weight_ih_l0, layer.weight_hh_l0), values[:2], strict=True):
            own.copy_(value)
        layer.bias_ih_l0.copy_(values[2])
        layer.bias_hh_l0.zero_()
    xs = torch.from_numpy(case.xs).requires_grad_()
    states = [torch.from_numpy(s)[None].requires_grad_() for s in case.state0]
    dhs = torch.from_numpy(case.dhs)
    state = tuple(states) if is_lstm else states[0]
    wanted = [*layer.parameters(), xs, *states]

    def forward() -> Any:  # noqa: ANN401 - a tensor
        return layer(xs, state)[0]

    def both() -> tuple[Any, Any]:
        hs = forward()
        return hs, torch.autograd.grad(hs, wanted, dhs)

    return Work(forward, both)


def torch_loop(case: Case) -> Work:
    """The equations in torch: stacked parameters, one input product, a loop over time."""
    torch = _torch()
    n_h = case.size.n_h
    is_lstm = case.cell == "lstm"
    W, U, b = (
        torch.from_numpy(v).requires_grad_() for v in case.stacked("fiog" if is_lstm else "urh")
    )
    xs = torch.from_numpy(case.xs).requires_grad_()
    states = [torch.from_numpy(s).requires_grad_() for s in case.state0]
    dhs = torch.from_numpy(case.dhs)

    def forward() -> Any:  # noqa: ANN401 - a tensor
        h = states[0]
        c = states[-1]
        hs = []
        for a in torch.nn.functional.linear(xs, W, b):
            if is_lstm:
                gates = a + h @ U.T
                f, i, o = torch.sigmoid(gates[:, : 3 * n_h]).chunk(3, dim=1)
                c = f * c + i * torch.tanh(gates[:, 3 * n_h :])
                h = o * torch.tanh(c)
            else:
                u, r = torch.sigmoid(a[:, : 2 * n_h] + h @ U[: 2 * n_h].T).chunk(2, dim=1)
                candidate = torch.tanh(a[:, 2 * n_h :] + (r * h) @ U[2 * n_h :].T)
                h = (1 - u) * h + u * candidate
            hs.append(h)
        return torch.stack(hs)

    wanted = [W, U, b, xs, *states]

    def both() -> tuple[Any, Any]:
        hs = forward()
        return hs, torch.autograd.grad(hs, wanted, dhs)

    return Work(forward, both)


def jax_scan(case: Case) -> Work:
    """The equations in jax: stacked parameters, one input product, jit and scan."""
    jax = extra("jax")
    jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - jax's own signature
    jnp, n_h = jax.numpy, case.size.n_h
    is_lstm = case.cell == "lstm"
    W, U, b = (jnp.asarray(v) for v in case.stacked("fiog" if is_lstm else "urh"))
    states = tuple(jnp.asarray(s) for s in case.state0)
    xs, dhs = jnp.asarray(case.xs), jnp.asarray(case.dhs)

    def unroll(arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401 - a traced array
        weights, recurrent, bias, inputs, first = arguments

        def step(state: Any, a: Any) -> Any:  # noqa: ANN401 - traced arrays
            if is_lstm:
                h, c = state
                gates = a + h @ recurrent.T
                f, i, o = jnp.split(jax.nn.sigmoid(gates[:, : 3 * n_h]), 3, axis=1)
                c = f * c + i * jnp.tanh(gates[:, 3 * n_h :])
                h = o * jnp.tanh(c)
                return (h, c), h
            (h,) = state
            known = a[:, : 2 * n_h] + h @ recurrent[: 2 * n_h].T
            u, r = jnp.split(jax.nn.sigmoid(known), 2, axis=1)
            candidate = jnp.tanh(a[:, 2 * n_h :] + (r * h) @ recurrent[2 * n_h :].T)
            h = (1 - u) * h + u * candidate
            return (h,), h

        return jax.lax.scan(step, first, inputs @ weights.T + bias)[1]

    values = (W, U, b, xs, states)
    forward = jax.jit(unroll)

    @jax.jit  # type: ignore[untyped-decorator]
    def gradient(arguments: tuple[Any, ...]) -> tuple[Any, Any]:
        hs, back = jax.vjp(unroll, arguments)
        return hs, back(dhs)[0]

    return Work(
        lambda: np.asarray(forward(values)), lambda: jax.block_until_ready(gradient(values))
    )
