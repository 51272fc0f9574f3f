"""Which evidence a failure has: from what was expected and what came, in the words of the failure, and the answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from adjourn_contract.proofs.evidence import Claim, Evidence, Place, Reading, canonical, reading_of
from adjourn_contract.proofs.failure import NO_VALUE, Failure, session_in, value_in
from adjourn_contract.proofs.list_claims import claims_of_lists
from adjourn_contract.proofs.overlaps import claims_of_overlaps
from adjourn_contract.proofs.schema_patterns import pattern_of

__all__ = ["evidence_of"]

_LEAST_TELLING = 6
# Header and payload are objects: the base64url of `{` begins with ew or ey.
_JWT_IN_JSON = r'^"e[wy][^.]*[.]e[wy][^.]*[.][^.]+"$'
# Members that the server chooses: they are compared with what an earlier answer had.
_CHOSEN_BY_SERVER = ("id", "createdAt", "closedAt", "updatedAt", "currentRunId")


def evidence_of(failure: Failure) -> Evidence | None:
    """The claims that a lawful server satisfies at the end of the failure's scenario; None where they are not known."""
    if not failure.exchanges:
        return None
    for infer in _INFERENCES:
        claims = tuple(infer(failure))
        answers = dict(enumerate(failure.exchanges))
        # What the answers of the failure satisfy would show nothing.
        if claims and not Evidence(claims).holds(answers):
            return Evidence(claims)
    return None


def _of_overlaps(failure: Failure) -> Iterator[Claim]:
    yield from claims_of_overlaps(failure.exchanges)


def _of_status(failure: Failure) -> Iterator[Claim]:
    found = re.match(r"(\d{1,3}(?: or \d{1,3})*) for ", failure.expected)
    step = _summarised(failure)
    if found is None or step is None:
        return
    yield Claim(Reading("status", step), "is", tuple(found[1].split(" or ")))


def _summarised(failure: Failure) -> int | None:
    """The latest exchange whose summary is what came, or that has its status."""
    steps = range(failure.last, -1, -1)
    exact = next((n for n in steps if failure.exchanges[n].summary == failure.got), None)
    if exact is not None:
        return exact
    status = re.match(r"\d{3}\b", failure.got)
    return next((n for n in steps if status and str(failure.exchanges[n].status) == status[0]), None)


def _of_error_text(failure: Failure) -> Iterator[Claim]:
    step = _summarised(failure)
    if failure.expected.startswith("a JSON body with an error string") and step is not None:
        yield Claim(Reading("member", step, ("error",)), "like", ('^"',))


# members of rows


def _of_words(failure: Failure) -> Iterator[Claim]:
    """What is said of closedAt without a value."""
    closed_at = Reading("member", failure.last, ("closedAt",))
    if failure.expected == "closedAt to be set":
        yield from (Claim(reading, "like", ('^"',)) for reading in _rows(failure, "closedAt", "null"))
    elif found := re.match(r"(\w+) to be set in the response", failure.expected):
        yield from islice((Claim(reading, "like", ('^"',)) for reading in _rows(failure, found[1], "null")), 1)
    elif failure.expected.startswith("expiresAt the instant"):
        expires_at = Reading("member", failure.last, ("expiresAt",))
        wrong = expires_at.read(dict(enumerate(failure.exchanges)))
        yield Claim(expires_at, "unlike", (f"^{re.escape(wrong)}$",))
    elif failure.expected == "a new session to be open":
        yield Claim(closed_at, "is", ("null",))
    elif failure.expected == "the time of the close" and (sent := re.search(r"in the body, (\S+)", failure.got)):
        for name in ("closedAt", "updatedAt"):
            yield Claim(Reading("member", failure.last, (name,)), "unlike", (f'^"{sent[1]}"$',))


def _of_member(failure: Failure) -> Iterator[Claim]:
    """`NAME VALUE`, with more words behind; `NAME as before: VALUE`; `the session ID`."""
    name, _, rest = failure.expected.partition(" ")
    rest = re.sub(r"^as (before|it was sent): ", "", rest)
    expected, got = value_in(rest), value_in(failure.got.removeprefix(f"{name} "))
    if name == "the" and rest.startswith("session "):
        name, expected, got = "id", session_in(rest), session_in(failure.got)
    if expected is NO_VALUE or not re.fullmatch(r"[A-Za-z]\w*([.]\w+)*", name):
        return
    seen = _seen(failure, name, None if got is NO_VALUE else got)
    if seen is None:
        return
    yield _equal(failure, seen, name, canonical(expected))


def _seen(failure: Failure, name: str, got: Any) -> Reading | None:
    """The member that is wrong: of the row that is known to be, or of the latest that has what came."""
    if failure.row is not None and (known := reading_of(failure.exchanges, failure.row, *name.split("."))):
        return known
    found = next(_rows(failure, name, canonical(got)), None)
    return next(_rows(failure, name, ""), None) if found is None and got is None else found


