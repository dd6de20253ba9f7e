"""A character language model on a generated cell, beside an n-gram baseline.

The pipeline, a module each, from the file to the report:

    text        a text file                   → vocabulary, training part, held-out part
    ngram       training part                 → the baseline
    model       generated cell and head       → loss and gradients of one window of text
    optimiser   weights, gradients            → better weights (Adam)
    train       training part                 → a sequence of training states
    checkpoint  a training state              ↔ a file
    scoring     weights, held-out part        → bits per character
    sampling    weights, generator            → verses
    gradient    weights, a window of text     → is the gradient at the trained point right?
    cli         options                       → tables, verses, JSON

`trees` treats nested named tuples of arrays as one thing; `errors` holds the errors of them all.
"""
