"""The functions over a sequence."""

from __future__ import annotations

UNROLL_OVERLOADS = """
@overload
def unroll(params: Params, xs: {x_type}, state0: State) -> tuple[{next_type}, Tape]: ...
@overload
def unroll(
    params: Params, xs: {x_type}, state0: State, *, checkpoint_every: int
) -> tuple[{next_type}, Checkpoints]: ...
"""

UNROLL = '''
def unroll(
    params: Params, xs: {x_type}, state0: State, *, checkpoint_every: int | None = None
) -> tuple[{next_type}, Tape | Checkpoints]:
    """A sequence: what `step` returns after every step, and the values of the equations.

    Args:
        params: the parameters.
        xs: the inputs, {input_shapes_over_time}.
        state0: the first state, {state_shapes}.
        checkpoint_every: keep the states of every so many steps alone, and compute the rest again
            on the way back: less memory for more time. The gradients are the same but for rounding.

    Returns:
        {next_shapes_over_time}.
        The tape, which may refer to arguments and results: do not change it. Besides those it holds
        {floats} per step and sample.
    """
    if checkpoint_every is not None:
        return _unroll_in_segments(params, xs, state0, checkpoint_every)
    <check>
    <params>
    <rows>
    <storage>
    <before>
    <loop>
    <after>
    tape = Tape(
        <tape>
    )
    return {next}, tape
'''

UNROLL_VJP = '''
def unroll_vjp(
    params: Params, tape: Tape | Checkpoints, dnexts: {next_type} | None
) -> tuple[Params, {x_type}, State]:
    """Backpropagation through time: cotangents of parameters, inputs and first state.

    Args:
        params: the parameters.
        tape: what `unroll` kept.
        dnexts: the cotangents of what `unroll` returned, for every step; it or a field may be
            None for zero.

    Returns:
        Cotangents shaped like the arguments of `unroll`; those of the parameters are summed over
        batch and time.
    """
    if isinstance(tape, Checkpoints):
        return _unroll_vjp_in_segments(params, tape, dnexts)
    <asked>
    <check>
    <params>
    <rows>
    <storage>
    <before>
    <loop>
    <after>
    <return>
'''

UNROLL_JVP = '''
def unroll_jvp(
    params: Params, tape: Tape | Checkpoints, dparams: Params | None,
    dxs: {x_type} | None, dstate0: State | None
) -> {next_type}:
    """Forward mode of `unroll`: the tangents of what it returned, for every step.

    Args:
        params: the parameters.
        tape: what `unroll` kept.
        dparams: the tangents of the parameters; it or a field may be None for zero.
        dxs: the tangents of the inputs; None for zero.
        dstate0: the tangent of the first state; it or a field may be None for zero.

    Returns:
        {next_shapes_over_time}.
    """
    if isinstance(tape, Checkpoints):
        return _unroll_jvp_in_segments(params, tape, dparams, dxs, dstate0)
    <check>
    <params>
    <tangents>
    <rows>
    <storage>
    <before>
    <loop>
    <after>
    return {moved_next}
'''
