"""Keras: gates side by side in columns, x K; one bias, or two rows of it."""

from __future__ import annotations

from verify.dialects.record import Dialect

KERAS = "keras 3.15.1"
KERAS_2 = "tensorflow 2.21.0 and tf_keras 2.21.0, tf.compat.v1.keras"
HARD = "its gates are hard sigmoids of slope 1/5 unless recurrent_activation is given"
STEEPER = "the slope is 1/6 where the cell has 1/5: the factor makes up for it"
GRU = {"kernel": "[W_uᵀ W_rᵀ W_hᵀ]", "recurrent_kernel": "[U_uᵀ U_rᵀ U_hᵀ]"}
LSTM = {
    "kernel": "[W_iᵀ W_fᵀ W_gᵀ W_oᵀ]",
    "recurrent_kernel": "[U_iᵀ U_fᵀ U_gᵀ U_oᵀ]",
    "bias?": "[b_i; b_f; b_g; b_o]",
}

RECORDS = (
    Dialect(
        "keras.SimpleRNN",
        "rnn",
        {"kernel": "W_hᵀ", "recurrent_kernel": "U_hᵀ", "bias?": "b_h"},
        ("h",),
        "run",
        KERAS,
    ),
    Dialect(
        "keras.GRU",
        "gru_after_keep",
        GRU | {"bias?": "[b_uᵀ b_rᵀ b_hᵀ; b_uᵀ b_rᵀ c_hᵀ]"},
        ("h",),
        "run",
        KERAS,
        note="gates z, r, h; the default reset_after=True, as tf.keras 2 too",
    ),
    Dialect(
        "keras.GRU",
        "gru_keep",
        GRU | {"bias?": "[b_u; b_r; b_h]"},
        ("h",),
        "run",
        KERAS,
        {"reset_after": False},
    ),
    Dialect(
        "keras.LSTM",
        "lstm",
        LSTM,
        ("h", "c"),
        "run",
        KERAS,
        note="unit_forget_bias stores the 1 in the bias",
    ),
    Dialect(
        "keras.LSTM",
        "lstm_hard",
        {
            "kernel": "[6/5*W_iᵀ 6/5*W_fᵀ W_gᵀ 6/5*W_oᵀ]",
            "recurrent_kernel": "[6/5*U_iᵀ 6/5*U_fᵀ U_gᵀ 6/5*U_oᵀ]",
            "bias?": "[6/5*b_i; 6/5*b_f; b_g; 6/5*b_o]",
        },
        ("h", "c"),
        "run",
        KERAS,
        {"recurrent_activation": "hard_sigmoid"},
        note=STEEPER,
    ),
    Dialect(
        "keras.GRU",
        "gru_keep_hard",
        {
            "kernel": "[6/5*W_uᵀ 6/5*W_rᵀ W_hᵀ]",
            "recurrent_kernel": "[6/5*U_uᵀ 6/5*U_rᵀ U_hᵀ]",
            "bias?": "[6/5*b_u; 6/5*b_r; b_h]",
        },
        ("h",),
        "run",
        KERAS,
        {"reset_after": False, "recurrent_activation": "hard_sigmoid"},
        note=STEEPER,
    ),
    Dialect(
        "tf1.keras.GRU",
        "gru_keep_hard",
        GRU | {"bias?": "[b_u; b_r; b_h]"},
        ("h",),
        "reported",
        KERAS_2,
        note=HARD,
    ),
    Dialect(
        "tf1.keras.LSTM",
        "lstm_hard",
        LSTM,
        ("h", "c"),
        "reported",
        KERAS_2,
        note=HARD,
    ),
)
