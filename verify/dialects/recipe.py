"""A conversion written out as NumPy, to be read or taken into another program.

The lines follow from the two records and the choice between their cells, as `convert` does itself:
the parameters are read from arrays `a`, changed where the cells differ, and written to arrays `b`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

from equations.generate.text.source import INDENT, WIDTH
from verify.dialects.equivalence import Choice, Term, choice
from verify.dialects.layout import Block, DialectError, Layout, Length, in_words
from verify.dialects.record import Dialect


def recipe(source: Dialect, target: Dialect) -> str:
    """The lines of one layer and direction.

    Raises:
        DialectError: there is no conversion for all weights.
    """
    made = choice(source.cell, target.cell)
    if made is None or made.conditions:
        raise DialectError(f"{source.name} to {target.name}: no conversion for all weights")
    lines = [*_reading(source), *_changing(source, target, made), *_writing(target)]
    text = "\n".join(lines)
    sizes = [f"{axis} = {value}" for axis, value in _sizes(source) if _used(axis, text, source)]
    return "\n".join([*sizes, text])


def _used(axis: str, text: str, source: Dialect) -> bool:
    """Whether a length occurs in the lines, or in the length of another that does."""
    others = "".join(value for other, value in _sizes(source) if other != axis)
    return re.search(rf"\b{axis}\b", text + others) is not None


def _sizes(record: Dialect) -> list[tuple[str, str]]:
    """How the length of each axis is read off an array, in an order in which it can be."""
    found: dict[str, str] = {}
    shapes = [
        (f'a["{name}"].shape[{layout.lead + k}]', length)
        for name, layout in zip(record.array_names(), record.layouts.values(), strict=True)
        for k, length in enumerate(layout.lengths)
    ]
    for known in (False, True):
        for text, length in shapes:
            open_axes = [axis for axis in length if axis not in found]
            less = Counter({axis: n for axis, n in length.items() if axis in found})
            if len(open_axes) == 1 and open_axes[0] and bool(less) == known:
                count = length[open_axes[0]]
                minus = f" - {_product(less)}" if less else ""
                found[open_axes[0]] = f"{text}{minus}" + (f" // {count}" if count > 1 else "")
    return list(found.items())


def _reading(record: Dialect) -> Iterator[str]:
    """Each parameter as the sum of what its places hold."""
    for parameter in record.axes:
        terms = list(_places(record, parameter))
        if parameter in record.fixed:
            continue
        text = " + ".join(terms)
        added = record.added.get(parameter, 0.0)
        yield f"{parameter} = {text}{_signed(added)}"


def _places(record: Dialect, parameter: str) -> Iterator[str]:
    """Every place of a parameter as a slice of an array."""
    for name, layout in zip(record.array_names(), record.layouts.values(), strict=True):
        top: Length = Counter()
        for row in layout.rows:
            left: Length = Counter()
            height = row[0].lengths(record.axes)[0]
            for block in row:
                width = block.lengths(record.axes)[1]
                if block.parameter == parameter and block.factor:
                    rows = _slice(top, height, layout.lengths[0])
                    columns = "" if layout.flat else _slice(left, width, layout.lengths[1])
                    yield _sliced(f'a["{name}"]', layout, block, rows, columns)
                left = left + width
            top = top + height


def _sliced(array: str, layout: Layout, block: Block, rows: str, columns: str) -> str:
    vector = len(layout.axes[block.parameter]) == 1
    parts = ["0"] * layout.lead
    if layout.flat:
        parts.append(rows)
    elif vector:
        # A vector that is a row or a column of a matrix: its own axis alone is kept.
        span = rows if block.transposed else columns
        place = span.split(":", maxsplit=1)[0].strip() or "0"
        parts += [place, columns] if block.transposed else [rows, place]
    else:
        parts += [rows, columns]
    while parts and parts[-1] == ":":
        parts.pop()
    text = array + (f"[{', '.join(parts)}]" if parts else "")
    text += ".T" if block.transposed and not vector else ""
    return text if block.factor == 1 else _times(text, 1 / block.factor)


def _changing(source: Dialect, target: Dialect, made: Choice) -> Iterator[str]:
    """What is negated, zero or the identity; all at once, since a name may be both sides'."""
    changed = {name: t for name, t in made.parameters.items() if str(t) != name}
    changed |= {name: Term() for name, t in made.parameters.items() if t.parameter in source.fixed}
    values = {name: _value(source, target, name, term) for name, term in changed.items()}
    if values:
        yield f"{', '.join(values)} = {', '.join(values.values())}"


