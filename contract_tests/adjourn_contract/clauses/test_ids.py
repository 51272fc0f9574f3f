"""Which session is meant: the id clauses."""

from __future__ import annotations

from functools import partial
from string import hexdigits
from urllib.parse import quote

import pytest

from adjourn_contract.cases.batches import batches
from adjourn_contract.cases.identifiers import ODD_PARTS, UNDECODABLE, WORDS, Overdecoded, decoded_too_far, shapes
from adjourn_contract.engine.lookups import assert_not_found, assert_resolves
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario, ids_of
from adjourn_contract.transport.route import is_local


@pytest.mark.smoke
@pytest.mark.clause("id.friendly")
def test_a_friendly_id_means_its_row(run: Run) -> None:
    def play(scenario: Scenario, external_id: str | None) -> None:
        row = scenario.open(external_id)
        assert_resolves(scenario, row, row["id"], "id.friendly", "its friendly id")
        scenario.close(row, {"reason": "friendly"}, clause="id.friendly", look=False)

    run.each([None, run.name(), run.name()], play)


@pytest.mark.clause("id.external")
def test_an_external_id_means_its_row(run: Run) -> None:
    run.need("createSession")
    longest = run.contract.schema("CreateSession").definition["properties"]["externalId"]["maxLength"]

    def play(scenario: Scenario, external_id: str) -> None:
        row = scenario.open(external_id)
        scenario.assert_same({"externalId": external_id}, row, "create.created", "retrieve after create")
        assert_resolves(scenario, row, quote(external_id, safe=""), "id.external", "its externalId")
        scenario.close(row, {"reason": "external"}, by=external_id, clause="id.external")

    run.each([run.name(), run.name("x.y_z-~"), run.name().ljust(longest, "x")], play)


@pytest.mark.clause("id.unknown")
def test_an_unknown_id_is_404_and_creates_nothing(run: Run) -> None:
    prefix = run.contract.friendly_prefix
    friendly = [prefix + "nobody", prefix + "c" + "0" * 24, prefix + "x" * 60]
    external = [run.name(), run.name("\u00fc/x"), run.name("y" * 150)]

    def play(scenario: Scenario, key: str) -> None:
        what = "close of an unknown session"
        for body in ({}, {"reason": "nobody"}):
            scenario.expect(scenario.try_close(key, body), 404, "id.unknown", what, error=True)
        assert_not_found(scenario, key, "id.unknown", "an unknown id")

    run.each([external[0], friendly[0], *external[1:], *friendly[1:]], play)


@pytest.mark.clause("id.unknown", "server.no-error")
def test_a_word_that_programs_know_is_an_unknown_id(run: Run) -> None:
    def play(scenario: Scenario, words: tuple[str, ...]) -> None:
        for word in words:
            seen = scenario.send("GET", run.path(word))
            is_known = seen.status == 200 and isinstance(seen.value, dict) and seen.value.get("externalId") == word
            # Somebody else's session with exactly this externalId is left alone.
            if not is_known:
                with scenario.ruling_out(partial(assert_unknown_beside_a_session, scenario, word)):
                    scenario.expect(seen, 404, "id.unknown", f"retrieve of the unknown externalId {word!r}", error=True)
                closed = scenario.try_close(word, {"reason": "nobody"})
                with scenario.ruling_out(partial(assert_longer_path_unknown, scenario)):
                    scenario.expect(closed, 404, "id.unknown", f"close of the unknown externalId {word!r}", error=True)

    run.each(batches(WORDS), play)


def assert_unknown_beside_a_session(scenario: Scenario, word: str) -> None:
    """The same beside a session of this scenario: a proof cannot depend on those of other tests."""
    scenario.open()
    seen = scenario.send("GET", scenario.target.path(word))
    scenario.expect(seen, 404, "id.unknown", f"retrieve of the unknown externalId {word!r}", error=True)


def assert_longer_path_unknown(scenario: Scenario) -> None:
    """Blame the paths where what follows the close path is ignored: `close` may be such a tail."""
    path = scenario.target.close_path(scenario.open()["id"]) + "/x"
    scenario.expect(scenario.send("POST", path, {}), 404, "path.unknown", "a path behind the close path")


# Another test asks for the same words as ids that are unknown.
@pytest.mark.smoke
@pytest.mark.alone
@pytest.mark.clause("id.external", "server.no-error")
def test_a_word_that_programs_know_can_be_an_external_id(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, word: str) -> None:
        if scenario.send("GET", run.path(word)).status == 404:
            made = scenario.try_create(word)
            # It is closed in the end, and after that it cannot be created again.
            scenario.expect(made, (200, 201, 409), "id.external", f"create with the externalId {word!r}")
        row = scenario.retrieve(word, clause="id.external")
        scenario.assert_same({"externalId": word}, row, "id.external", f"retrieve by the externalId {word!r}")

    # Such an externalId cannot carry the id of the run, so it is used on servers of this machine alone.
    run.each(WORDS if is_local(run.wire.host) else (), play)


@pytest.mark.clause("id.external")
def test_an_external_id_may_look_like_any_other_id(run: Run) -> None:
    run.need("createSession")

    def digits(count: int) -> str:
        """An unused name in hexadecimal digits alone."""
        name = run.name().removeprefix("adjourn-").replace("-", "0")
        return "".join(character for character in name if character in hexdigits).rjust(count, "0")

    def play(scenario: Scenario, external_id: str) -> None:
        row = scenario.open(external_id)
        assert_resolves(scenario, row, quote(external_id, safe=""), "id.external", f"the externalId {external_id!r}")
        scenario.close(row, {"reason": "external"}, by=external_id, clause="id.external")

    run.each(shapes(digits), play)


