"""The options of a check, as one value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["CheckOptions"]

# Fields that the process of the check reads itself; all others are options of the pytest plugin.
_NOT_OF_THE_PLUGIN = ("accept", "allow_incomplete", "fail_fast", "workers")


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """What to check and how.

    Attributes:
        url: the server's base URL.
        secret_key: its secret key; `other_secret_key` one of another environment.
        spec: path of another OpenAPI document.
        clause: globs of the slugs that are asked for; all where empty.
        dialect: `documented` or `server`, to require its answers in the grey zones.
        profile: smoke, standard or thorough.
        rate: upper limit of requests a second.
        time_budget: upper limit of seconds for the whole check, closing included.
        seed: the same seed sends the same requests.
        session_pool: path of a file with sessions that exist already.
        header: `NAME:VALUE` headers that are added to every request.
        region: a region that the account has, to check sessions with it too.
        lock_to_version: a version that the account has, likewise.
        task: taskIdentifier of the sessions that are created, instead of the document's example.
        no_proxy: ignore the proxies of the environment.
        list_lag: how many seconds a list may lag behind a write.
        depth: how many operations the sequences have of which every one is tried, instead of the profile's number.
        concurrency: how many scenarios run at once; by the latency where none is given.
        max_requests: upper limit of requests for the whole check, closing included.
        accept: globs of slugs that may fail.
        allow_incomplete: exit with 0 although a test could not run.
        fail_fast: stop at the first failed clause.
        workers: number of processes, by pytest-xdist.
    """

    url: str
    secret_key: str = field(repr=False)
    other_secret_key: str | None = field(default=None, repr=False)
    spec: str | None = None
    clause: tuple[str, ...] = ()
    dialect: str | None = None
    profile: str = "standard"
    rate: float | None = None
    time_budget: float | None = None
    seed: int | None = None
    session_pool: str | None = None
    header: tuple[str, ...] = field(default=(), repr=False)
    task: str | None = None
    region: str | None = None
    lock_to_version: str | None = None
    no_proxy: bool = False
    list_lag: float | None = None
    depth: int | None = None
    concurrency: int | None = None
    max_requests: int | None = None
    accept: tuple[str, ...] = ()
    allow_incomplete: bool = False
    fail_fast: bool = False
    workers: int = 1

    def plugin_arguments(self) -> Iterator[str]:
        """The options of the pytest plugin: `--adjourn-NAME=VALUE` for each value that is given."""
        for name, value in asdict(self).items():
            if name in _NOT_OF_THE_PLUGIN or value is None or value is False:
                continue
            option = f"--adjourn-{name.replace('_', '-')}"
            if value is True:
                yield option
            else:
                yield from (f"{option}={each}" for each in (value if isinstance(value, tuple) else (value,)))

    def as_dict(self) -> dict[str, Any]:
        """The options as a JSON object."""
        return asdict(self)
