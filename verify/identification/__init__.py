"""Which published cell a piece of code is, and how its weights map to the equations.

A target is a function of named weight arrays, an input and states. A candidate is a dialect record:
the record reads the arrays, and the generated cell says what must come out. Candidates that the
arrays do not fit are dropped, the others are run at inputs that tell them apart.
"""

from __future__ import annotations

from verify.identification.verdict import identify, identify_each

__all__ = ["identify", "identify_each"]
