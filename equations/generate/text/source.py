"""Python source as lines of text, laid out as the formatter would: nothing here knows a cell."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence

WIDTH = 100
INDENT = "    "

Lines = list[str]


def fill(template: str, slots: Mapping[str, Lines], words: Mapping[str, str]) -> Lines:
    """The lines of a template, with its places filled: `<slot>` by lines, `{word}` by a word."""
    lines: Lines = []
    for line in template.strip("\n").split("\n"):
        text = line.strip()
        if text.startswith("<") and text.endswith(">"):
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + part if part else part for part in slots[text[1:-1]]]
        else:
            lines.append(line.format(**words))
    return _signature([part for line in lines for part in _broken(line)])


def _broken(line: str) -> Lines:
    """A call that is too long for a line, with its arguments on lines of their own."""
    text = line.lstrip()
    if len(line) <= WIDTH or (parts := _call(text)) is None:
        return [line]
    indent = line[: len(line) - len(text)]
    return [indent + part for part in call(*parts, len(indent) // len(INDENT))]


def _call(text: str) -> tuple[str, list[str]] | None:
    """The function and the arguments of a text that is one call, perhaps of a method of another."""
    depth, place = 0, len(text)
    while place and (depth or place == len(text)):
        place -= 1
        depth += (text[place] in ")]}") - (text[place] in "([{")
    head, names = text[:place], ""
    while names != head:
        names, head = head, re.sub(r"\([^()]*\)", "", head)
    if not text.endswith(")") or not names.replace(".", "_").isidentifier():
        return None
    arguments = [""]
    for letter in text[place + 1 : -1]:
        depth += (letter in "([{") - (letter in ")]}")
        if depth == 0 and letter == ",":
            arguments.append("")
        else:
            arguments[-1] += letter
    return text[:place], [argument.strip() for argument in arguments]


def _signature(lines: Lines) -> Lines:
    """The head of a function on one line where it fits, else with its arguments on their own."""
    if not lines[0].startswith("def "):
        return lines
    end = next(k for k, line in enumerate(lines) if line.endswith(":"))
    first, *middle = (line.strip() for line in lines[: end + 1])
    whole = first + " ".join(middle[:-1]) + middle[-1] if len(middle) > 1 else first
    if len(whole) <= WIDTH:
        return [whole, *lines[end + 1 :]]
    head, _, rest = whole.partition("(")
    arguments, _, result = rest.rpartition(") ->")
    inner = [INDENT + arguments]
    if len(inner[0]) > WIDTH:
        inner = [f"{INDENT}{argument}," for argument in arguments.split(", ")]
    return [f"{head}(", *inner, f") ->{result}", *lines[end + 1 :]]


def indented(lines: Iterable[str]) -> Lines:
    """The lines, one level further in; empty ones stay empty."""
    return [INDENT + line if line else line for line in lines]


def assign(target: str, terms: Sequence[str], indent: int) -> Lines:
    """`target = a + b - c`, in parentheses when it is too long for a line."""
    first, *others = terms
    signed = [f"- {term[1:]}" if term.startswith("-") else f"+ {term}" for term in others]
    line = f"{target} = {' '.join([first, *signed])}"
    if len(line) + indent * len(INDENT) <= WIDTH:
        return [line]
    if len(signed) == 1 and (first.startswith("(") or others[0].endswith((")", "]"))):
        # Between two terms the formatter would rather break inside these brackets.
        return [
            *assign(target, [first], indent),
            *assign(target, [f"{target} {signed[0]}"], indent),
        ]
    inner = " ".join([first, *signed])
    if (parts := _call(inner)) is not None:
        head, arguments = parts
        within = ", ".join(arguments)
        if len(within) + (indent + 1) * len(INDENT) <= WIDTH:
            return [f"{target} = {head}(", INDENT + within, ")"]
        return call(f"{target} = {head}", arguments, indent)
    if len(inner) + (indent + 1) * len(INDENT) <= WIDTH:
        return [f"{target} = (", INDENT + inner, ")"]
    return [f"{target} = (", *indented([first, *signed]), ")"]


def call(head: str, arguments: Sequence[str], indent: int) -> Lines:
    """`head(a, b)`, one argument a line when it is too long for one."""
    line = f"{head}({', '.join(arguments)})"
    if len(line) + indent * len(INDENT) <= WIDTH:
        return [line]
    return [f"{head}(", *(f"{INDENT}{argument}," for argument in arguments), ")"]


def unpack(names: Sequence[str], values: Sequence[str], indent: int) -> Lines:
    """`a, b = x.a, x.b`, as many to a line as fit."""
    lines: Lines = []
    start = 0
    while start < len(names):
        stop = len(names)
        while stop > start + 1 and len(_pairs(names, values, start, stop)) + 4 * indent > WIDTH:
            stop -= 1
        lines.append(_pairs(names, values, start, stop))
        start = stop
    return lines


def _pairs(names: Sequence[str], values: Sequence[str], start: int, stop: int) -> str:
    return f"{', '.join(names[start:stop])} = {', '.join(values[start:stop])}"


def comment(text: str, indent: int) -> Lines:
    """A comment, wrapped."""
    return [f"# {line}" for line in textwrap.wrap(text, WIDTH - 2 - 4 * indent)]