def _equal(failure: Failure, reading: Reading, name: str, expected: str) -> Claim:
    """A member is what it was in an earlier answer, or what was sent."""
    if name in _CHOSEN_BY_SERVER and expected != "null":
        # The first answer that had it: later ones may be wrong themselves.
        *_, earliest = [None, *_rows(failure, name, expected)]
        if earliest is not None and earliest.step != reading.step:
            return Claim(reading, "same", other=earliest)
    return Claim(reading, "is", (expected,))


def _rows(failure: Failure, name: str, text: str) -> Iterator[Reading]:
    """The members of that name with that value, the latest answer first."""
    answers = dict(enumerate(failure.exchanges))
    for step in range(failure.last, -1, -1):
        value = failure.exchanges[step].value
        member = tuple(name.split("."))
        places: list[Place] = [member]
        if isinstance(value, dict) and isinstance(value.get("data"), list):
            places = [("data", number, *member) for number in range(len(value["data"]))]
        for place in places:
            reading = Reading("member", step, place)
            if isinstance(value, dict) and ("id" in value or "data" in value) and reading.read(answers) == text:
                yield reading


# rows by themselves


def _of_row(failure: Failure) -> Iterator[Claim]:
    step = failure.last
    value = failure.exchanges[step].value
    is_list = isinstance(value, dict) and isinstance(value.get("data"), list)
    members = failure.contract.schema("SessionRow").definition["properties"]
    start: Place = ("data", "*") if is_list else ()
    found = re.match(r"a (?:list )?row that is valid against the document: (\S*)", failure.expected)
    if found is not None:
        yield from _of_violation(failure, start, found[1])
    elif failure.expected.startswith("every member of a row"):
        for name in members:
            yield Claim(Reading("member", step, (name,)), "like", (".",))
    elif failure.expected.startswith("no members but those of a row"):
        pattern = r"^\[(\"(" + "|".join([*members, "pendingVersion"]) + r")\"(, )?)*\]$"
        yield Claim(Reading("names", step), "like", (pattern.replace('\\"', '"'),))
    elif failure.expected.startswith("a list row with the members of a row"):
        for number in range(len(value["data"]) if is_list else 0):
            yield Claim(Reading("member", step, ("data", number, "triggerConfig")), "is", ("",))
            for name in members:
                if name not in ("triggerConfig", "currentRunId"):
                    yield Claim(Reading("member", step, ("data", number, name)), "like", (".",))


def _of_violation(failure: Failure, start: Place, place: str) -> Iterator[Claim]:
    schema = failure.contract.schema("SessionRow").definition
    names = [part for part in re.split(r"[.\[\]]", place) if part]
    if not names:
        # A member is missing, or the answer is not a row at all.
        for name in schema.get("required", ()):
            yield from _of_places(failure, (*start, name), ".")
        return
    definition: Any = schema["properties"].get(names[0], {})
    yield from _of_places(failure, (*start, names[0]), pattern_of(failure.contract, definition))


def _of_places(failure: Failure, place: Place, pattern: str) -> Iterator[Claim]:
    """A pattern for a member; for each row of a list where a place has `*`."""
    if "*" not in place:
        yield Claim(Reading("member", failure.last, place), "like", (pattern,))
        return
    for number in range(len(failure.exchanges[failure.last].value["data"])):
        each = tuple(number if part == "*" else part for part in place)
        yield Claim(Reading("member", failure.last, each), "like", (pattern,))


def _of_content(failure: Failure) -> Iterator[Claim]:
    if failure.expected.startswith("application/json"):
        types = "|".join(re.escape(each).replace("\\", "") for each in failure.expected.split(" or "))
        pattern = f"^({types.replace('+', '[+]')})"
        yield Claim(Reading("header", failure.last, ("content-type",)), "like", (pattern,))
    elif failure.expected == "a JSON body":
        yield Claim(Reading("member", failure.last), "like", (".",))


def _of_secrets(failure: Failure) -> Iterator[Claim]:
    if not failure.expected.startswith("no key, token or internal id"):
        return
    exchange = failure.exchanges[failure.last]
    answers = dict(enumerate(failure.exchanges))
    sent = [value.removeprefix("Bearer ").strip() for name, value in exchange.headers if name == "Authorization"]
    text = Reading("text", failure.last)
    for secret in {*failure.secrets, *sent}:
        if secret and secret in text.read(answers):
            yield Claim(text, "without", (secret,))