def _value(source: Dialect, target: Dialect, name: str, term: Term) -> str:
    if term.parameter:
        return str(term)
    read = [own for own in source.axes if own not in source.fixed]
    if term.identity:
        return f"np.eye({source.axes[read[0]][0]}, dtype={read[0]}.dtype)"
    alike = [own for own in read if source.axes[own] == target.axes[name]]
    return f"np.zeros_like({alike[0]})"


def _writing(record: Dialect) -> Iterator[str]:
    """Each array of its blocks; a parameter is put into its first place."""
    done: set[str] = set()
    for name, layout in zip(record.array_names(), record.layouts.values(), strict=True):
        rows = [[_block(record, layout, block, done) for block in row] for row in layout.rows]
        lead = "[None]" * layout.lead + ("[:, None]" if layout.column else "")
        vectors = all(len(record.axes[block.parameter]) == 1 for block in layout.blocks())
        target = f'b["{name}"] = '
        if len(rows) == 1 and len(rows[0]) == 1:
            yield f"{target}({rows[0][0]}){lead}" if lead else f"{target}{rows[0][0]}"
        elif len(rows[0]) == 1:
            yield _laid_out(f"{target}np.concatenate", [row[0] for row in rows], "", lead)
        elif len(rows) == 1 and not vectors:
            yield _laid_out(f"{target}np.concatenate", rows[0], "axis=1", lead)
        else:
            yield _laid_out(f"{target}np.block", [f"[{', '.join(row)}]" for row in rows], "", lead)


def _laid_out(head: str, parts: list[str], option: str, lead: str) -> str:
    """`head([a, b], option)lead` as the formatter would have it."""
    inner = f"[{', '.join(parts)}]{', ' if option else ''}{option}"
    if len(head) + len(inner) + len(lead) + 2 <= WIDTH:
        return f"{head}({inner}){lead}"
    if len(inner) + len(INDENT) <= WIDTH:
        return f"{head}(\n{INDENT}{inner}\n){lead}"
    lines = [f"{INDENT}[", *(f"{2 * INDENT}{part}," for part in parts), f"{INDENT}]"]
    if option:
        lines[-1] += ","
        lines.append(f"{INDENT}{option},")
    return "\n".join([f"{head}(", *lines, f"){lead}"])


def _block(record: Dialect, layout: Layout, block: Block, done: set[str]) -> str:
    name = block.parameter
    vector = len(record.axes[name]) == 1
    text = f"{name}{'.T' if block.transposed and not vector else ''}"
    if name in done or not block.factor:
        text = f"np.zeros_like({text})"
    else:
        done.add(name)
        text += _signed(-record.added.get(name, 0.0))
        if block.factor != 1:
            text = _times(f"({text})" if " " in text else text, block.factor)
    amid = any(len(record.axes[other.parameter]) == 2 for other in layout.blocks())
    return f"{text}[:, None]" if vector and amid and not block.transposed else text


def _times(text: str, factor: Fraction) -> str:
    """The product as `convert` computes it, so that it rounds alike."""
    if factor == -1:
        return f"-{text}"
    product = f"{factor.numerator} * {text}"
    return product if factor.denominator == 1 else f"{product} / {factor.denominator}"


def _signed(number: float) -> str:
    return f" {'+' if number > 0 else '-'} {abs(number):g}" if number else ""


def _slice(start: Length, length: Length, whole: Length) -> str:
    end = start + length
    first, last = _product(start) if start else "", "" if end == whole else _product(end)
    # The formatter sets a colon apart from a sum or product.
    return f"{first} : {last}".strip() if " " in first + last else f"{first}:{last}"


def _product(length: Length) -> str:
    return re.sub(r"(\d+) (\w)", r"\1 * \2", in_words(length))
