"""What any order of overlapping requests has in common: claims about their answers that hold however chance decides."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from adjourn_contract.proofs.evidence import Claim, Reading, canonical
from adjourn_contract.transport.exchange import Exchange

__all__ = ["claims_of_overlaps", "overlapping"]

_SET_BY_CLOSE = ("closedAt", "closedReason")


def overlapping(exchanges: Sequence[Exchange]) -> Sequence[int]:
    """The numbers of the exchanges that overlapped with others."""
    found: set[int] = set()
    ended, last = 0.0, -1
    for number, exchange in enumerate(exchanges):
        if exchange.began and exchange.began < ended:
            found |= {last, number}
        if exchange.began + exchange.seconds > ended:
            ended = exchange.began + exchange.seconds
        last = number
    return sorted(found)


def claims_of_overlaps(exchanges: Sequence[Exchange]) -> Iterator[Claim]:
    """What a lawful server's answers satisfy whichever of the overlapping requests comes first.

    Closes answer 200 with the row of the session that was meant; each answer of a close and each later read has the
    same closedAt and closedReason; creates of one externalId answer one session; the only update is in later reads.
    """
    group = overlapping(exchanges)
    if not group:
        return
    for sessions in _by_session(exchanges).values():
        yield from _of_session(exchanges, group, sessions)


def _by_session(exchanges: Sequence[Exchange]) -> dict[tuple[str, str], list[int]]:
    """The numbers of the exchanges by who sent them and which session they mean."""
    names: dict[tuple[str, str], tuple[str, str]] = {}
    found: dict[tuple[str, str], list[int]] = {}
    for number, exchange in enumerate(exchanges):
        who = next((value for name, value in exchange.headers if name == "Authorization"), "")
        asked = _name_of(exchange)
        if asked is None:
            continue
        value = exchange.value if isinstance(exchange.value, dict) else {}
        session = names.setdefault((who, asked), (who, asked))
        if exchange.method == "POST" and not exchange.target.endswith("/close") and isinstance(value.get("id"), str):
            names.setdefault((who, value["id"]), session)
        found.setdefault(session, []).append(number)
    return found


def _name_of(exchange: Exchange) -> str | None:
    """The session that a request means: of its path, or the externalId of a create."""
    parts = exchange.target.partition("?")[0].strip("/").split("/")
    if parts[-1] == "sessions":
        name = _body(exchange).get("externalId") if exchange.method == "POST" else None
        return name if isinstance(name, str) else None
    return parts[-2] if parts[-1] == "close" else parts[-1]


def _body(exchange: Exchange) -> dict[str, Any]:
    try:
        value = json.loads(exchange.body or b"")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _of_session(exchanges: Sequence[Exchange], group: Sequence[int], numbers: Sequence[int]) -> Iterator[Claim]:
    closes = [each for each in numbers if exchanges[each].target.endswith("/close")]
    reads = [each for each in numbers if exchanges[each].method == "GET" and each > max(group)]
    creates = [each for each in numbers if each not in closes and exchanges[each].method == "POST"]
    first = next((each for each in numbers if exchanges[each].status in (200, 201)), None)
    if first is None:
        return
    for each in closes:
        yield Claim(Reading("status", each), "is", ("200",))
    rows = [*closes, *reads, *([] if set(closes) & set(group) else creates)]
    yield from _same("id", first, rows)
    # A read before the only close may show an open session.
    ended = [each for each in (*closes, *reads) if each >= min(closes)] if closes else []
    for name in _SET_BY_CLOSE if ended else ():
        yield from _same(name, ended[0], ended)
    yield from _of_only_update(exchanges, [each for each in numbers if exchanges[each].method == "PATCH"], reads)


def _same(name: str, first: int, numbers: Sequence[int]) -> Iterator[Claim]:
    for each in numbers:
        if each != first:
            yield Claim(Reading("member", each, (name,)), "same", other=Reading("member", first, (name,)))


def _of_only_update(exchanges: Sequence[Exchange], updates: Sequence[int], reads: Sequence[int]) -> Iterator[Claim]:
    if len(updates) == 1 and exchanges[updates[0]].status == 200:
        for name, sent in _body(exchanges[updates[0]]).items():
            for each in reads:
                yield Claim(Reading("member", each, (name,)), "is", (canonical(sent),))
