"""Which session is meant: the id clauses."""

from __future__ import annotations

from string import hexdigits
from urllib.parse import quote

import pytest

from adjourn_contract.engine.lookups import assert_not_found, assert_resolves
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Scenario, ids_of


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

    def play(scenario: Scenario, external_id: str) -> None:
        row = scenario.open(external_id)
        if row["externalId"] != external_id:
            raise scenario.fail("id.external", f"externalId {external_id!r}", repr(row["externalId"]))
        assert_resolves(scenario, row, quote(external_id, safe=""), "id.external", "its externalId")
        scenario.close(row, {"reason": "external"}, by=external_id, clause="id.external")

    longest = run.contract.operations["createSession"].body.schema.definition["properties"]["externalId"]["maxLength"]  # type: ignore[union-attr]
    tagged = run.name()
    run.each(
        [run.name(), run.name("x.y_z-~"), f"{abs(hash(tagged))}{tagged[-3:]}", tagged + "x" * (longest - len(tagged))],
        play,
    )


@pytest.mark.clause("id.unknown")
def test_an_unknown_id_is_404_and_makes_nothing(run: Run) -> None:
    prefix = run.contract.friendly_prefix
    keys = [
        run.name(),
        run.name("\u00fc/x"),
        prefix + "nobody",
        prefix + "c" + "0" * 24,
        prefix + "x" * 60,
        "0",
        "null",
        "undefined",
        "close",
        run.name("y" * 150),
        "true",
        "[]",
        "-1",
        "sessions",
    ]

    def play(scenario: Scenario, key: str) -> None:
        assert_not_found(scenario, key, "id.unknown", "an id that nobody has")
        for body in ({}, {"reason": "nobody"}):
            scenario.expect(scenario.try_close(key, body), 404, "id.unknown", "close of an unknown session", error=True)
        scenario.expect(
            scenario.send("GET", run.path(key)), 404, "id.unknown", "retrieve after a close of it", error=True
        )

    run.each(keys, play)


@pytest.mark.clause("id.external")
def test_an_external_id_may_look_like_any_other_id(run: Run) -> None:
    run.need("createSession")

    def digits(count: int) -> str:
        """A name that nobody has, in hexadecimal digits alone."""
        name = run.name().removeprefix("adjourn-").replace("-", "0")
        return "".join(character for character in name if character in hexdigits).rjust(count, "0")

    group = digits(32)
    shapes = [
        f"{group[:8]}-{group[8:12]}-4{group[13:16]}-a{group[17:20]}-{group[20:]}",
        "c" + digits(24),
        digits(24),
        str(int(digits(14), 16)),
        f"-{digits(10)}",
        f"run_c{digits(24)}",
        f"{digits(12)}@example.com",
        f"urn:uuid:{digits(12)}",
        f"https://example.com/{digits(12)}?a=b#c",
        f"{digits(12)}.json",
        f"[{digits(12)}]",
        f"{digits(12)}==",
        f"2026-01-02T03:04:05.{digits(12)}Z",
    ]

    def play(scenario: Scenario, external_id: str) -> None:
        row = scenario.open(external_id)
        assert_resolves(scenario, row, quote(external_id, safe=""), "id.external", f"the externalId {external_id!r}")
        scenario.close(row, {"reason": "external"}, by=external_id, clause="id.external")

    run.each(shapes, play)


@pytest.mark.clause("id.unknown")
def test_an_id_that_is_absurdly_long_is_no_failure(run: Run) -> None:
    def play(scenario: Scenario, size: int) -> None:
        for key in (run.name("y" * size), run.contract.friendly_prefix + "y" * size):
            for answer in (scenario.try_close(key), scenario.send("GET", run.path(key))):
                scenario.expect(answer, (404, 414, 431), "id.unknown", f"an id of {size} characters that nobody has")

    run.each([300, 2000], play)


@pytest.mark.clause("id.decoding")
def test_what_cannot_be_decoded_means_no_session(run: Run) -> None:
    def play(scenario: Scenario, broken: str) -> None:
        row = scenario.open()
        for segment in [f"{quote(key, safe='')}{broken}" for key in ids_of(row)] + [broken + quote(row["id"], safe="")]:
            for answer in (
                scenario.send("POST", run.raw_close_path(segment), {"reason": "undecodable"}),
                scenario.send("GET", run.raw_path(segment)),
            ):
                if answer.status not in (400, 404):
                    raise scenario.fail("id.decoding", f"400 or 404 for a path with {broken}", answer.summary)
        scenario.assert_unchanged(row, "id.decoding")

    run.each(["%FF", "%ZZ", "%", "%4", "%C0%AF", "%ED%A0%80", "%F8%88%80%80%80"], play)


@pytest.mark.clause("id.unknown")
def test_a_close_of_an_unknown_session_does_not_stand_in_the_way_of_create(run: Run, scenario: Scenario) -> None:
    run.need("createSession")
    name = run.name()
    scenario.expect(scenario.try_close(name, {"reason": "early"}), 404, "id.unknown", "close before create", error=True)
    made = scenario.try_create(name)
    scenario.expect(made, 201, "id.unknown", "create after a close of it was refused")
    scenario.close(scenario.retrieve(name))


