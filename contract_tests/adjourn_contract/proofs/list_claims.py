"""Claims about lists, from the words of a failure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from adjourn_contract.proofs.evidence import Claim, Reading, canonical
from adjourn_contract.proofs.failure import Failure, session_in, value_in

__all__ = ["claims_of_lists"]


def claims_of_lists(failure: Failure) -> Iterator[Claim]:
    """What the last list of a lawful server has, as far as the words of the failure show it."""
    ids = Reading("member", failure.last, ("data", "*", "id"))
    if failure.got in ("it is there", "it is not there"):
        session = session_in(failure.expected) if " session session_" in failure.expected else _last_id(failure)
        yield _membership(ids, session, is_owed=failure.got == "it is not there")
    elif found := re.match(r"the session (not )?in a list of", failure.expected):
        yield _membership(ids, _last_id(failure), is_owed=not found[1])
    elif failure.expected.startswith("no session of another environment"):
        yield _membership(ids, failure.got, is_owed=False)
    elif found := re.match(r"no (next|previous) on the", failure.expected):
        yield Claim(Reading("member", failure.last, ("pagination", found[1])), "is", ("", "null"))
    elif failure.expected.startswith("next on a page"):
        yield Claim(Reading("member", failure.last, ("pagination", "next")), "like", ('^"',))
    elif found := re.match(r"a session that has expired (not )?among", failure.expected):
        yield Claim(ids, "is" if found[1] else "unlike", ("[]",) if found[1] else (r"^\[\]$",))
    elif failure.expected.startswith("no session in a list"):
        yield Claim(ids, "is", ("[]",))
    elif failure.expected.endswith("among the CLOSED ones alone"):
        yield from _of_states(failure)
    else:
        yield from _of_whole_list(failure, ids)


def _membership(ids: Reading, session: object, *, is_owed: bool) -> Claim:
    return Claim(ids, "like" if is_owed else "unlike", (f'"{session}"',))


def _of_whole_list(failure: Failure, ids: Reading) -> Iterator[Claim]:
    if failure.expected.startswith("the sessions of a type that are"):
        yield Claim(ids, "unlike", (f"^{re.escape(ids.read(dict(enumerate(failure.exchanges))))}$",))
    elif found := re.match(r"[^\[]*(\[.*\])", failure.expected):
        wanted, shown = value_in(found[1]), value_in(failure.got)
        if isinstance(wanted, list) and isinstance(shown, list):
            yield Claim(ids, "is", (canonical(wanted),))
    elif found := re.match(r"(?:a page of )?(\d+)(?: rows .*)?$", failure.expected):
        yield Claim(ids, "like", (f'^\\[("[^"]*"(, )?){{{found[1]}}}\\]$',))


def _of_states(failure: Failure) -> Iterator[Claim]:
    """The last list of each state: a closed session is in that of the CLOSED ones alone."""
    steps = {step: exchange.target for step, exchange in enumerate(failure.exchanges) if "status" in exchange.target}
    for state in ("CLOSED", "ACTIVE", "EXPIRED"):
        step = max((step for step, target in steps.items() if target.endswith(state)), default=None)
        if step is not None:
            relation: Literal["like", "unlike"] = "like" if state == "CLOSED" else "unlike"
            yield Claim(Reading("member", step, ("data", "*", "id")), relation, (f'"{_last_id(failure)}"',))


def _last_id(failure: Failure) -> str | None:
    """The id of the last single row before the list."""
    for exchange in reversed(failure.exchanges):
        value = exchange.value
        if isinstance(value, dict) and isinstance(value.get("id"), str):
            return str(value["id"])
    return None
