"""How every page looks that shows something of the contract: the mock's, and reports of the contract tests."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["stylesheet"]


def stylesheet() -> str:
    """The stylesheet, with its colours for light and dark."""
    return files("adjourn_spec").joinpath("base.css").read_text(encoding="utf-8")