def _of_allow(failure: Failure) -> Iterator[Claim]:
    if failure.expected.startswith("Allow with POST"):
        yield Claim(Reading("header", failure.last, ("allow",)), "like", ("POST",))
    elif found := re.match(r"Allow without the refused (\w+)", failure.expected):
        yield Claim(Reading("header", failure.last, ("allow",)), "unlike", (rf"(^|[ ,]){found[1]}([ ,]|$)",))


# times


def _of_times(failure: Failure) -> Iterator[Claim]:
    found = re.match(r"(closedAt|updatedAt) (-?[\d.]+) to (-?[\d.]+) s after createdAt", failure.expected)
    answers = dict(enumerate(failure.exchanges))
    step = next((n for n in range(failure.last, -1, -1) if Reading("member", n, ("closedAt",)).read(answers)), None)
    if step is None:
        return
    created = Reading("member", step, ("createdAt",))
    if found is not None:
        until = Reading("lapse", step, (found[1],), created)
        yield Claim(until, "within", (f"{float(found[2]) - 1.5:g}", f"{float(found[3]) + 2.5:g}"))
    elif failure.expected.startswith("closedAt not before createdAt"):
        yield Claim(Reading("lapse", step, ("closedAt",), created), "within", ("-1", "1e9"))
    elif failure.expected.startswith("closedAt not after"):
        yield Claim(Reading("lapse", step, ("closedAt",), created), "within", ("-1", "60"))
    elif failure.expected.startswith("updatedAt not before"):
        yield Claim(Reading("lapse", step, ("updatedAt",), created), "within", ("-0.001", "1e9"))
    elif found := re.match(r"updatedAt after \S+, ([\d.]+) s later", failure.expected):
        yield Claim(Reading("lapse", step, ("updatedAt",), created), "within", ("0.001", "1e9"))


# what create answers beside the row


def _of_create(failure: Failure) -> Iterator[Claim]:
    found = re.match(r"a (runId) that starts with (\w+)|a (publicAccessToken)$|a JWT as (\w+)", failure.expected)
    if found is None:
        return
    run, prefix, token, jwt = found.groups()
    pattern = f'^"{prefix}' if run else '^"' if token else _JWT_IN_JSON
    yield Claim(Reading("member", failure.last, (run or token or jwt,)), "like", (pattern,))


# tokens


def _of_tokens(failure: Failure) -> Iterator[Claim]:
    found = re.match(r"(\w+) of the public access token to be (.*)", failure.expected)
    if found is None:
        return
    name, wanted = found[1], found[2]
    reading = Reading("claim", failure.last, (name,))
    if seconds := re.match(r"(\d+) seconds after createdAt", wanted):
        lasts = int(seconds[1])
        yield Claim(Reading("lifetime", failure.last), "within", (str(lasts - 300), str(lasts + 300)))
    elif name == "scopes" and (listed := re.match(r"\[.*\]", wanted)):
        yield Claim(reading, "is", (canonical(value_in(listed[0])), canonical(value_in(listed[0])[::-1])))
    elif name == "sub":
        yield Claim(reading, "like", ('^"',))
    else:
        yield Claim(reading, "is", (canonical(True if wanted == "true" else wanted),))


# the rest


def _of_repeated_value(failure: Failure) -> Iterator[Claim]:
    """Where nothing else is known: the member that has what came must not have it."""
    for step in (failure.last, failure.last - 1):
        value = failure.exchanges[step].value if step >= 0 else None
        for place, member in _members(value):
            # A short value, such as null, may be another member's by chance.
            if len(failure.got) >= _LEAST_TELLING and failure.got in (str(member), repr(member), ascii(member)):
                yield Claim(Reading("member", step, place), "unlike", (f"^{re.escape(canonical(member))}$",))
                return


def _of_other_status(failure: Failure) -> Iterator[Claim]:
    """A refusal that is wrong for whatever reason; what is wrong with a success is not its status."""
    step = _summarised(failure)
    if step is not None and failure.exchanges[step].status >= 400:
        yield Claim(Reading("status", step), "unlike", (f"^{failure.exchanges[step].status}$",))


def _members(value: Any) -> Iterator[tuple[Place, Any]]:
    if not isinstance(value, Mapping):
        return
    for name, member in value.items():
        yield (name,), member
        if isinstance(member, Mapping):
            yield from (((name, *place), each) for place, each in _members(member))


def _of_test(failure: Failure) -> Iterator[Claim]:
    """What the test itself claims."""
    yield from failure.claims


# In this order: the last two look only for what came, and know nothing of what was expected.
_INFERENCES = (
    _of_test,
    _of_overlaps,
    _of_status,
    _of_error_text,
    _of_words,
    _of_member,
    _of_row,
    _of_content,
    _of_secrets,
    _of_allow,
    _of_times,
    _of_create,
    _of_tokens,
    claims_of_lists,
    _of_repeated_value,
    _of_other_status,
)