@pytest.mark.clause("id.unknown")
def test_a_very_long_id_is_unknown_or_too_long(run: Run) -> None:
    def play(scenario: Scenario, size: int) -> None:
        for key in (run.name("y" * size), run.contract.friendly_prefix + "y" * size):
            for answer in (scenario.try_close(key), scenario.send("GET", run.path(key))):
                scenario.expect(answer, (404, 414, 431), "id.unknown", f"an unknown id of {size} characters")

    run.each([300, 2000], play)


@pytest.mark.clause("id.decoding")
def test_a_segment_that_cannot_be_decoded_means_no_session(run: Run) -> None:
    def play(scenario: Scenario, escapes: tuple[str, ...]) -> None:
        row = scenario.open()
        keys = [quote(key, safe="") for key in ids_of(row)]
        for escape in escapes:
            for segment in (*(key + escape for key in keys), escape + keys[0]):
                what = f"a path with {escape}"
                closed = scenario.send("POST", run.raw_close_path(segment), {"reason": "undecodable"})
                scenario.expect_status(closed, (400, 404), "id.decoding", f"close by {what}")
                seen = scenario.send("GET", run.raw_path(segment))
                scenario.expect_status(seen, (400, 404), "id.decoding", f"retrieve by {what}")
        scenario.assert_unchanged(row, "id.decoding")

    run.each(batches(UNDECODABLE), play)


@pytest.mark.clause("id.unknown")
def test_a_refused_close_does_not_prevent_a_create(run: Run, scenario: Scenario) -> None:
    run.need("createSession")
    name = run.name()
    scenario.expect(scenario.try_close(name, {"reason": "early"}), 404, "id.unknown", "close before create", error=True)
    made = scenario.try_create(name)
    scenario.expect(made, 201, "id.unknown", "create after a close of it was refused")
    scenario.close(scenario.retrieve(name))


@pytest.mark.clause("id.decoding")
def test_a_segment_is_decoded_once_as_utf8(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, part: str) -> None:
        external_id = f"{run.name()}{part}x"
        row = scenario.create(external_id)
        scenario.assert_same({"externalId": external_id}, row, "create.created", "create")
        row = scenario.retrieve(row["id"])
        segment = quote(external_id, safe="")
        assert_resolves(scenario, row, segment, "id.decoding", f"the percent-encoded externalId {external_id!r}")
        lower = _lower_hex(segment)
        assert_resolves(scenario, row, lower, "id.decoding", f"{external_id!r}, encoded in lower case")
        scenario.close(row, {"reason": "decoded"}, by=external_id, clause="id.decoding")

    run.each(ODD_PARTS, play)


def _lower_hex(text: str) -> str:
    pieces = text.split("%")
    return pieces[0] + "".join("%" + piece[:2].lower() + piece[2:] for piece in pieces[1:])


@pytest.mark.smoke
@pytest.mark.clause("id.decoding")
def test_unreserved_characters_may_be_encoded_or_not(run: Run, scenario: Scenario) -> None:
    run.need("createSession")
    external_id = run.name("a+b!$&'()*,;=:@~.c")
    row = scenario.open(external_id)
    literal = quote(external_id, safe="+!$&'()*,;=:@~.")
    for segment, what in (
        (literal, "an externalId with literal sub-delimiters"),
        (_all_encoded(external_id), "an externalId with every character but digits encoded"),
        (_all_encoded(row["id"]), "a friendly id with every character but digits encoded"),
    ):
        assert_resolves(scenario, row, segment, "id.decoding", what)
    closed = scenario.send("POST", run.raw_close_path(literal), {"reason": "literal"})
    scenario.expect(closed, 200, "id.decoding", "close by an externalId with a literal plus sign")


def _all_encoded(text: str) -> str:
    """The text with all but its digits percent-encoded: a proof puts the digits of its own run there."""
    return "".join(each if each.isdigit() else f"%{ord(each):02X}" for each in text)


@pytest.mark.clause("id.decoding")
def test_decoding_goes_no_further(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, case: Overdecoded) -> None:
        row = scenario.open(case.external_id)
        for method, target in (("POST", run.raw_close_path(case.segment)), ("GET", run.raw_path(case.segment))):
            answer = scenario.send(method, target, {"reason": "decoded too far"} if method == "POST" else None)
            scenario.expect_status(answer, (400, 404), "id.decoding", f"{method} by {case.what}")
        scenario.assert_unchanged(row, "id.decoding")

    run.each(decoded_too_far(run.name()), play)


@pytest.mark.smoke
@pytest.mark.clause("id.reserved")
def test_create_refuses_an_external_id_with_the_friendly_prefix(run: Run) -> None:
    run.need("createSession")
    prefix, tag = run.contract.friendly_prefix, run.name()

    def play(scenario: Scenario, external_id: str) -> None:
        made = scenario.try_create(external_id)
        with scenario.ruling_out(lambda: assert_create_refuses(scenario, {"type": 5})):
            scenario.expect(made, (400, 422), "id.reserved", f"create with the externalId {external_id!r}")
        answer = scenario.send("GET", run.path(external_id.strip()))
        clause = "id.reserved" if answer.status == 200 else "id.unknown"
        scenario.expect(answer, 404, clause, "retrieve of what create refused")

    reserved = [
        f"{prefix}{tag}",
        f" {prefix}{tag}",
        prefix,
        f"{prefix}c{'0' * 24}",
        f"{prefix}{tag} x",
        f"{prefix}/{tag}",
        f"{prefix}\u00fc{tag}",
        prefix + prefix,
        f"{prefix}{'x' * 100}",
    ]
    run.each(reserved, play)


def assert_create_refuses(scenario: Scenario, members: Row) -> None:
    made = scenario.try_create(**members)
    scenario.expect(made, (400, 422), "create.invalid", f"create with {members}")
