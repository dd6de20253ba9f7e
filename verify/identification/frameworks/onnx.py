"""Recurrent nodes of an ONNX model, each in a small model of its own, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
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
    return [each for node in onnx_nodes.nodes(path, name) for each in _of_node(path, node)]


def _of_node(path: Path, node: onnx_nodes.Node) -> list[Target]:
    """The node; its directions one by one where they are different functions."""
    kind = node.proto.op_type
    title = f"{path.name}, node {node.name!r} ({kind})"
    if not {"W", "R"} <= set(node.arrays):
        raise DialectError(f"{title}: expected the weights W and R, got {', '.join(node.arrays)}")
    weights, recurrent = node.arrays["W"], node.arrays["R"]
    if weights.ndim != 3 or recurrent.ndim != 3:
        raise DialectError(
            f"{title}: expected W and R with three axes, got {weights.shape} and {recurrent.shape}"
        )
    # The node once more for a single direction.
    each = _directions(node.proto, len(weights), title)
    gates = recurrent.shape[1] // recurrent.shape[2]
    lengths = {"W": (gates * N_H, N_X), "R": (gates * N_H, N_H), "B": (2 * gates * N_H,)}
    lengths["P"] = (3 * N_H,)
    alike = all(attributes == each[0] for attributes in each)
    return [
        Target(
            title if alike else f"{title}, {('forwards', 'backwards')[k]}",
            node.arrays if alike else {own: a[k : k + 1] for own, a in node.arrays.items()},
            partial(_run, node.proto, attributes),
            {own: np.zeros((1, *lengths[own]), np.float32) for own in node.arrays},
            N_X,
            (N_H,) * len(STATES.get(kind, ("h",))),
            base=f"onnx.{kind}",
            numbers={k: v for k, v in node.options.items() if isinstance(v, float)},
            dtype=np.dtype(np.float32),
        )
        for k, attributes in enumerate(each[:1] if alike else each)
    ]


def _directions(proto: Any, directions: int, title: str) -> list[dict[str, Any]]:  # noqa: ANN401 - a NodeProto
    """The attributes of each direction."""
    onnx = extra("onnx")
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in proto.attribute}
    attributes = {k: v for k, v in attributes.items() if k not in LEFT_OUT}
    made = [dict(attributes) for _ in range(directions)]
    for name in PER_DIRECTION:
        values = attributes.get(name, [])
        share, rest = divmod(len(values), directions)
        if rest:
            raise DialectError(
                f"{title}: {name}: expected as many for both directions, got {len(values)}"
            )
        for k in range(directions if values else 0):
            made[k][name] = values[k * share : (k + 1) * share]
    return made


def _run(
    proto: Any,  # noqa: ANN401 - a NodeProto
    own: Mapping[str, Any],
    given: Arrays,
    xs: Array,
    states: States,
) -> States:
    kind = proto.op_type
    order = STATES.get(kind, ("h",))
    attributes = {**own, "hidden_size": states[0].shape[-1]}
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
