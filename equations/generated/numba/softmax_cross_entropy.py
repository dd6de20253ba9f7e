"""Softmax of an affine map of the state, and the cross entropy averaged over T steps.

    a_t      = W_y h_t + b_y
    m_t      = max(a_t)
    z_t      = a_t - m_t
    e_t      = exp(z_t)
    s_t      = Σ e_t
    ŷ_t      = e_t/s_t
    log(ŷ_t) = z_t - log(s_t)
    J_t      = -y_tᵀ log(ŷ_t)/T

    where m_t is a shift: no result depends on it

Nothing is carried from step to step, so nothing is compiled: this is the NumPy module.
Generated from equations/cells/softmax_cross_entropy.py by `gateproof generate --target numba
softmax_cross_entropy`: change that file, not this one. B is the batch, T the number of time steps.
MIT licence; see LICENSE.
"""

from __future__ import annotations

from equations.generated.softmax_cross_entropy import (
    Array,
    Checkpoints,
    Inputs,
    Jacobian,
    Next,
    Params,
    Saved,
    State,
    Tape,
    init,
    step,
    step_hvp,
    step_jacobian,
    step_jvp,
    step_vjp,
    unroll,
    unroll_jvp,
    unroll_vjp,
)

__all__ = [
    "Array",
    "Checkpoints",
    "Inputs",
    "Jacobian",
    "Next",
    "Params",
    "Saved",
    "State",
    "Tape",
    "init",
    "step",
    "step_hvp",
    "step_jacobian",
    "step_jvp",
    "step_vjp",
    "unroll",
    "unroll_jvp",
    "unroll_vjp",
]
