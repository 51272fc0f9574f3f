"""Texts in which what is new in each run is a variable: the run's id, keys, session ids, tokens, times."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import Match, SequenceMatcher
from itertools import chain
from string import ascii_lowercase, ascii_uppercase

__all__ = ["CASES", "Reference", "Text", "Vocabulary", "filled", "literal"]

_LOWERED = str.maketrans(ascii_uppercase, ascii_lowercase)
_LEAST_PART = 5
_LEAST_NAME = 8
_SEARCHED_CHARACTERS = 3000
_ENDS = 12
CASES: dict[str, Callable[[str], str]] = {
    "same": lambda text: text,
    "upper": str.upper,
    "lower": str.lower,
    "swapped": str.swapcase,
}


@dataclass(frozen=True)
class Reference:
    """A variable, or a part of one, in a letter case.

    Attributes:
        name: the variable.
        start: characters left out in front.
        stop: where it ends, as in a Python slice: None at its end, negative from its end.
        case: a name in CASES.
    """

    name: str
    start: int = 0
    stop: int | None = None
    case: str = "same"

    @property
    def is_whole(self) -> bool:
        return self.start == 0 and self.stop is None and self.case == "same"

    def value(self, bindings: Mapping[str, str]) -> str:
        return CASES[self.case](bindings[self.name][self.start : self.stop])


Text = tuple[str | Reference, ...]


def literal(text: str) -> Text:
    return (text,) if text else ()


def filled(text: Text, bindings: Mapping[str, str]) -> str:
    """The text with the values of its variables."""
    return "".join(part if isinstance(part, str) else part.value(bindings) for part in text)


@dataclass
class Vocabulary:
    """The values that are variables so far.

    Attributes:
        values: the name of each value.
        partial: the values of which parts are recognised too, with how many leading characters do not matter.
        names: names with the run's id in them: where it is, and the id.
    """

    values: dict[str, str] = field(default_factory=dict)
    partial: dict[str, int] = field(default_factory=dict)
    names: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, value: str, name: str, *, constant_prefix: int | None = None) -> None:
        """Make a value a variable.

        Args:
            value: the text.
            name: the variable.
            constant_prefix: recognise parts of it that reach beyond so many characters.
        """
        self.values.setdefault(value, name)
        if constant_prefix is not None:
            self.partial.setdefault(value, constant_prefix)

    def text_of(self, text: str) -> Text:
        """The text with variables in it."""
        if not text or not self.values:
            return literal(text)
        pattern = "|".join(re.escape(known) for known in sorted(self.values, key=len, reverse=True))
        parts: list[str | Reference] = []
        for piece in re.split(f"({pattern})", text):
            if piece in self.values:
                parts.append(Reference(self.values[piece]))
            elif piece:
                parts += self._parts(piece)
        return tuple(parts)

    def _parts(self, text: str) -> Iterator[str | Reference]:
        """A text without whole values, in which parts of values may be."""
        found = self._longest_part(text) if _LEAST_PART <= len(text) <= _SEARCHED_CHARACTERS else None
        if found is None:
            named = self._part_of_name(text) if _LEAST_NAME <= len(text) <= _SEARCHED_CHARACTERS else None
            yield from named if named is not None else literal(text)
            return
        at, start, size, value = found
        yield from self._parts(text[:at])
        yield from _in_cases(text[at : at + size], self.values[value], value, start)
        yield from self._parts(text[at + size :])

    def add_name(self, name: str, run: str) -> None:
        """Recognise parts of a name that has the run's id in it, though they have little of the id."""
        if run in name:
            self.names[name] = (name.index(run), run)

    def _part_of_name(self, text: str) -> Iterator[str | Reference] | None:
        for name, (at, run) in self.names.items():
            same = _longest_match(text, name)
            start, stop = max(same.b, at), min(same.b + same.size, at + len(run))
            if same.size >= _LEAST_NAME and start < stop:
                first, last = same.a + start - same.b, same.a + stop - same.b
                return chain(
                    self._parts(text[:first]),
                    _in_cases(text[first:last], self.values[run], run, start - at),
                    self._parts(text[last:]),
                )
        return None

    def _longest_part(self, text: str) -> tuple[int, int, int, str] | None:
        best: tuple[int, int, int, str] | None = None
        for value, prefix in self.partial.items():
            same = _longest_match(text, value)
            telling = same.b + same.size - max(prefix, same.b)
            if telling >= _LEAST_PART and (best is None or same.size > best[2]):
                best = (same.a, same.b, same.size, value)
        return best


def _in_cases(text: str, variable: str, value: str, start: int) -> Iterator[Reference]:
    """A part of a value in runs of one letter case each."""
    at = 0
    while at < len(text):
        size, case = max(
            (_run_length(text[at:], change(value[start + at :])), name_of_case)
            for name_of_case, change in CASES.items()
        )
        if _run_length(text[at:], value[start + at :]) == size:
            case = "same"
        stop = start + at + size
        left = len(value) - stop
        yield Reference(variable, start + at, None if left == 0 else -left if left <= _ENDS else stop, case)
        at += max(size, 1)


def _run_length(one: str, other: str) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _longest_match(text: str, value: str) -> Match:
    """The longest part that both have, whatever its letter case in ASCII."""
    one, other = text.translate(_LOWERED), value.translate(_LOWERED)
    return SequenceMatcher(None, one, other, autojunk=False).find_longest_match()
