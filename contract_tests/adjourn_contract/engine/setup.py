"""A run from its options: what they name is read, and what cannot be right is refused before the first request."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from adjourn_contract.engine.outcomes import TargetUnusable
from adjourn_contract.engine.run import PROFILES, Profile, Run
from adjourn_contract.transport.route import Proxy, parse_header
from adjourn_contract.transport.wire import Wire
from adjourn_spec import DocumentError, load_contract, read_document

__all__ = ["make_run", "read_pool"]

OptionReader = Callable[..., Any]


def make_run(option: OptionReader, *, worker: str = "") -> Run:
    """The run that the options and the environment ask for.

    Args:
        option: reads an option by its name, or else an environment variable.
        worker: the id of this process, where several share the tests.

    Raises:
        TargetUnusable: an option is missing or wrong.
    """
    url, key = option("url", "TRIGGER_API_URL"), option("secret-key", "TRIGGER_SECRET_KEY")
    if not url or not key:
        raise TargetUnusable("give the server's URL and secret key: --adjourn-url, --adjourn-secret-key")
    other_key = option("other-secret-key", "ADJOURN_OTHER_SECRET_KEY")
    if other_key == key:
        raise TargetUnusable("the two secret keys are the same; the other one must be of another environment")
    seed = option("seed")
    try:
        run = Run(
            wire=_wire(url, option),
            contract=load_contract(option("spec")),
            key=key,
            other_key=other_key,
            dialect=option("dialect"),
            profile=_profile(option),
            tag=f"{_run_number(seed):012d}{worker}",
            pool=read_pool(option("session-pool")),
            task=option("task"),
            account=_account(region=option("region"), lockToVersion=option("lock-to-version")),
        )
    except (DocumentError, ValueError) as error:
        raise TargetUnusable(str(error)) from None
    run.url, run.concurrency = url, option("concurrency") or 0
    if (lag_seconds := option("list-lag")) is not None:
        run.list_lag_seconds = lag_seconds
    if (most := option("max-requests")) is not None:
        run.limit_requests(most)
    left_seconds = _left_seconds(option("time-budget"), option("ends-at"))
    if left_seconds is not None:
        run.limit_time(time.monotonic() + left_seconds)
    return run


def _profile(option: OptionReader) -> Profile:
    profile, depth = PROFILES[option("profile")], option("depth")
    return profile if depth is None else replace(profile, sequences=(("standard", depth),))


def _wire(url: str, option: OptionReader) -> Wire:
    given = option("header", "ADJOURN_HEADERS") or ()
    # The variable has a header a line, the option one each.
    lines = [line for line in given.splitlines() if line.strip()] if isinstance(given, str) else given
    parts = urlsplit(url)
    proxy = None if option("no-proxy") else Proxy.of_environment(parts.scheme, parts.hostname or "")
    return Wire(url, rate=option("rate"), headers=tuple(parse_header(line) for line in lines), proxy=proxy)


def _left_seconds(budget_seconds: float | None, ends_at: float | None) -> float | None:
    """How long the check may still take; `ends_at` is in seconds of the epoch."""
    return budget_seconds if ends_at is None else ends_at - time.time()


def _account(**names: str | None) -> dict[str, str]:
    """Members of triggerConfig that name things of the account (grey.account-names), where they are known."""
    return {member: name for member, name in names.items() if name is not None}


def read_pool(path: str | None) -> list[dict[str, Any]]:
    """Sessions that exist already, from a YAML or JSON file.

    The file is a list, or an object with a list `sessions`; each entry is an object with the friendly id as `id`,
    and optionally `externalId`. The sessions must be open; the check closes them.

    Raises:
        DocumentError: the file cannot be read or has another form.
    """
    if path is None:
        return []
    value = read_document(path)
    sessions = value.get("sessions") if isinstance(value, dict) else value
    if not isinstance(sessions, list) or not all(
        isinstance(each, dict) and isinstance(each.get("id"), str) for each in sessions
    ):
        raise DocumentError(path, "", "must be a list of sessions such as {id: session_abc, externalId: chat-1}")
    return list(sessions)


def _run_number(seed: int | None) -> int:
    """The number in every name that the run makes: digits have no letter case, so they are found again in any form."""
    return (random.SystemRandom() if seed is None else random.Random(seed)).randrange(10**12)
