r"""Formulas in LaTeX, for amsmath; the same text is valid in MathJax and KaTeX."""

from __future__ import annotations

from equations.printing.notation import (
    Call,
    Component,
    Derivative,
    Marked,
    Name,
    Node,
    Power,
    Prefixed,
    Ratio,
    SumOver,
    Total,
    Transpose,
)
from equations.printing.text import greek
from equations.printing.writer import ATOM, FACTORS, SCRIPT, Writer

ACCENTS = {"ring": "mathring"}
MARKS = {"dot": r"\bullet", "ring": r"\circ", "+": "+"}
NAMED = ("tanh", "exp", "log", "max", "min", "sin", "cos", "sinh", "cosh")
RELATIONS = {">=": r"\ge", "<=": r"\le", "!=": r"\ne"}
CONSTANTS = {"ones": r"\mathbf{1}", "oo": r"\infty", "pi": r"\pi", "E": "e"}
SEPARATORS = {"componentwise": r" \circ ", "matrix": r" \, ", "scalar": r" \, ", "number": r" \, "}
# LaTeX has no macro for the capital letters that Latin has too.
GREEK_CAPITALS = frozenset(
    {"Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"}
)


class LatexWriter(Writer):
    """LaTeX without delimiters around it."""

    functions = {  # noqa: RUF012 - constant
        "sigmoid": r"\sigma",
        "diag": r"\operatorname{diag}",
        "where": r"\operatorname{where}",
        **{name: f"\\{name}" for name in NAMED},
    }

    def word(self, word: str) -> str:
        """A head or a subscript: a macro, a letter, a Greek letter's name or a word."""
        if word.startswith("\\") or len(word) == 1 or not word.isalnum():
            return word
        if greek(word) and (word[:1].islower() or word in GREEK_CAPITALS) and word != "omicron":
            return f"\\{word}"
        return rf"\mathrm{{{word}}}"

    def name(self, name: Name, sup: str = "") -> str:
        """Superscripts join the primes, or follow the subscript where there are none."""
        head = rf"\mathtt{{{_escaped(name.head)}}}" if name.verbatim else self.word(name.head)
        for accent in name.accents:
            if accent in ("dot2", "dot3", "dot4") or not accent.isalpha():
                head = rf"\overset{{{accent.removeprefix('dot')}}}{{{head}}}"
            else:
                head = rf"\{ACCENTS.get(accent, accent)}{{{head}}}"
        above = name.sup + sup
        above = f"^{{{above}}}" if above else ""
        parts = [self.write(p) if isinstance(p, Name) else self.word(p) for p in name.sub]
        # One subscript of two letters, as in W_{hy}, is two indices; longer ones are words.
        if len(name.sub) == 1 and isinstance(name.sub[0], str) and len(name.sub[0]) == 2:
            parts = [parts[0].removeprefix(r"\mathrm{").removesuffix("}")]
        below = ",".join(parts)
        below = "" if not below else f"_{below}" if len(below) == 1 else f"_{{{below}}}"
        primes = "'" * name.primes
        # A prime and a superscript must meet: h'_t^2 is an error, h'^2_t is not.
        return head + primes + above + below if primes else head + below + above

    def separator(self, kind: str) -> str:
        r"""`\\circ`, or a thin space."""
        return SEPARATORS[kind]

    def parentheses(self, text: str) -> str:
        """Parentheses, as tall as what they hold."""
        tall = r"\frac" in text or r"\sum" in text
        return rf"\left({text}\right)" if tall else f"({text})"

    def strength(self, node: Node) -> int:
        """A fraction has a bar, so it needs parentheses only under a script."""
        return SCRIPT if isinstance(node, Ratio | Derivative) else super().strength(node)

    def ratio(self, node: Ratio) -> str:
        """A fraction with a bar."""
        return rf"\frac{{{self.write(node.top)}}}{{{self.write(node.bottom)}}}"

    def power(self, node: Power) -> str:
        """An exponent, which joins the scripts of a name."""
        base = node.base
        if isinstance(base, Name) and not base.sup:
            return self.name(base, sup=node.exponent)
        plain = isinstance(base, Call) and base.function not in ("sqrt", "abs", "norm")
        if isinstance(base, Call) and plain and len(base.arguments) == 1:
            function = self.functions.get(base.function) or rf"\operatorname{{{base.function}}}"
            inner = self.parentheses(self.write(base.arguments[0]))
            return f"{function}^{{{node.exponent}}}{inner}"
        if isinstance(base, Prefixed | Name):
            return f"{self.parentheses(self.write(base))}^{{{node.exponent}}}"
        return f"{self.within(base, ATOM)}^{{{node.exponent}}}"

    def transpose(self, node: Transpose) -> str:
        r"""`\\top` among the superscripts."""
        of = node.of
        if isinstance(of, Name) and not of.sup:
            return self.name(of, sup=r"\top")
        if isinstance(of, Prefixed) and isinstance(of.of, Name) and not of.of.sup:
            return self._prefix(of) + self.name(of.of, sup=r"\top")
        return rf"{self.within(of, ATOM)}^{{\top}}"

    def call(self, node: Call) -> str:
        """A function by its macro, or as an operator name."""
        inner = r",\, ".join(self.write(part) for part in node.arguments)
        if node.function == "abs":
            return rf"\lvert {inner} \rvert"
        if node.function == "norm":
            return rf"\lVert {inner} \rVert"
        if node.function == "sqrt":
            return rf"\sqrt{{{inner}}}"
        function = self.functions.get(node.function) or rf"\operatorname{{{node.function}}}"
        return function + self.parentheses(inner)

    def relation(self, operator: str) -> str:
        """The sign of a relation."""
        return RELATIONS.get(operator, operator)

    def text(self, text: str) -> str:
        """A number or a constant."""
        return CONSTANTS.get(text, text.replace("...", r"\dots"))

    def total(self, node: Total) -> str:
        """A sum sign without indices."""
        return rf"\sum {self.within(node.of, SCRIPT)}"

    def sum_over(self, node: SumOver) -> str:
        """A sum sign with its indices."""
        return rf"\sum_{{{','.join(node.letters)}}} {self.within(node.of, FACTORS)}"

    def component(self, node: Component) -> str:
        """Indices on a bare letter or on brackets."""
        text = self.write(node.of)
        if len(text) > 1:
            text = rf"\left[{text}\right]" if r"\frac" in text else f"[{text}]"
        return f"{text}_{{{''.join(node.letters)}}}"

    def _prefix(self, node: Prefixed) -> str:
        mark = rf"\{node.mark}"
        for accent in node.accents:
            mark = rf"\{ACCENTS.get(accent, accent)}{{{mark}}}"
        level = f"^{{{node.level}}}" if node.level > 1 else ""
        return f"{mark}{level} "

    def prefixed(self, node: Prefixed) -> str:
        """δ or Δ before a name."""
        return self._prefix(node) + self.within(node.of, ATOM)

    def marked(self, node: Marked) -> str:
        """A mark as the superscript of parentheses."""
        inner = self.parentheses(self.write(node.of))
        return f"{inner}^{{{MARKS.get(node.mark, node.mark)}}}"

    def derivative(self, node: Derivative) -> str:
        """∂ over ∂."""
        sign = r"\partial^{+}" if node.direct else r"\partial"
        over = self.within(node.of, ATOM)
        return rf"\frac{{{sign} {over}}}{{\partial {self.within(node.by, ATOM)}}}"


def _escaped(text: str) -> str:
    """An identifier as LaTeX text."""
    return text.replace("\\", "").replace("_", r"\_").replace("^", r"\^{}")
