"""Blocks on a page: alignment, line breaks, and what each format puts around a formula."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal

from equations.printing.document import Block, Equations, Line, Paragraph
from equations.printing.latex import LatexWriter
from equations.printing.text import AsciiWriter, UnicodeWriter, text_width

if TYPE_CHECKING:
    from collections.abc import Iterable

    from equations.printing.notation import Node
    from equations.printing.writer import Writer

Format = Literal["unicode", "ascii", "latex", "markdown"]

TEXT_COLUMNS = 100
LATEX_COLUMNS = 72  # about a line of a page, counted in the characters of the Unicode form
INDENT = "    "


class Page(ABC):
    """Puts blocks together in one format."""

    writer: Writer

    def render(self, blocks: Iterable[Block]) -> str:
        """The whole text, without a newline at its end."""
        parts: list[str] = []
        last: Block | None = None
        for block in blocks:
            if isinstance(block, Paragraph):
                text = "".join(p if isinstance(p, str) else self.inline(p) for p in block.pieces)
            elif block.lines:
                text = self.equations(block)
            else:
                continue
            parts += [self.between(last, block)] if last else []
            parts.append(text)
            last = block
        return "".join(parts)

    @abstractmethod
    def between(self, before: Block, after: Block) -> str:
        """What separates two blocks."""

    @abstractmethod
    def inline(self, node: Node) -> str:
        """A formula within a sentence."""

    @abstractmethod
    def equations(self, block: Equations) -> str:
        """Aligned equations."""


class TextPage(Page):
    """Plain text."""

    def __init__(self, writer: Writer) -> None:
        """Take the writer of the formulas."""
        self.writer = writer

    def between(self, before: Block, after: Block) -> str:
        """Sentences and loops follow directly; an empty line stands between others."""
        both = isinstance(before, Paragraph) and isinstance(after, Paragraph)
        loop = isinstance(after, Equations) and after.indented
        return "\n" if both or loop else "\n\n"

    def inline(self, node: Node) -> str:
        """As it is."""
        return self.writer.write(node)

    def equations(self, block: Equations) -> str:
        """Aligned at `=`, broken before a term."""
        indent = INDENT if block.indented else ""
        lefts = [self.writer.write(left) for left, _ in block.lines]
        width = max(text_width(left) for left in lefts)
        starts = {group[0] for group in block.groups[1:]}
        lines: list[str] = []
        for left, line in zip(lefts, block.lines, strict=True):
            lines += [""] if line in starts else []
            right = line[1]
            start = f"{indent}{left}{' ' * (width - text_width(left))} = "
            room = TEXT_COLUMNS - text_width(start)
            terms = self.writer.terms(right)
            rows = [" ".join(row) for row in filled(terms, [text_width(t) for t in terms], room)]
            lines += [start + rows[0], *(" " * text_width(start) + row for row in rows[1:])]
        return "\n".join(lines)


class LatexPage(Page):
    """Displayed equations of amsmath, and sentences between them."""

    opening = r"\begin{align*}"
    closing = r"\end{align*}"
    joint = "\n"  # between a display and a sentence

    def __init__(self) -> None:
        """Make the writers: of the formulas, and of the text whose length decides on breaks."""
        self.writer = LatexWriter()
        self.ruler = UnicodeWriter()

    def between(self, before: Block, after: Block) -> str:
        """A sentence goes on around a display; two sentences are two paragraphs."""
        return "\n\n" if type(before) is type(after) else self.joint

    def inline(self, node: Node) -> str:
        """Between dollar signs."""
        return f"${self.writer.write(node)}$"

    def equations(self, block: Equations) -> str:
        """One display; groups stand a little apart."""
        groups = [
            " \\\\\n".join(f"  {row}" for line in group for row in self.rows(line))
            for group in block.groups
        ]
        body = " \\\\[1ex]\n".join(groups)
        return f"{self.opening}\n{body}\n{self.closing}"

    def rows(self, line: Line) -> list[str]:
        """One equation, on as many rows as it needs."""
        left, right = line
        terms = self.writer.terms(right)
        room = LATEX_COLUMNS - text_width(self.ruler.write(left))
        widths = [text_width(text) for text in self.ruler.terms(right)]
        first, *rest = (" ".join(row) for row in filled(terms, widths, room))
        return [f"{self.writer.write(left)} &= {first}", *(rf"&\quad {{}} {row}" for row in rest)]


class MarkdownPage(LatexPage):
    """Markdown in which GitHub and GitLab set the mathematics.

    Formulas are fenced, as blocks and within sentences, so that no underscore or backslash in
    them is taken for Markdown.
    """

    opening = "```math\n\\begin{aligned}"
    closing = "\\end{aligned}\n```"
    joint = "\n\n"

    def inline(self, node: Node) -> str:
        """Between dollar signs and backquotes."""
        return f"$`{self.writer.write(node)}`$"


def filled(terms: list[str], widths: list[int], room: int) -> list[list[str]]:
    """Terms in rows of at most `room` columns; a longer term has a row of its own."""
    rows: list[list[str]] = [[]]
    used = 0
    for term, width in zip(terms, widths, strict=True):
        if rows[-1] and used + 1 + width > room:
            rows.append([])
            used = 0
        rows[-1].append(term)
        used += width + (used > 0)
    return rows


def page(form: str) -> Page:
    """The page of a format.

    Raises:
        ValueError: there is no such format; the message lists those there are.
    """
    if form == "unicode":
        return TextPage(UnicodeWriter())
    if form == "ascii":
        return TextPage(AsciiWriter())
    if form == "latex":
        return LatexPage()
    if form == "markdown":
        return MarkdownPage()
    raise ValueError(f"unknown format {form!r}; expected unicode, ascii, latex or markdown")
