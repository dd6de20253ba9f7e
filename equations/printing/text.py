"""Formulas as plain text: in Unicode for the terminal, and in 7-bit ASCII."""

from __future__ import annotations

import unicodedata
from abc import abstractmethod

from equations.printing.notation import (
    Call,
    Component,
    Derivative,
    Marked,
    Name,
    Node,
    Power,
    Prefixed,
    SumOver,
    Total,
    Transpose,
)
from equations.printing.writer import ATOM, DERIVATIVE, FACTORS, Writer

SUPERSCRIPTS = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
COMBINING = {
    "hat": "\u0302",
    "tilde": "\u0303",
    "bar": "\u0304",
    "dot": "\u0307",
    "ddot": "\u0308",
    "vec": "\u20d7",
    "ring": "\u030a",
    "check": "\u030c",
    "breve": "\u0306",
}
SPACING = {"dot": "˙", "ring": "˚", "check": "ˇ", "breve": "˘", "+": "⁺"}
ASCII_ACCENTS = {"ring": "dot2", "check": "dot3", "breve": "dot4"}
SPECIAL = {
    "varepsilon": "ε",
    "varphi": "φ",
    "vartheta": "θ",
    "lambda": "λ",
    "Lambda": "Λ",
    "ell": "ℓ",
}


def greek(word: str) -> str | None:
    """The Greek letter of that name (`Gamma` or `gamma`); None if it names none."""
    if word in SPECIAL:
        return SPECIAL[word]
    case = "CAPITAL" if word[:1].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {word.upper()}")
    except KeyError:
        return None


class TextWriter(Writer):
    """What the two plain text formats share."""

    functions = {"sigmoid": "σ"}  # noqa: RUF012 - constant, and overridden as a whole

    def subscript(self, name: Name) -> str:
        """The subscripts, in braces where they would not hold together."""
        parts = [self.write(p) if isinstance(p, Name) else self.word(p) for p in name.sub]
        text = ",".join(parts)
        if not text:
            return ""
        return f"_{text}" if self.holds(text) else f"_{{{text}}}"

    def holds(self, text: str) -> bool:
        """Whether a subscript needs no braces: one character."""
        return text_width(text) == 1

    @abstractmethod
    def word(self, word: str) -> str:
        """A head or a subscript, which may be a LaTeX macro."""

    @abstractmethod
    def sum_sign(self, letters: str) -> str:
        """Σ with what it runs over."""

    def component(self, node: Component) -> str:
        """Indices on a bare letter, or on brackets: `I_{ij}`, `[h_t]_i`."""
        text = self.write(node.of)
        text = text if len(text) == 1 else f"[{text}]"
        letters = "".join(node.letters)
        return f"{text}_{{{letters}}}" if len(letters) > 1 else f"{text}_{letters}"

    def sum_over(self, node: SumOver) -> str:
        """A sum over indices, which reaches to the end of its term."""
        return f"{self.sum_sign(''.join(node.letters))} {self.summand(node)}"

    def summand(self, node: SumOver) -> str:
        """What is summed: a product needs no parentheses, a sum does."""
        return self.within(node.of, FACTORS)

    def total(self, node: Total) -> str:
        """A sum over all components."""
        return f"{self.sum_sign('')} {self.within(node.of, DERIVATIVE)}"

    def number_power(self, exponent: str) -> str:
        """An exponent."""
        return f"^{exponent}" if exponent.isalnum() else f"^({exponent})"

    def power(self, node: Power) -> str:
        """An exponent behind a name, and between a function and its argument."""
        base = node.base
        if isinstance(base, Prefixed) or (isinstance(base, Name) and base.sup):
            return f"({self.write(base)}){self.number_power(node.exponent)}"
        return f"{self.within(base, ATOM)}{self.number_power(node.exponent)}"


