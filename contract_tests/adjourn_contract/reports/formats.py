"""The formats of reports, and the files that they are written to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Self

from adjourn_contract.reports.html import html_report
from adjourn_contract.reports.json_report import json_report
from adjourn_contract.reports.junit import junit_report
from adjourn_contract.reports.markdown import markdown_report
from adjourn_contract.reports.sarif import sarif_report
from adjourn_contract.reports.verdicts import Verdicts

__all__ = ["FORMATS", "ReportError", "ReportFile"]

FORMATS: Mapping[str, Callable[[Verdicts], str]] = MappingProxyType(
    {
        "json": json_report,
        "junit": junit_report,
        "sarif": sarif_report,
        "md": markdown_report,
        "html": html_report,
    }
)
_ENDINGS = {".json": "json", ".xml": "junit", ".sarif": "sarif", ".md": "md", ".html": "html", ".htm": "html"}


class ReportError(ValueError):
    """A report's format is not known, or its file cannot be written."""


@dataclass(frozen=True)
class ReportFile:
    """A report that is to be written: its format, a key of `FORMATS`, and its file."""

    format: str
    path: Path

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `PATH` or `FORMAT:PATH`; without a format the file's ending says it.

        Raises:
            ReportError: the format is not known.
        """
        prefix, colon, rest = text.partition(":")
        if colon and prefix in FORMATS:
            if not rest:
                raise ReportError(f"--report {text!r} has no file name; write {prefix}:PATH")
            return cls(prefix, Path(rest))
        ending = Path(text).suffix.lower()
        if ending not in _ENDINGS:
            known, named = ", ".join(_ENDINGS), "|".join(FORMATS)
            raise ReportError(f"--report {text!r} has no known format; end it with {known}, or write {named}:PATH")
        return cls(_ENDINGS[ending], Path(text))

    def prepare(self) -> None:
        """Create the folders above the file, and see that it can be written.

        Raises:
            ReportError: it cannot.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ReportError(f"--report {self.path}: its folder cannot be created: {error.strerror}") from None
        if self.path.is_dir():
            raise ReportError(f"--report {self.path} is a folder; name a file in it")
        if not os.access(self.path if self.path.exists() else self.path.parent, os.W_OK):
            raise ReportError(f"--report {self.path} cannot be written: Permission denied")

    def write(self, verdicts: Verdicts) -> None:
        """Write the report.

        Raises:
            ReportError: the file cannot be written.
        """
        try:
            self.path.write_text(FORMATS[self.format](verdicts), encoding="utf-8")
        except OSError as error:
            raise ReportError(f"--report {self.path} cannot be written: {error.strerror}") from None
