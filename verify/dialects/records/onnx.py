"""ONNX: gates stacked in rows, the direction first; one B with the biases of W and then of R.

The clip attribute is a function that no cell here has, and so are activations without a record.
"""

from __future__ import annotations

from verify.dialects.record import Dialect

ONNX = "onnx 1.23.2, opset 22, and onnxruntime 1.32.0"
GRU = {"W": "[[W_u; W_r; W_h]]", "R": "[[U_u; U_r; U_h]]"}
LSTM = {
    "W": "[[W_i; W_o; W_f; W_g]]",
    "R": "[[U_i; U_o; U_f; U_g]]",
    "B?": "[[b_i; b_o; b_f; b_g; b_i; b_o; b_f; b_g]]",
}

ACTIVATIONS = {
    "RNN": ["Tanh"],
    "GRU": ["Sigmoid", "Tanh"],
    "LSTM": ["Sigmoid", "Tanh", "Tanh"],
}
"""The recurrent operators, with the activations of one direction where a node names none."""

RECORDS = (
    Dialect(
        "onnx.RNN",
        "rnn",
        {"W": "[[W_h]]", "R": "[[U_h]]", "B?": "[[b_h; b_h]]"},
        ("h",),
        "run",
        ONNX,
    ),
    Dialect(
        "onnx.RNN",
        "rnn_relu",
        {"W": "[[W_h]]", "R": "[[U_h]]", "B?": "[[b_h; b_h]]"},
        ("h",),
        "run",
        ONNX,
        {"activations": "Relu"},
    ),
    Dialect(
        "onnx.GRU",
        "gru_keep",
        GRU | {"B?": "[[b_u; b_r; b_h; b_u; b_r; b_h]]"},
        ("h",),
        "run",
        ONNX,
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
        note="gates z, r, h",
    ),
    Dialect("onnx.LSTM", "lstm", LSTM, ("h", "c"), "run", ONNX, note="gates i, o, f, c"),
    Dialect(
        "onnx.LSTM",
        "lstm_peephole",
        LSTM | {"P": "[[p_i; p_o; p_f]]"},
        ("h", "c"),
        "run",
        ONNX,
        {"P": "given"},
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
        note="alpha 0.2 and beta 0.5, its defaults; g and h stay Tanh",
    ),
    Dialect(
        "onnx.GRU",
        "gru_keep_hard",
        GRU | {"B?": "[[b_u; b_r; b_h; b_u; b_r; b_h]]"},
        ("h",),
        "run",
        ONNX,
        {"activations": "HardSigmoid"},
        note="alpha 0.2 and beta 0.5, its defaults; h stays Tanh",
    ),
)
