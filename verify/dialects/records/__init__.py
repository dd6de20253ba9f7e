"""The records: one module for frameworks that belong together, each with its `RECORDS`.

Gates as the equations name them: u, r, h of a GRU (update, relevance, candidate), f, i, o, g of an
LSTM (forget, input, output, candidate). Other names that a framework uses stand in its notes.
"""
