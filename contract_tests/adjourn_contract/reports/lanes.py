"""Requests that overlap, as lanes of text: who sent what, when, and what came back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Bar", "lanes"]

_WIDTH = 24


class Bar(NamedTuple):
    """One request in the picture; `began` and `ended` are seconds on one clock, `ended` None without a response."""

    who: str
    words: str
    began: float
    ended: float | None
    got: str


def lanes(bars: Sequence[Bar]) -> list[str]:
    """A line for each request: its name, when it began, a bar from its start to its end, and what came back."""
    if not bars:
        return []
    start = min(bar.began for bar in bars)
    end = max([bar.ended for bar in bars if bar.ended is not None], default=start)
    scale = (_WIDTH - 1) / max(end - start, 1e-6)
    words = max(len(bar.words) for bar in bars)
    return [
        f"{bar.who:>2} {_milliseconds(bar, start)}  {_line(bar, start, scale)}  {bar.words:<{words}}  {bar.got}"
        for bar in bars
    ]


def _milliseconds(bar: Bar, start: float) -> str:
    return f"{(bar.began - start) * 1000:7.2f} ms"


def _line(bar: Bar, start: float, scale: float) -> str:
    first = min(_WIDTH - 1, int((bar.began - start) * scale))
    if bar.ended is None:
        return (" " * first + "├" + "─" * _WIDTH)[: _WIDTH - 1] + "…"
    last = max(first, min(_WIDTH - 1, int((bar.ended - start) * scale)))
    drawn = "│" if first == last else "├" + "─" * (last - first - 1) + "┤"
    return (" " * first + drawn).ljust(_WIDTH)
