"""Keras: gates side by side in columns, x K; one bias, or two rows of it.

recurrent_activation="hard_sigmoid", the default of tf.compat.v1.keras, is a function that no cell
here has; its slope is 1/5 in Keras 2 and 1/6 in Keras 3.
"""

from __future__ import annotations

from verify.dialects.record import Dialect

KERAS = "keras 3.15.1"
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
)
