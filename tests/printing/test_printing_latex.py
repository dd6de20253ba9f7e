r"""The LaTeX is valid: two parsers and a list of macros say so, and TeX where there is one.

Each parser sees what the other lets through (unbalanced braces; `\left` without `\right` and two
subscripts on one letter), and two superscripts are found here, as neither sees them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from latex2mathml.converter import convert
from pylatexenc.latexwalker import LatexWalker

from equations import cells
from equations.printing import render

Passes = Callable[[str], list[tuple[str, Any]]]

# All macros the printer may use: of LaTeX or amsmath, and known to MathJax and KaTeX.
MACROS = {
    *("begin", "end", ",", "[", "\\", "_", "left", "right", "quad", "dots", "partial"),
    *("dot", "ddot", "mathring", "check", "breve", "hat", "tilde", "bar", "vec", "overset"),
    *("mathrm", "mathtt", "mathbf", "operatorname", "frac", "sum", "sqrt", "top", "circ", "bullet"),
    *("lvert", "rvert", "ge", "le", "ne", "infty", "ell", "tanh", "exp", "log", "max", "min"),
    *("sin", "cos", "sinh", "cosh", "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"),
    *("theta", "iota", "kappa", "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau"),
    *("upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi"),
    *("Sigma", "Upsilon", "Phi", "Psi", "Omega"),
}

SCRIPT = r"(?:\{(?:[^{}]|\{[^{}]*\})*\}|\\[A-Za-z]+|[^\\{}])"
TWO_SUPERSCRIPTS = re.compile(rf"\^{SCRIPT}(?:_{SCRIPT})?(?:\^|')|'_{SCRIPT}(?:\^|')")

DISPLAY = re.compile(r"\\begin\{align\*\}.*?\\end\{align\*\}", re.DOTALL)
INLINE = re.compile(r"\$(.+?)\$")
FENCE = re.compile(r"```math\n(.*?)\n```", re.DOTALL)
FENCED_INLINE = re.compile(r"\$`(.+?)`\$")


def problems(formula: str) -> Iterator[str]:
    """What is wrong with a formula; nothing if it is valid."""
    for parse in (convert, _structure):
        try:
            parse(formula)
        except Exception as error:  # noqa: BLE001 - the parsers have no common base of errors
            yield f"{type(error).__name__}: {error}"
    unknown = set(re.findall(r"\\([A-Za-z]+|.)", formula, re.DOTALL)) - MACROS
    if unknown:
        yield f"unknown macros: {sorted(unknown)}"
    if found := TWO_SUPERSCRIPTS.search(formula):
        yield f"two superscripts: {found[0]}"
    if not formula.isascii():
        yield "a character that is not ASCII"


def _structure(formula: str) -> None:
    LatexWalker(formula, tolerant_parsing=False).get_latex_nodes()


def formulas(text: str) -> Iterator[str]:
    """The formulas of a LaTeX fragment: its displays, and those in the sentences around."""
    yield from DISPLAY.findall(text)
    yield from INLINE.findall(DISPLAY.sub("", text))


@pytest.mark.parametrize("name", list(cells))
def test_latex_of_every_pass_is_valid(name: str, printed_passes: Passes) -> None:
    """No formula of any pass has a problem, and outside of formulas there are plain words."""
    for title, printed in printed_passes(name):
        text = render(printed, "latex")
        found = list(formulas(text))
        assert found, title
        assert [p for formula in found for p in problems(formula)] == [], title
        words = INLINE.sub("", DISPLAY.sub("", text))
        assert re.fullmatch(r"[\w\s,:;']*", words), words


@pytest.mark.parametrize("name", list(cells))
def test_markdown_of_every_pass_is_fenced(name: str, printed_passes: Passes) -> None:
    """All mathematics is fenced, so that Markdown takes no underscore or backslash for its own."""
    for title, printed in printed_passes(name):
        text = render(printed, "markdown")
        found = [*FENCE.findall(text), *FENCED_INLINE.findall(FENCE.sub("", text))]
        assert found, title
        assert [p for formula in found for p in problems(formula)] == [], title
        words = FENCED_INLINE.sub("", FENCE.sub("", text))
        assert re.fullmatch(r"[\w\s,:;']*", words), words


@pytest.mark.parametrize(
    "wrong",
    [
        r"h'_t^2",
        r"h_t^2^3",
        r"h^{\top}_{t}'",
        r"{a",
        r"a}",
        r"\foo a",
        r"\left(a",
        r"\begin{align*} a &= b \\ c &= d",
        r"\begin{align*} a &= b \end{align}",
        r"a_b_c",
        r"\frac{a}",
        "δa",
    ],
)
def test_planted_errors_are_found(wrong: str) -> None:
    """The checks above see what TeX would refuse."""
    assert list(problems(wrong))


LATEX = shutil.which("pdflatex")
PREAMBLE = r"""\documentclass{article}
\usepackage{amsmath}
\allowdisplaybreaks
\begin{document}
"""


@pytest.mark.skipif(LATEX is None, reason="pdflatex is not installed; the parsers above have run")
def test_latex_compiles(tmp_path: Path, printed_passes: Passes) -> None:
    """All passes of all cells compile with amsmath and nothing else."""
    fragments = [render(p, "latex") for name in cells for _, p in printed_passes(name)]
    source = PREAMBLE + "\n\n".join(fragments) + "\n\\end{document}\n"
    (tmp_path / "all.tex").write_text(source, encoding="ascii")
    run = subprocess.run(
        [str(LATEX), "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:]
    assert (tmp_path / "all.pdf").stat().st_size > 0
