"""Modules of PyTorch: its own, made again at a small size, and others by their parameters."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from verify.dialects.layout import Array
from verify.extras import extra
from verify.identification.callables import of_function
from verify.identification.target import Arrays, States, Target

SMALL = {"input_size": 3, "hidden_size": 4}
PROJECTED = 2
KINDS = ("RNN", "GRU", "LSTM", "RNNCell", "GRUCell", "LSTMCell")


def of_module(module: Any) -> Target:  # noqa: ANN401 - a torch.nn.Module
    """A module with the weights it holds.

    Its own recurrent classes compute the same function at any size, so they are made again, small,
    of one layer and direction. So is a class that is derived from one and has its forward; one with
    a forward of its own is run as it is.

    Raises:
        DialectError: it cannot be run as `module(x, state, ...)`.
    """
    torch = extra("torch")
    forward = type(module).forward
    alike = (kind for kind in KINDS if forward is getattr(torch.nn, kind).forward)
    kind = next(alike, type(module).__name__)
    arrays = {
        name: value.detach().cpu().double().numpy()
        if value.dtype not in (torch.float32, torch.float64)
        else value.detach().cpu().numpy()
        for name, value in module.state_dict().items()
        if value.is_floating_point()
    }
    if kind not in KINDS or forward is not getattr(torch.nn, kind).forward:
        return of_function(
            _called(torch, module), arrays, title=kind, signature=inspect.signature(module.forward)
        )
    options: dict[str, Any] = {"bias": bool(module.bias)}
    if kind.startswith("RNN"):
        options["nonlinearity"] = module.nonlinearity
    projected = bool(getattr(module, "proj_size", 0))

    def run(given: Arrays, xs: Array, states: States) -> States:
        n_x, n_h = xs.shape[-1], states[-1].shape[-1]
        more = {"proj_size": states[0].shape[-1]} if projected else {}
        tensors = {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in given.items()}
        own = getattr(torch.nn, kind)(n_x, n_h, **options, **more).to(tensors_type(tensors))
        own.load_state_dict(tensors)
        with torch.no_grad():
            old = tuple(torch.from_numpy(state) for state in states)
            inputs = torch.from_numpy(xs)
            if kind.endswith("Cell"):
                for x in inputs:
                    new = own(x, old if len(old) > 1 else old[0])
                    old = new if isinstance(new, tuple) else (new,)
                return tuple(state.numpy() for state in old)
            old = tuple(state[None] for state in old)
            new = own(inputs, old if len(old) > 1 else old[0])[1]
            new = new if isinstance(new, tuple) else (new,)
            return tuple(state[0].numpy() for state in new)

    more = {"proj_size": PROJECTED} if projected else {}
    twin = getattr(torch.nn, kind)(**SMALL, **options, **more)
    lengths = [SMALL["hidden_size"]] * (2 if kind.startswith("LSTM") else 1)
    if projected:
        lengths[0] = PROJECTED
    return Target(
        f"torch.nn.{kind}",
        arrays,
        run,
        {name: value.double().numpy() for name, value in twin.state_dict().items()},
        SMALL["input_size"],
        tuple(lengths),
        base=f"torch.{kind}",
    )


def tensors_type(tensors: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a torch.dtype
    """The type of the numbers of all of them."""
    return next(iter(tensors.values())).dtype


def _called(torch: Any, module: Any) -> Any:  # noqa: ANN401 - modules of torch
    """The module as a function of its parameters, in float64."""

    def step(given: Arrays, x: Array, *states: Any) -> Any:  # noqa: ANN401
        tensors = {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in given.items()}
        old = [
            tuple(map(torch.from_numpy, s)) if isinstance(s, tuple) else torch.from_numpy(s)
            for s in states
        ]
        with torch.no_grad():
            return torch.func.functional_call(module, tensors, (torch.from_numpy(x), *old))

    return step
