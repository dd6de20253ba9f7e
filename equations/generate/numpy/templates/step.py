"""The functions of one time step."""

from __future__ import annotations

STEP = '''
def step(params: Params, x: {x_type}, state: State) -> tuple[{next_type}, Saved]:
    """One time step: the new state, and the values of the equations for its derivatives.

    Args:
        params: the parameters.
        x: the input, {input_shapes}.
        state: the old state, {state_shapes}.

    Returns:
        {next_shapes}.
        The values of the equations, which may refer to arguments and results: do not change them.
    """
    <check>
    <params>
    <inputs>
    <state>
    <forward>
    <saved>
    return {next}, saved
'''

STEP_VJP = '''
def step_vjp(
    params: Params, saved: Saved, dnext: {next_type} | None
) -> tuple[Params, {x_type}, State]:
    """Reverse mode of `step`: cotangents of parameters, input and old state.

    Args:
        params: the parameters.
        saved: what `step` kept.
        dnext: the cotangents of what `step` returned, with its shapes; it or a field may be None
            for zero.

    Returns:
        Cotangents shaped like the arguments of `step`; those of the parameters are summed over
        the batch.
    """
    <check>
    <params>
    <saved>
    <seeds>
    <backward>
    <return>
'''

STEP_JVP = '''
def step_jvp(
    params: Params, saved: Saved, dparams: Params | None,
    dx: {x_type} | None, dstate: State | None
) -> {next_type}:
    """Forward mode of `step`: the tangents of what it returned.

    Args:
        params: the parameters.
        saved: what `step` kept.
        dparams: the tangents of the parameters; it or a field may be None for zero.
        dx: the tangent of the input; None for zero.
        dstate: the tangent of the old state; it or a field may be None for zero.

    Returns:
        {next_shapes}.
    """
    <check>
    <params>
    <saved>
    <tangents>
    <tangent>
    return {moved_next}
'''

STEP_HVP = '''
def step_hvp(
    params: Params, saved: Saved, dnext: {next_type} | None, dparams: Params | None,
    dx: {x_type} | None, dstate: State | None
) -> tuple[Params, {x_type}, State]:
    """Second order: how the cotangents of `step_vjp` change along a direction.

    This is the Hessian of the inner product of `dnext` and the results of `step`, times the
    direction.

    Args:
        params: the parameters.
        saved: what `step` kept.
        dnext: the cotangents of what `step` returned, held fixed; it or a field may be None
            for zero.
        dparams: the direction in the parameters; it or a field may be None for zero.
        dx: the direction in the input; None for zero.
        dstate: the direction in the old state; it or a field may be None for zero.

    Returns:
        The directional derivatives of what `step_vjp` returns.
    """
    <check>
    <params>
    <saved>
    <seeds>
    <tangents>
    <second>
    <return>
'''

STEP_JACOBIAN = '''
def step_jacobian(params: Params, saved: Saved) -> Jacobian:
    """The derivative of every new state by every old one.

    Args:
        params: the parameters.
        saved: what `step` kept.

    Returns:
        `jacobian.a.b` is the derivative of the new `a` by the old `b`: the batch, the axes of `a`,
        the axes of `b`.
    """
    <check>
    <params>
    <saved>
    <jacobian>
    <return>
'''
