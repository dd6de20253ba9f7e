"""The generated cells with their sequences compiled by numba, which compiled code needs SciPy for.

They have the functions and the types of `equations.generated`. A function is compiled when it is
first called with float32 and with float64, which takes some seconds, and kept on disk after that.
"""

from importlib.util import find_spec

for _name in ("numba", "scipy"):
    if find_spec(_name) is None:
        raise ImportError(f'{__name__} needs {_name}: pip install "gateproof[fast]"')
