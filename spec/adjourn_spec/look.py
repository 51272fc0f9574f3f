"""How every page looks that shows something of the contract: the mock's, and reports of the contract tests."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["look"]


def look() -> str:
    """The stylesheet, with its colours for light and dark."""
    return files("adjourn_spec").joinpath("look.css").read_text(encoding="utf-8")