class UnicodeWriter(TextWriter):
    """Unicode for the terminal; braces and underscores stay, letters become what they are."""

    def word(self, word: str) -> str:
        """Greek letters for their names."""
        bare = word.removeprefix("\\")
        return greek(bare) or bare

    def name(self, name: Name, sup: str = "") -> str:
        """Accents combine with the first letter."""
        if name.verbatim:
            head = name.head
        else:
            head = self.word(name.head)
            marks = "".join(COMBINING.get(accent, f"[{accent}]") for accent in name.accents)
            head = unicodedata.normalize("NFC", head[:1] + marks) + head[1:]
        above = (name.sup + sup).translate(SUPERSCRIPTS)
        if above and above == name.sup + sup:
            above = f"^{above}" if len(above) == 1 else f"^{{{above}}}"
        return head + "'" * name.primes + self.subscript(name) + above

    def separator(self, kind: str) -> str:
        """`∘` componentwise."""
        return " ∘ " if kind == "componentwise" else " "

    def number_power(self, exponent: str) -> str:
        """Superscript digits where the exponent is a whole number."""
        if exponent.isdecimal():
            return exponent.translate(SUPERSCRIPTS)
        return super().number_power(exponent)

    def power(self, node: Power) -> str:
        """The exponent of a function stands before its argument."""
        base = node.base
        if (
            isinstance(base, Call)
            and len(base.arguments) == 1
            and base.function not in ("sqrt", "abs", "norm")
        ):
            name = self.functions.get(base.function, base.function)
            return f"{name}{self.number_power(node.exponent)}({self.write(base.arguments[0])})"
        return super().power(node)

    def transpose(self, node: Transpose) -> str:
        """`ᵀ` behind the name."""
        return f"{self.within(node.of, ATOM)}ᵀ"

    def call(self, node: Call) -> str:
        """|a|, ‖A‖ and √a have signs of their own."""
        if node.function == "abs":
            return f"|{self.write(node.arguments[0])}|"
        if node.function == "norm":
            return f"‖{self.write(node.arguments[0])}‖"
        if node.function == "sqrt":
            return f"√{self.within(node.arguments[0], ATOM)}"
        return super().call(node)

    def relation(self, operator: str) -> str:
        """≥ and ≤."""
        return {">=": "≥", "<=": "≤", "!=": "≠"}.get(operator, operator)

    def text(self, text: str) -> str:
        """A number or a constant."""
        return {"oo": "∞", "pi": "π", "E": "e"}.get(text) or super().text(text)

    def sum_sign(self, letters: str) -> str:
        """Σ with what it runs over."""
        if not letters:
            return "Σ"
        return f"Σ_{letters}" if len(letters) == 1 else f"Σ_{{{letters}}}"

    def prefixed(self, node: Prefixed) -> str:
        """δ or Δ, with the dot of a tangent on it."""
        mark = "δ" if node.mark == "delta" else "Δ"
        mark += "".join(COMBINING.get(accent, f"[{accent}]") for accent in node.accents)
        level = str(node.level).translate(SUPERSCRIPTS) if node.level > 1 else ""
        return f"{mark}{level}{self.within(node.of, ATOM)}"

    def strength(self, node: Node) -> int:
        """A mark ends what it stands behind."""
        return ATOM if isinstance(node, Marked) else super().strength(node)

    def marked(self, node: Marked) -> str:
        """A mark behind what is no name."""
        return self.within(node.of, ATOM) + SPACING.get(node.mark, f"[{node.mark}]")

    def derivative(self, node: Derivative) -> str:
        """∂ over ∂, on one line."""
        sign = "∂⁺" if node.direct else "∂"
        return f"{sign}{self.within(node.of, ATOM)}/∂{self.within(node.by, ATOM)}"


class AsciiWriter(TextWriter):
    """7-bit text: `*` componentwise, a blank for a matrix product, `^T` for a transpose."""

    functions = {}  # noqa: RUF012 - constant, and overridden as a whole

    def word(self, word: str) -> str:
        """A macro without its backslash."""
        return word.removeprefix("\\")

    def name(self, name: Name, sup: str = "") -> str:
        """Accents are spelled out behind the letter: `hdot_t`."""
        head = name.head if name.verbatim else self.word(name.head)
        head += "".join(ASCII_ACCENTS.get(accent, accent) for accent in name.accents)
        above = name.sup + sup
        above = f"^{above}" if len(above) == 1 else f"^{{{above}}}" if above else ""
        return head.replace("\\", "") + "'" * name.primes + self.subscript(name) + above

    def holds(self, text: str) -> bool:
        """Whether a subscript needs no braces: one word."""
        return text.isalnum()

    def separator(self, kind: str) -> str:
        """`*`, or a blank for a matrix product."""
        return " " if kind == "matrix" else " * "

    def transpose(self, node: Transpose) -> str:
        """`^T` behind the name."""
        return f"{self.within(node.of, ATOM)}^T"

    def sum_sign(self, letters: str) -> str:
        """`sum` with what it runs over."""
        if not letters:
            return "sum"
        return f"sum_{letters}" if len(letters) == 1 else f"sum_{{{letters}}}"

    def total(self, node: Total) -> str:
        """A sum over all components, as a function."""
        return f"sum({self.write(node.of)})"

    def strength(self, node: Node) -> int:
        """d/d needs parentheses in a product; functions need none."""
        if isinstance(node, Derivative):
            return FACTORS
        closed = isinstance(node, Total) or (isinstance(node, Marked) and node.mark != "+")
        return ATOM if closed else super().strength(node)

    def prefixed(self, node: Prefixed) -> str:
        """The letter d or D; its tangent is dot(...)."""
        mark = "d" if node.mark == "delta" else "D"
        inner = self.write(node.of)
        level = str(node.level) if node.level > 1 else ""
        text = f"{mark}{level}{inner}" if isinstance(node.of, Name) else f"{mark}{level}({inner})"
        for accent in node.accents:
            text = f"{ASCII_ACCENTS.get(accent, accent)}({text})"
        return text

    def marked(self, node: Marked) -> str:
        """dot(...) around what is no name."""
        if node.mark == "+":
            return f"{self.within(node.of, ATOM)}^+"
        return f"{ASCII_ACCENTS.get(node.mark, node.mark)}({self.write(node.of)})"

    def derivative(self, node: Derivative) -> str:
        """A quotient of differentials on one line."""
        sign = "d^+" if node.direct else "d"
        over = [
            self.write(p) if isinstance(p, Name) else f"({self.write(p)})"
            for p in (node.of, node.by)
        ]
        return f"{sign}{over[0]}/d{over[1]}"


def text_width(text: str) -> int:
    """How many columns the text takes; a combining accent takes none."""
    return sum(not unicodedata.combining(character) for character in text)
