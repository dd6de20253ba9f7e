"""ONNX: gates stacked in rows, the direction first; one B with the biases of W and then of R.

`clip` bounds pre-activations, as ONNX Runtime computes it; the specification also bounds what the
last activation of an LSTM takes, which is a state (microsoft/onnxruntime, issue 27224). Other
activations are of no record.
"""

from __future__ import annotations

import re

from verify.dialects.record import Dialect

ONNX = "onnx 1.23.2, opset 22, and onnxruntime 1.32.0"
GRU = {"W": "[[W_u; W_r; W_h]]", "R": "[[U_u; U_r; U_h]]"}
BEFORE = "[[b_u; b_r; b_h; b_u; b_r; b_h]]"
LSTM = {
    "W": "[[W_i; W_o; W_f; W_g]]",
    "R": "[[U_i; U_o; U_f; U_g]]",
    "B?": "[[b_i; b_o; b_f; b_g; b_i; b_o; b_f; b_g]]",
}

CLIP = {"clip": "clip"}
LINE = {"activation_alpha": "slope", "activation_beta": "offset"}

ACTIVATIONS = {
    "RNN": ["Tanh"],
    "GRU": ["Sigmoid", "Tanh"],
    "LSTM": ["Sigmoid", "Tanh", "Tanh"],
}
"""The recurrent operators, with the activations of one direction where a node names none."""


def steeper(layout: str) -> str:
    """The layout of gates whose slope is 6/5 of the cell's; the candidate has none."""
    return re.sub(r"\b([WUb]_[firou])\b", r"6/5*\1", layout)


RECORDS = (
    Dialect(
        "onnx.RNN",
        "rnn",
        {"W": "[[W_h]]", "R": "[[U_h]]", "B?": "[[b_h; b_h]]"},
        ("h",),
        "run",
        ONNX,
        settings=CLIP,
    ),
    Dialect(
        "onnx.RNN",
        "rnn_relu",
        {"W": "[[W_h]]", "R": "[[U_h]]", "B?": "[[b_h; b_h]]"},
        ("h",),
        "run",
        ONNX,
        {"activations": "Relu"},
        settings=CLIP,
    ),
    Dialect(
        "onnx.GRU",
        "gru_keep",
        GRU | {"B?": BEFORE},
        ("h",),
        "run",
        ONNX,
        settings=CLIP,
        note="gates z, r, h; the default linear_before_reset=0",
    ),
    Dialect(
        "onnx.GRU",
        "gru_after_keep",
        GRU | {"B?": "[[b_u; b_r; b_h; b_u; b_r; c_h]]"},
        ("h",),
        "run",
        ONNX,
        {"linear_before_reset": 1},
        settings=CLIP,
        note="gates z, r, h",
    ),
    Dialect(
        "onnx.LSTM", "lstm", LSTM, ("h", "c"), "run", ONNX, settings=CLIP, note="gates i, o, f, c"
    ),
    Dialect(
        "onnx.LSTM",
        "lstm_peephole",
        LSTM | {"P": "[[p_i; p_o; p_f]]"},
        ("h", "c"),
        "run",
        ONNX,
        {"P": "given"},
        settings=CLIP,
        note="gates i, o, f, c, and in P i, o, f",
    ),
    Dialect(
        "onnx.LSTM",
        "lstm_coupled",
        {
            "W": "[[W_i; W_o; 0*W_i; W_g]]",
            "R": "[[U_i; U_o; 0*U_i; U_g]]",
            "B?": "[[b_i; b_o; 0*b_i; b_g; b_i; b_o; 0*b_i; b_g]]",
            "P?": "[[p_i; p_o; 0*p_i]]",
        },
        ("h", "c"),
        "run",
        ONNX,
        {"input_forget": 1},
        settings=CLIP,
        note="f is 1 - i; the numbers of the forget gate are not used",
    ),
    Dialect(
        "onnx.LSTM",
        "lstm_hard",
        LSTM,
        ("h", "c"),
        "run",
        ONNX,
        {"activations": "HardSigmoid"},
        settings=CLIP | LINE,
        note="alpha 0.2 and beta 0.5, its defaults; g and h stay Tanh",
    ),
    Dialect(
        "onnx.GRU",
        "gru_keep_hard",
        GRU | {"B?": BEFORE},
        ("h",),
        "run",
        ONNX,
        {"activations": "HardSigmoid"},
        settings=CLIP | LINE,
        note="alpha 0.2 and beta 0.5, its defaults; h stays Tanh",
    ),
    *(
        Dialect(
            base,
            cell,
            {name: steeper(text) for name, text in arrays.items()},
            states,
            "run",
            ONNX,
            {"activations": "HardSigmoid", "activation_alpha": "0.16666667"},
            note="the hard sigmoid of PyTorch, JAX and Keras 3: alpha is 1/6, as near as an "
            "attribute can be, where the cell has 1/5",
        )
        for base, cell, arrays, states in (
            ("onnx.LSTM", "lstm_hard", LSTM, ("h", "c")),
            ("onnx.GRU", "gru_keep_hard", GRU | {"B?": BEFORE}, ("h",)),
        )
    ),
)
