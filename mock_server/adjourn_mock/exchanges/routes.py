"""From a raw path to a path template and its parameter, by the contract's paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from adjourn_mock.domain.errors import UserError
from adjourn_spec import Contract, Operation, PathTemplate

__all__ = ["Path", "Routes", "decode_segment"]


class Path(NamedTuple):
    """A path of the contract with its operations by method; `takes_segment` where it has a parameter."""

    operations: Mapping[str, Operation]
    method_clause: str
    takes_segment: bool


class Routes:
    """The contract's paths, compiled.

    A segment of a raw path that is a parameter keeps its percent-encoding, so
    `%2F` stays part of it (clause id.decoding).
    """

    def __init__(self, contract: Contract) -> None:
        pattern = b"|".join(_pattern(path) for path in contract.paths)
        self._exact, self._any_case = re.compile(pattern), re.compile(pattern, re.IGNORECASE)
        self._paths: dict[int | None, Path] = {}
        group = 0
        for path in contract.paths:
            takes_segment = "{" in path.template
            group += 1 + takes_segment
            operations = {method: contract.operations[name] for method, name in path.operations.items()}
            self._paths[group] = Path(operations, path.method_clause, takes_segment)

    def match(self, raw_path: bytes, *, any_case: bool = False) -> tuple[Path, bytes | None] | None:
        """The path and the raw segment of its parameter, if it has one.

        Args:
            raw_path: the path as it was sent.
            any_case: whether the fixed parts match in any letter case.
        """
        found = (self._any_case if any_case else self._exact).fullmatch(raw_path)
        if found is None:
            return None
        group = found.lastindex
        path = self._paths[group]
        return path, (found[group - 1] if path.takes_segment and group else None)


def _pattern(path: PathTemplate) -> bytes:
    """One alternative: the segment's group, if it has one, and an empty group whose number identifies the path."""
    parts = re.split(r"\{[^}]+\}", path.template)
    return b"([^/]+)".join(re.escape(part).encode() for part in parts) + b"()"


def decode_segment(segment: bytes) -> str:
    """Percent-decode once, as UTF-8 (clause id.decoding).

    Raises:
        ValueError: a percent sign without two digits behind it, or bytes that are not UTF-8.
    """
    if b"%" not in segment:
        return segment.decode()
    if _STRAY_PERCENT.search(segment):
        raise UserError("a percent sign without two hexadecimal digits")
    return unquote_to_bytes(segment).decode()


_STRAY_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
