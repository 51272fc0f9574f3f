"""The tokens that V8's parser of dates reads: numbers, words, white space and symbols."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from adjourn_mock.dialects.documented import JAVASCRIPT_SPACE

__all__ = ["END", "MONTHS", "Scanner", "Token"]

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SIGNIFICANT_DIGITS = 9
_Kind = Literal["number", "word", "space", "symbol", "end"]
_TOKEN = re.compile(
    rf"(?P<number>[0-9]+)|(?P<space>[{JAVASCRIPT_SPACE}])"
    rf"|(?P<word>(?:(?![{JAVASCRIPT_SPACE}])[A-\U0010ffff])+)|(?P<symbol>.)",
    re.DOTALL,
)


class Token(NamedTuple):
    """A piece of a text, with its kind."""

    kind: _Kind
    text: str = ""

    @property
    def number(self) -> int:
        """Of a number the first nine digits that count."""
        return int(self.text.lstrip("0")[:_SIGNIFICANT_DIGITS] or "0")

    @property
    def milliseconds(self) -> int:
        """Of the digits behind a decimal point."""
        length = min(len(self.text), _SIGNIFICANT_DIGITS)
        return int(self.number * 10.0 ** (3 - length))

    @property
    def keyword(self) -> str:
        """A word in lower case, as far as V8 looks: a month by its first three letters, others whole."""
        start = "".join(chr(ord(character) | 0x20) for character in self.text[:3])
        return start if len(self.text) <= 3 or start in MONTHS else ""

    def is_digits(self, length: int, first: int, last: int) -> bool:
        """Whether it is a number of so many digits between two others."""
        return self.kind == "number" and len(self.text) == length and first <= self.number <= last

    def is_symbol(self, *symbols: str) -> bool:
        """Whether it is one of these symbols."""
        return self.kind == "symbol" and self.text in symbols


END = Token("end")


class Scanner:
    """The tokens of a text; U+0000 ends it."""

    def __init__(self, text: str) -> None:
        self._text, self._place = text.partition("\0")[0], 0
        self.peek = self._scan()

    def next(self) -> Token:
        """The token that was next; go past it."""
        token, self.peek = self.peek, self._scan()
        return token

    def skip(self, symbol: str) -> bool:
        """Go past a symbol where it is next; whether it was."""
        return self.peek.is_symbol(symbol) and bool(self.next())

    def _scan(self) -> Token:
        found = _TOKEN.match(self._text, self._place)
        if found is None:
            return END
        self._place = found.end()
        if found[0] == "(":
            self._skip_parentheses()
        kind: _Kind = found.lastgroup  # type: ignore[assignment]
        return Token(kind, found[0])

    def _skip_parentheses(self) -> None:
        depth = 1
        while depth and self._place < len(self._text):
            depth += {"(": 1, ")": -1}.get(self._text[self._place], 0)
            self._place += 1
