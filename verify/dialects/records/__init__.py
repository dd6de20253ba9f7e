"""The records: one module for frameworks that belong together, each with its `RECORDS`.

Gates as the equations name them: u, r, h of a GRU (update, relevance, candidate), f, i, o, g of an
LSTM (forget, input, output, candidate). Other names that a framework uses stand in its notes.
"""

RECIPES = (
    ("Keras to PyTorch", "keras.GRU", "torch.GRU", "model.weights.h5 gru.pt"),
    ("Keras to PyTorch", "keras.LSTM", "torch.LSTM", "model.weights.h5 lstm.pt"),
    ("PyTorch to ONNX", "torch.GRU", "onnx.GRU[linear_before_reset=1]", "gru.pt gru.onnx"),
    ("PyTorch to ONNX", "torch.LSTM", "onnx.LSTM", "lstm.pt lstm.onnx"),
    ("TensorFlow 1 to Keras", "tf1.BasicLSTMCell", "keras.LSTM", "tf1.npz keras.npz"),
    ("TensorFlow 1 to Keras", "tf1.GRUCell", "keras.GRU[reset_after=False]", "tf1.npz keras.npz"),
    ("Haiku to Keras", "haiku.GRU", "keras.GRU[reset_after=False]", "haiku.npz keras.npz"),
    ("Keras to C arrays", "keras.GRU", "gateproof.{cell}", "model.weights.h5 gru.h"),
)
"""Recipes that people ask for: a heading, from, to, and the files of an example.

`{cell}` is the cell of the source: its arrays are the parameters as the equations name them.
"""
