"""Formulas as they stand in docstrings, in Unicode, made MathML: fractions, powers, indices."""

from __future__ import annotations

import re
import unicodedata
from html import escape

_TOKEN = re.compile(
    r"(?P<number>\d+(?:\.\d+)?|[½…∞])"
    r"|(?P<upper>[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀᵃᵇⁿˣʸ]+)|(?P<lower>[₀₁₂₃₄₅₆₇₈₉ᵢⱼₙ]+)"
    r"|(?P<word>∂?(?:[A-Za-z]+|[α-ωΦ])′*|∂)|(?P<space>\s+)|(?P<sign>.)"
)


def mathml(text: str) -> str:
    """A formula as MathML, one ``<math>`` for each part between commas, so that long ones can be broken there.

    Example:
        >>> print(mathml("1 / x"))
        <math displaystyle="true"><mfrac><mn>1</mn><mi>x</mi></mfrac></math>
    """
    if not text:
        return ""
    parts = re.split(r"(?<=[,;:]) (?![^(]*\))", text)
    return " ".join(escape(part) if _is_prose(part) else _math(part) for part in parts)


def _math(text: str) -> str:
    return f'<math displaystyle="true">{_Parser(text).row()}</math>'


def _is_prose(text: str) -> bool:
    return len(text.split()) > 3 and not re.search(r"[=+−·/^_√ΣΠ∂|()<>≤≥]", text)


class _Parser:
    """Reads a formula atom by atom: a number, a name with its powers and indices, a group, a call."""

    def __init__(self, text: str) -> None:
        self.tokens = [(str(match.lastgroup), match[0]) for match in _TOKEN.finditer(text)]
        self.place = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.place] if self.place < len(self.tokens) else ("", "")

    def take(self) -> tuple[str, str]:
        token = self.peek()
        self.place += 1
        return token

    def row(self, end: str = "") -> str:
        """Atoms up to the closing bracket, or to the end."""
        parts: list[str] = []
        while self.peek()[1] not in ("", end):
            kind, text = self.peek()
            if kind == "space":
                self.take()
                if self._stands_between_words():
                    parts.append('<mspace width="0.3em"/>')
            elif text == "/" and parts:
                self.take()
                self._skip_space()
                above = parts.pop()
                while above.startswith("<mspace") and parts:
                    above = parts.pop()
                parts.append(f"<mfrac>{_bare(above)}{_bare(self.atom())}</mfrac>")
            else:
                parts.append(self.atom())
        return "".join(parts)

    def atom(self) -> str:
        kind, text = self.take()
        if text in ("√", "Σ", "Π"):
            return self._prefix(text)
        if kind == "number":
            base = f"<mn>{text}</mn>"
        elif kind == "word":
            base = self._call(text)
        elif text == "(":
            base = f"<mrow><mo>(</mo>{self.row(')')}<mo>)</mo></mrow>"
            self.take()
        else:
            base = f"<mo>{escape(text)}</mo>"
        return self._scripts(base)

    def _prefix(self, sign: str) -> str:
        if sign == "√":
            return f"<msqrt>{_bare(self.atom())}</msqrt>"
        sign = self._scripts(f"<mo>{sign}</mo>")
        self._skip_space()
        return f"<mrow>{sign}{self.atom()}</mrow>" if self.peek()[1] else sign

    def _call(self, name: str) -> str:
        """A name; with a bracket right behind it, a function of what is in there."""
        base = f"<mi>{escape(name)}</mi>"
        scripts = self._scripts(base)
        if self.peek()[1] != "(":
            return scripts
        self.take()
        inside = self.row(")")
        self.take()
        return f"<mrow>{scripts}<mo>(</mo>{inside}<mo>)</mo></mrow>"

    def _scripts(self, base: str) -> str:
        kind, text = self.peek()
        if kind == "upper":
            self.take()
            return f"<msup>{base}<mrow>{_plain(text)}</mrow></msup>"
        if kind == "lower":
            self.take()
            return self._scripts(f"<msub>{base}<mrow>{_plain(text)}</mrow></msub>")
        if text in ("^", "_") and base.startswith("<mi>"):
            self.take()
            tag = "msup" if text == "^" else "msub"
            return f"<{tag}>{base}{_bare(self.atom())}</{tag}>"
        return base

    def _skip_space(self) -> None:
        while self.peek()[0] == "space":
            self.take()

    def _stands_between_words(self) -> bool:
        """Signs have room around them by themselves; words and commas need a space."""
        before = self.tokens[self.place - 2][1] if self.place > 1 else ""
        after = self.peek()[1]
        return len(before.lstrip("∂")) > 1 or before == "," or (len(after) > 1 and after[0].isalpha())


def _bare(atom: str) -> str:
    """A bracketed group without its brackets, which a fraction or a root doesn't need."""
    inside = re.fullmatch(r"<mrow><mo>\(</mo>(.*)<mo>\)</mo></mrow>", atom)
    return f"<mrow>{inside[1]}</mrow>" if inside else atom


def _plain(raised: str) -> str:
    """Raised or lowered letters as ordinary ones: MathML raises them itself."""
    text = unicodedata.normalize("NFKC", raised)
    return "".join(
        f"<mn>{part}</mn>" if part.isdigit() else f"<mi>{part}</mi>" if part.isalpha() else f"<mo>{part}</mo>"
        for part in re.findall(r"\d+|.", text)
    )
