"""Memory and products: what the functions over a sequence call."""

from __future__ import annotations

GATES = '''
def _gates(T: int, G: int, *lengths: int, dtype: DTypeLike) -> Array:
    """Room for G gates at every step, (T, G, B, n): all of one gate together, or all of one row.

    The second is better for a single row per step: then what one step computes is in one piece.
    """
    B, *rest = lengths
    if B == 1:
        return np.empty((T, B, G, *rest), dtype).swapaxes(1, 2)
    return np.empty((G, T, B, *rest), dtype).swapaxes(0, 1)
'''

PRODUCT = '''
def _product(x: Array, weights: tuple[Array, ...], out: Array) -> None:
    """Every row of x (T, B, k) times each of the weights (n, k), into out (T, G, B, n)."""
    (T, G, B, n), k = out.shape, x.shape[2]
    rows, joint = x.reshape(T * B, k), np.concatenate(weights)
    if B == 1:
        np.matmul(rows, joint.T, out=out.reshape(T, G * n))
    else:
        by_gate = joint.reshape(G, n, k).swapaxes(1, 2)
        np.matmul(rows, by_gate, out=out.swapaxes(0, 1).reshape(G, T * B, n))
'''

COLUMNS = '''
def _columns(weights: Array, G: int, B: int) -> Array:
    """Weights of G gates (G n, k) for products with B rows: (G, n / width, k, width).

    The blocks of columns are as wide as BLAS multiplies without packing, which is much faster. For
    a single row they are one matrix.
    """
    rows, k = weights.shape
    if B == 1:
        return np.ascontiguousarray(weights.T)
    n = rows // G
    widths = [width for width in (256, 128, 64, 32, 16) if n % width == 0]
    small = [width for width in widths if B * k * width <= 1_000_000]
    width = (small or widths[:1] or [n])[0]
    return np.ascontiguousarray(weights.reshape(G, n // width, width, k).swapaxes(2, 3))
'''

BLOCKS = '''
def _blocks(out: Array, weights: Array) -> Array:
    """The view of results (..., G, B, n) that a product with `_columns` fills.

    The gates of a single row must lie in one piece.
    """
    *lead, G, B, n = out.shape
    if weights.ndim == 2:
        return out.reshape(*lead, B, G * n)
    width = weights.shape[-1]
    return out.reshape(*lead, G, B, n // width, width).swapaxes(-3, -2)
'''

CHUNK = '''
def _chunk(T: int, values: int) -> int:
    """How many steps are computed at once: as many as fit into the cache, but at least 8.

    Args:
        T: all steps.
        values: how many a step computes.
    """
    return max(1, min(T, max(8, 131_072 // max(values, 1))))
'''

HELPERS = {
    "_gates": GATES,
    "_product": PRODUCT,
    "_columns": COLUMNS,
    "_blocks": BLOCKS,
    "_chunk": CHUNK,
}
"""Functions that a module carries if it calls them."""
