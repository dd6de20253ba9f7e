"""Products of Jacobians along a sequence: their norms and their rate of growth.

A cell's whole state s (all of its states in one vector) obeys ∂s_T/∂s_t = J_T J_{T-1} ... J_{t+1}
with J_t = ∂s_t/∂s_{t-1}, which generated code gives step by step. Nothing here knows a cell.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def jacobians(module: Any, params: Any, xs: Array, state: Any) -> Array:  # noqa: ANN401
    """J_t of every step.

    Args:
        module: a generated module.
        params: its parameters.
        xs: inputs, (T, B, n_x).
        state: the first state, each part (B, n).

    Returns:
        (T, B, n, n) with all states in one vector.
    """
    found = []
    for x in xs:
        state, saved = module.step(params, x, state)
        found.append(whole(module.step_jacobian(params, saved)))
    return np.stack(found)


def whole(jacobian: Iterable[Iterable[Array]]) -> Array:
    """A Jacobian's blocks, a row for each new state, as one matrix for each sample."""
    rows = [np.concatenate(list(row), axis=2) for row in jacobian]
    return np.concatenate(rows, axis=1)


def log_norms(chain: Array) -> Array:
    """The logarithm of the spectral norm of ∂s_T/∂s_t for T - t = 1, 2, ..., T.

    The product is scaled at every step, so that neither small nor large ones leave the floats.

    Args:
        chain: J_t, (T, B, n, n).

    Returns:
        (T, B); -inf where the product is zero.
    """
    product, scale = np.broadcast_to(np.eye(chain.shape[-1]), chain.shape[1:]), 0.0
    found = []
    for step in chain[::-1]:
        product = product @ step
        norm = np.linalg.norm(product, ord=2, axis=(1, 2))
        with np.errstate(divide="ignore"):
            scale = scale + np.log(norm)
        product = product / np.where(norm > 0, norm, 1)[:, None, None]
        found.append(scale)
    return np.stack(found)


def exponents(chain: Array, skip: int) -> Array:
    """Lyapunov exponents: the mean logarithmic growth per step along each direction of state space.

    By repeated QR (G. Benettin et al., Lyapunov characteristic exponents, Meccanica 15, 1980).

    Args:
        chain: J_t, (T, B, n, n).
        skip: the first steps, over which directions turn into those that grow at a rate of their
            own: what they grow by while they do is not counted, since it would count as a rate.

    Returns:
        (B, n), the largest first; -inf along a direction that is lost altogether.
    """
    frame = np.broadcast_to(np.eye(chain.shape[-1]), chain.shape[1:])
    total = np.zeros(chain.shape[1:-1])
    for t, step in enumerate(chain):
        frame, upper = np.linalg.qr(step @ frame)
        if t >= skip:
            with np.errstate(divide="ignore"):
                total = total + np.log(np.abs(np.diagonal(upper, axis1=1, axis2=2)))
    return -np.sort(-total / (len(chain) - skip), axis=1)


def log_radius(matrices: Array) -> Array:
    """The logarithm of the spectral radius, the largest |eigenvalue|, of each matrix."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.abs(np.linalg.eigvals(matrices)).max(axis=-1)))
