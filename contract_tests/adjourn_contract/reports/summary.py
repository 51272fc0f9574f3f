"""What every report states beside the verdicts: the circumstances, and the conclusion with what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import get_args

from adjourn_contract.reports.facts import Facts
from adjourn_contract.reports.verdicts import State, Verdicts

__all__ = ["circumstances", "conclusion", "counts_text", "date_text", "target_troubles"]


def date_text(facts: Facts) -> str:
    """When the check began, as RFC 3339 has it."""
    return facts.began.strftime("%Y-%m-%dT%H:%M:%SZ")


def counts_text(verdicts: Verdicts) -> str:
    """How many clauses have which state, in one line."""
    counts = Counter(verdict.state for verdict in verdicts.all())
    states = ", ".join(f"{counts[state]} {state}" for state in get_args(State) if counts[state])
    return f"{states}; {verdicts.observed.requests} requests in {verdicts.seconds:.1f} s"


def circumstances(verdicts: Verdicts) -> Iterator[tuple[str, str]]:
    """Label and text of each circumstance: when, with what, and what was observed of the target."""
    facts, observed = verdicts.facts, verdicts.observed
    yield "date", date_text(facts)
    yield "adjourn", facts.version
    yield "target", facts.url
    yield "profile", f"{facts.profile}, seed {facts.seed}"
    yield "dialect", facts.dialect or "either answer in the grey zones"
    lag = observed.list_lag_seconds
    yield "list lag", "not measured" if lag is None else f"{lag:.1f} s"
    limit = "none set" if facts.rate is None else f"{facts.rate:g} requests a second at most"
    yield "rate", f"{limit}, {observed.rate_limited} answers were 429"
    if facts.time_budget is not None:
        yield "time budget", f"{facts.time_budget:g} s"
    if observed.left_open:
        yield "left open", f"{observed.left_open} sessions could not be closed"


def target_troubles(verdicts: Verdicts) -> Iterator[str]:
    """What a reader has to know of the target before any verdict: it went away, or it is unstable."""
    url, observed = verdicts.facts.url, verdicts.observed
    if observed.is_gone:
        yield f"{url} stopped accepting connections during the check"
    if observed.gateway_errors:
        count = observed.gateway_errors
        answers = "answer was" if count == 1 else "answers were"
        yield f"{url} is unstable: {count} {answers} a gateway's own 502, 503 or 504; the requests were sent again"


def conclusion(verdicts: Verdicts) -> Iterator[str]:
    """The last lines: what is incomplete, and the option, key or line with which that changes."""
    if verdicts.error is not None:
        yield f"not all was checked: {verdicts.error}"
    for glob in verdicts.stale:
        place = verdicts.facts.accept_place
        yield f'accepted, but it passes: remove "{glob}" from the accepted clauses ({place})'
    incomplete = verdicts.incomplete
    if incomplete:
        missing = ", ".join(f"{remedy} (for {count})" for remedy, count in verdicts.remedies.items())
        effect = "allowed by --allow-incomplete" if verdicts.allow_incomplete else "--allow-incomplete accepts that"
        yield (
            f"incomplete: {len(incomplete)} of the clauses asked for could not be checked"
            f"{f'; missing: {missing}' if missing else ''}; {effect}"
        )