@pytest.mark.clause("id.decoding")
def test_a_segment_is_decoded_once_as_utf8(run: Run) -> None:
    run.need("createSession")
    odd = [
        "a/b", "a//b", "/a", "a/close", "a b", "a+b", "a%b", "100%", "%20", "x%20y", "%2B", "%41", "a%2520b", "%zz", "a?b=c", "a#b", "a&b=c", "a;b=c", "a,b", "a:b@c", "a\\b", "a|b", 'a"b', "a'b", "<a>",
        "{a}", "[a]", "a^b`c", "~a", "$a", "!a*", "(a)", "=a", "\u00fc", "\u65e5\u672c", "\U0001f98a", "e\u0301", "a\tb", "a\u00a0b", "\u200d", "..a", "a/../b", "./a", "a\u2028b", "\u00e9%C3%A9", "+", "a++b", "%", "a\nb", "a\r\nb", "\u007f",
    ]  # fmt: skip

    def play(scenario: Scenario, part: str) -> None:
        external_id = f"{run.name()}{part}x"
        row = scenario.create(external_id)
        if row["externalId"] != external_id:
            raise scenario.fail("id.decoding", f"externalId {external_id!r} as it was sent", repr(row["externalId"]))
        row = scenario.retrieve(row["id"])
        assert_resolves(
            scenario, row, quote(external_id, safe=""), "id.decoding", f"the percent-encoded externalId {external_id!r}"
        )
        assert_resolves(
            scenario,
            row,
            _lower_hex(quote(external_id, safe="")),
            "id.decoding",
            f"{external_id!r}, encoded in lower case",
        )
        scenario.close(row, {"reason": "decoded"}, by=external_id, clause="id.decoding")

    run.each(odd, play)


def _lower_hex(text: str) -> str:
    pieces = text.split("%")
    return pieces[0] + "".join("%" + piece[:2].lower() + piece[2:] for piece in pieces[1:])


@pytest.mark.clause("id.decoding")
def test_what_need_not_be_encoded_may_be_either_way(run: Run, scenario: Scenario) -> None:
    run.need("createSession")
    external_id = run.name("a+b!$&'()*,;=:@~.c")
    row = scenario.open(external_id)
    assert_resolves(
        scenario,
        row,
        quote(external_id, safe="+!$&'()*,;=:@~."),
        "id.decoding",
        "an externalId with literal sub-delimiters",
    )
    encoded = "".join(f"%{ord(c):02X}" for c in external_id)
    assert_resolves(scenario, row, encoded, "id.decoding", "an externalId with every character encoded")
    assert_resolves(
        scenario,
        row,
        "".join(f"%{ord(c):02X}" for c in row["id"]),
        "id.decoding",
        "a friendly id with every character encoded",
    )
    closed = scenario.send(
        "POST", run.raw_close_path(quote(external_id, safe="+!$&'()*,;=:@~.")), {"reason": "literal"}
    )
    scenario.expect(closed, 200, "id.decoding", "close by an externalId with a literal plus sign")


@pytest.mark.clause("id.decoding")
def test_decoding_goes_no_further(run: Run) -> None:
    run.need("createSession")
    tag = run.name()
    cases = [
        (f"{tag}a b", f"{tag}a+b", "a plus sign where the externalId has a space"),
        (f"{tag}c d", f"{tag}c%2520d", "an escape encoded twice"),
        (f"{tag}e+f", f"{tag}e%252Bf", "a plus sign encoded twice"),
        (f"{tag}g+h", f"{tag}g%20h", "a space where the externalId has a plus sign"),
        (f"{tag}i%20j", f"{tag}i%20j", "a space where the externalId has its escape"),
        (f"{tag}k\u00e9", f"{tag}k%25C3%25A9", "a letter encoded twice"),
        (f"{tag}m\u00e9", f"{tag}m%E9", "a letter encoded in Latin-1"),
        (f"{tag}\u00c3\u00a9n", f"{tag}%C3%A9n", "UTF-8 where the externalId has its bytes as letters"),
    ]

    def play(scenario: Scenario, case: tuple[str, str, str]) -> None:
        external_id, segment, what = case
        row = scenario.open(external_id)
        for method, target in (("POST", run.raw_close_path(segment)), ("GET", run.raw_path(segment))):
            answer = scenario.send(method, target, {"reason": "decoded too far"} if method == "POST" else None)
            if answer.status not in (400, 404):
                raise scenario.fail("id.decoding", f"404 for {method} by {what}", answer.summary)
        scenario.assert_unchanged(row, "id.decoding")

    run.each(cases, play)


@pytest.mark.clause("id.reserved")
def test_create_refuses_an_external_id_with_the_friendly_prefix(run: Run) -> None:
    run.need("createSession")
    prefix, tag = run.contract.friendly_prefix, run.name()

    def play(scenario: Scenario, external_id: str) -> None:
        made = scenario.try_create(external_id)
        scenario.expect(made, (400, 422), "id.reserved", f"create with the externalId {external_id!r}")
        answer = scenario.send("GET", run.path(external_id.strip()))
        scenario.expect(answer, 404, "id.reserved", "retrieve of what create refused")

    run.each(
        [
            f"{prefix}{tag}",
            f"{prefix}c{'0' * 24}",
            prefix,
            f" {prefix}{tag}",
            f"{prefix}{tag} x",
            f"{prefix}/{tag}",
            f"{prefix}\u00fc{tag}",
            prefix + prefix,
            f"{prefix}{'x' * 100}",
        ],
        play,
    )
