"""The circumstances of a check, which every report states."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

__all__ = ["Facts", "adjourn_version"]


def adjourn_version() -> str:
    """The version of adjourn that is installed."""
    try:
        return version("adjourn")
    except PackageNotFoundError:
        return "unknown"


_UNKNOWN_DATE = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Facts:
    """What is known before the first request.

    Attributes:
        url: the server's base URL.
        began: when the check began, in UTC.
        version: of adjourn.
        profile: smoke, standard or thorough.
        seed: with which the same requests are sent again.
        dialect: the dialect that was required in the grey zones, or None.
        rate: upper limit of requests a second, or None.
        time_budget: upper limit of seconds, or None.
        location: the file of the repository at which code scanning shows a failure, a relative path.
        accept_place: where `accept` was set, for example `adjourn.toml`.
    """

    url: str = ""
    began: datetime = _UNKNOWN_DATE
    version: str = ""
    profile: str = "standard"
    seed: int = 0
    dialect: str | None = None
    rate: float | None = None
    time_budget: float | None = None
    location: str = "adjourn.toml"
    accept_place: str = "the command line"
