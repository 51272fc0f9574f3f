"""From a raw path to a path template and its parameter, by the contract's paths."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from adjourn_spec import Contract, Operation, PathTemplate

__all__ = ["Routes", "decode_segment"]


class Routes:
    """The contract's paths, compiled.

    A segment of a raw path that stands for a parameter keeps its percent-encoding, so
    `%2F` stays part of it (clause id.decoding).
    """

    def __init__(self, contract: Contract) -> None:
        pattern = b"|".join(_pattern(index, path) for index, path in enumerate(contract.paths))
        self._exact, self._any_case = re.compile(pattern), re.compile(pattern, re.IGNORECASE)
        self._operations: dict[str, dict[str, Operation]] = {
            f"path{index}": {method: contract.operations[name] for method, name in path.operations.items()}
            for index, path in enumerate(contract.paths)
        }
        self._paths = {f"path{index}": path for index, path in enumerate(contract.paths)}

    def match(
        self, raw_path: bytes, *, any_case: bool = False
    ) -> tuple[PathTemplate, dict[str, Operation], bytes | None] | None:
        """The template, its operations by method and the raw segment of its parameter, if it has one.

        Args:
            raw_path: the path as it was sent.
            any_case: whether the fixed parts match in any letter case.
        """
        found = (self._any_case if any_case else self._exact).fullmatch(raw_path)
        if found is None:
            return None
        name = found.lastgroup or ""
        path = self._paths[name]
        segment = found.group(_segment_group(name)) if "{" in path.template else None
        return path, self._operations[name], segment


def _pattern(index: int, path: PathTemplate) -> bytes:
    """One alternative: the segment's group, if any, and right after it an empty group that names the path."""
    parts = re.split(r"\{[^}]+\}", path.template)
    segment = f"(?P<{_segment_group(f'path{index}')}>[^/]+)".encode()
    return segment.join(re.escape(part).encode() for part in parts) + f"(?P<path{index}>)".encode()


def _segment_group(name: str) -> str:
    return f"{name}_segment"


def decode_segment(segment: bytes) -> str:
    """Percent-decode once, as UTF-8 (clause id.decoding).

    Raises:
        ValueError: a percent sign without two digits behind it, or bytes that are not UTF-8.
    """
    if b"%" not in segment:
        return segment.decode()
    if _STRAY_PERCENT.search(segment):
        raise ValueError("a percent sign without two hexadecimal digits")
    return unquote_to_bytes(segment).decode()


_STRAY_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
