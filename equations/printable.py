"""What prints itself: as text at a prompt, as LaTeX and Markdown, and in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equations.printing import Format


class Printable:
    """A base of programs and recurrences."""

    def __str__(self) -> str:
        """The equations as text, in Unicode."""
        return self._rendered("unicode")

    __repr__ = __str__

    def to_latex(self) -> str:
        """The equations in LaTeX, for amsmath."""
        return self._rendered("latex")

    def to_markdown(self) -> str:
        """The equations in Markdown with fenced mathematics."""
        return self._rendered("markdown")

    def _repr_latex_(self) -> str:
        """For notebooks."""
        return self.to_latex()

    def _rendered(self, form: Format) -> str:
        from equations.printing import render  # noqa: PLC0415 - printing is built on programs

        return render(self, form)  # type: ignore[arg-type]
