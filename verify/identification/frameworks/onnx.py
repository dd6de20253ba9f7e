"""Recurrent nodes of an ONNX model, each in a small model of its own, run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from verify.dialects import onnx_nodes
from verify.dialects.layout import Array, DialectError
from verify.extras import MissingExtraError, extra
from verify.frameworks.onnx import run_node
from verify.identification.target import Arrays, States, Target

N_X, N_H = 3, 4
STATES = {"LSTM": ("h", "c")}
LEFT_OUT = ("layout", "direction", "output_sequence")
"""Attributes of how a sequence is laid out and run, not of a step."""
PER_DIRECTION = ("activations", "activation_alpha", "activation_beta")


def of_nodes(path: Path, name: str = "") -> list[Target]:
    """The recurrent nodes of a model, or the one of that name.

    Raises:
        DialectError: the file is no model or has no such node, or a node cannot be run.
    """
    return [_of_node(path, node) for node in onnx_nodes.nodes(path, name)]


def _of_node(path: Path, node: onnx_nodes.Node) -> Target:
    kind = node.proto.op_type
    title = f"{path.name}, node {node.name!r} ({kind})"
    if not {"W", "R"} <= set(node.arrays):
        raise DialectError(f"{title}: expected the weights W and R, got {', '.join(node.arrays)}")
    weights, recurrent = node.arrays["W"], node.arrays["R"]
    if weights.ndim != 3 or recurrent.ndim != 3:
        raise DialectError(
            f"{title}: expected W and R with three axes, got {weights.shape} and {recurrent.shape}"
        )
    # The node once more for a single direction, whose activations come first.
    directions = len(weights)

    def run(given: Arrays, xs: Array, states: States) -> States:
        return _run(node.proto, directions, given, xs, states)

    gates = recurrent.shape[1] // recurrent.shape[2]
    lengths = {"W": (gates * N_H, N_X), "R": (gates * N_H, N_H), "B": (2 * gates * N_H,)}
    lengths["P"] = (3 * N_H,)
    return Target(
        title,
        node.arrays,
        run,
        {own: np.zeros((1, *lengths[own]), np.float32) for own in node.arrays},
        N_X,
        (N_H,) * len(STATES.get(kind, ("h",))),
        base=f"onnx.{kind}",
        numbers={k: v for k, v in node.options.items() if isinstance(v, float)},
        dtype=np.dtype(np.float32),
    )


def _run(
    proto: Any,  # noqa: ANN401 - a NodeProto
    directions: int,
    given: Arrays,
    xs: Array,
    states: States,
) -> States:
    onnx = extra("onnx")
    kind = proto.op_type
    order = STATES.get(kind, ("h",))
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in proto.attribute}
    attributes = {k: v for k, v in attributes.items() if k not in LEFT_OUT}
    for name in PER_DIRECTION:
        if name in attributes and directions > 1:
            half = len(attributes[name]) // directions
            attributes[name] = attributes[name][:half]
    attributes["hidden_size"] = states[0].shape[-1]
    feeds = {name: np.asarray(array, np.float32) for name, array in given.items()}
    feeds |= {"X": np.asarray(xs, np.float32)}
    feeds |= {
        f"initial_{name}": np.asarray(state, np.float32)[None]
        for name, state in zip(order, states, strict=True)
    }
    try:
        _, *found = run_node(kind, feeds, 1 + len(order), attributes)
    except MissingExtraError:
        raise
    except Exception as error:  # whatever the runtime raises at attributes that it does not know
        reason = " ".join(str(error).split())[:200]
        raise DialectError(f"node {proto.name!r} ({kind}) cannot be run: {reason}") from error
    return tuple(array[0] for array in found)
