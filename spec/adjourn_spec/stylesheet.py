"""The stylesheet of every page that shows something of the contract: the mock's, and reports of the contract tests."""

from __future__ import annotations

from pathlib import Path

__all__ = ["stylesheet", "stylesheet_path"]


def stylesheet_path() -> Path:
    """The path of the stylesheet."""
    return Path(__file__).with_name("base.css")


def stylesheet() -> str:
    """The stylesheet, with its colours for light and dark."""
    return stylesheet_path().read_text(encoding="utf-8")
