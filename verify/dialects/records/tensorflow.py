"""TensorFlow 1: input and state beside each other, [x, h] K; a forget bias is added when it runs.

cell_clip bounds the new c before the peephole of o and tanh see it, proj_clip what is projected.
"""

from __future__ import annotations

from verify.dialects.record import Dialect

TF = "tensorflow 2.21.0, tf.compat.v1.nn.rnn_cell"
RAW = "tensorflow 2.21.0, tf.raw_ops"
KERNEL = "[W_iᵀ W_gᵀ W_fᵀ W_oᵀ; U_iᵀ U_gᵀ U_fᵀ U_oᵀ]"
LSTM = {"kernel": KERNEL, "bias": "[b_i; b_g; b_f; b_o]"}
DIAGONALS = {"w_f_diag": "p_f", "w_i_diag": "p_i", "w_o_diag": "p_o"}
FORGET = {"b_f": 1.0}
FORGET_NOTE = "gates i, j, f, o; forget_bias is 1 unless told otherwise"
CLIP = {"cell_clip": "clip_c"}
CLIPS = CLIP | {"proj_clip": "clip_h"}
PEEPHOLES = {"p_f": "0", "p_i": "0", "p_o": "0"}

RECORDS = (
    Dialect(
        "tf1.BasicRNNCell", "rnn", {"kernel": "[W_hᵀ; U_hᵀ]", "bias": "b_h"}, ("h",), "reported", TF
    ),
    Dialect(
        "tf1.GRUCell",
        "gru_keep",
        {
            "gates/kernel": "[W_rᵀ W_uᵀ; U_rᵀ U_uᵀ]",
            "gates/bias": "[b_r; b_u]",
            "candidate/kernel": "[W_hᵀ; U_hᵀ]",
            "candidate/bias": "b_h",
        },
        ("h",),
        "reported",
        TF,
        note="gates/bias starts at 1",
    ),
    Dialect(
        "tf.GRUBlockCell",
        "gru_keep",
        {
            "w_ru": "[W_rᵀ W_uᵀ; U_rᵀ U_uᵀ]",
            "w_c": "[W_hᵀ; U_hᵀ]",
            "b_ru": "[b_r; b_u]",
            "b_c": "b_h",
        },
        ("h",),
        "reported",
        RAW,
    ),
    Dialect(
        "tf1.BasicLSTMCell",
        "lstm",
        LSTM,
        ("c", "h"),
        "reported",
        TF,
        added=FORGET,
        note=FORGET_NOTE,
    ),
    Dialect(
        "tf1.LSTMCell",
        "lstm",
        LSTM,
        ("c", "h"),
        "reported",
        TF,
        added=FORGET,
        settings=CLIP,
        note=FORGET_NOTE,
    ),
    Dialect(
        "tf1.LSTMCell",
        "lstm_peephole",
        LSTM | DIAGONALS,
        ("c", "h"),
        "reported",
        TF,
        {"use_peepholes": True},
        FORGET,
        settings=CLIP,
        note=FORGET_NOTE,
    ),
    Dialect(
        "tf1.LSTMCell",
        "lstm_projection",
        LSTM | {"projection/kernel": "W_rᵀ"},
        ("c", "h"),
        "reported",
        TF,
        {"num_proj": "n_p"},
        FORGET,
        PEEPHOLES,
        CLIPS,
        note=FORGET_NOTE,
    ),
    Dialect(
        "tf1.LSTMCell",
        "lstm_projection",
        LSTM | DIAGONALS | {"projection/kernel": "W_rᵀ"},
        ("c", "h"),
        "reported",
        TF,
        {"use_peepholes": True, "num_proj": "n_p"},
        FORGET,
        settings=CLIPS,
        note=FORGET_NOTE,
    ),
    Dialect(
        "tf1.CoupledInputForgetGateLSTMCell",
        "lstm_coupled",
        {
            "kernel": "[W_gᵀ -W_iᵀ W_oᵀ; U_gᵀ -U_iᵀ U_oᵀ]",
            "bias": "[b_g; -b_i; b_o]",
            "w_f_diag": "-p_i",
            "w_o_diag": "p_o",
        },
        ("c", "h"),
        "source",
        "tensorflow 1.15, contrib/rnn/python/ops/rnn_cell.py",
        {"use_peepholes": True},
        {"b_i": -1.0},
        note="gates j, f, o; it has i = 1 - f where the cell has f = 1 - i, hence the signs",
    ),
    Dialect(
        "tf.LSTMBlockCell",
        "lstm_peephole",
        {
            "w": KERNEL,
            "wci": "p_i",
            "wcf": "p_f",
            "wco": "p_o",
            "b": "[b_i; b_g; b_f; b_o]",
        },
        ("c", "h"),
        "reported",
        f"{RAW}; BlockLSTM stores the same",
        added=FORGET,
        settings=CLIP,
        note="gates i, ci, f, o; forget_bias is an attribute; with use_peephole",
    ),
    Dialect(
        "tf.BlockLSTMV2",
        "lstm_peephole",
        {
            "w": "[W_iᵀ W_fᵀ W_gᵀ W_oᵀ; U_iᵀ U_fᵀ U_gᵀ U_oᵀ]",
            "wci": "p_i",
            "wcf": "p_f",
            "wco": "p_o",
            "b": "[b_i; b_f; b_g; b_o]",
        },
        ("c", "h"),
        "reported",
        RAW,
        settings=CLIP,
        note="gates i, f, ci, o, unlike BlockLSTM, and nothing is added to the forget bias",
    ),
)
