"""Which session is meant: the id clauses."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from urllib.parse import quote

import pytest

from adjourn_contract.run import Run
from adjourn_contract.scene import Row, Scene, forms


def misses(scene: Scene, key: str, clause: str, what: str, *, raw: str | None = None) -> None:
    """A key, or a raw path segment, that no session has: every operation is 404."""
    run = scene.run
    segment = quote(key, safe="") if raw is None else raw
    closed = scene.send("POST", run.raw_close_path(segment), {"reason": "wrong session"})
    scene.expect(closed, 404, clause, f"close by {what}", error=True)
    seen = scene.send("GET", run.raw_path(segment))
    scene.expect(seen, 404, clause, f"retrieve by {what}", error=True)
    if "updateSession" not in run.lacks:
        updated = scene.send("PATCH", run.raw_path(segment), {"tags": ["wrong session"]})
        scene.expect(updated, 404, clause, f"update by {what}", error=True)


def means(scene: Scene, row: dict[str, object], segment: str, clause: str, what: str) -> None:
    """A raw path segment that means a session: retrieve shows it."""
    seen = scene.send("GET", scene.run.raw_path(segment))
    scene.expect(seen, 200, clause, f"retrieve by {what}")
    if seen.value.get("id") != row["id"]:
        raise scene.fail(clause, f"the session {row['id']} by {what}", str(seen.value.get("id")))


@pytest.mark.clause("id.friendly")
def test_a_friendly_id_means_its_row(run: Run) -> None:
    def play(scene: Scene, external_id: str | None) -> None:
        row = scene.open(external_id)
        means(scene, row, row["id"], "id.friendly", "its friendly id")
        scene.close(row, {"reason": "friendly"}, clause="id.friendly", look=False)

    run.each([None, run.name(), run.name()], play)


@pytest.mark.clause("id.external")
def test_an_external_id_means_its_row(run: Run) -> None:
    run.need("createSession")

    def play(scene: Scene, external_id: str) -> None:
        row = scene.open(external_id)
        if row["externalId"] != external_id:
            raise scene.fail("id.external", f"externalId {external_id!r}", repr(row["externalId"]))
        means(scene, row, quote(external_id, safe=""), "id.external", "its externalId")
        scene.close(row, {"reason": "external"}, by=external_id, clause="id.external")

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

    def play(scene: Scene, key: str) -> None:
        misses(scene, key, "id.unknown", "an id that nobody has")
        for body in ({}, {"reason": "nobody"}):
            scene.expect(scene.try_close(key, body), 404, "id.unknown", "close of an unknown session", error=True)
        scene.expect(scene.send("GET", run.path(key)), 404, "id.unknown", "retrieve after a close of it", error=True)

    run.each(keys, play)


@pytest.mark.clause("id.external")
def test_an_external_id_may_look_like_any_other_id(run: Run) -> None:
    run.need("createSession")
    if not set(run.tag) <= set("0123456789abcdef"):
        # A worker's name is part of the run's id; it has no place in these.
        return

    def digits(count: int) -> str:
        return run.name().removeprefix("adjourn-").replace("-", "0").rjust(count, "0")

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

    def play(scene: Scene, external_id: str) -> None:
        row = scene.open(external_id)
        means(scene, row, quote(external_id, safe=""), "id.external", f"the externalId {external_id!r}")
        scene.close(row, {"reason": "external"}, by=external_id, clause="id.external")

    run.each(shapes, play)


@pytest.mark.clause("id.unknown")
def test_an_id_that_is_absurdly_long_is_no_failure(run: Run) -> None:
    def play(scene: Scene, size: int) -> None:
        for key in (run.name("y" * size), run.contract.friendly_prefix + "y" * size):
            for answer in (scene.try_close(key), scene.send("GET", run.path(key))):
                scene.expect(answer, (404, 414, 431), "id.unknown", f"an id of {size} characters that nobody has")

    run.each([300, 2000], play)


@pytest.mark.clause("id.decoding")
def test_what_cannot_be_decoded_means_no_session(run: Run) -> None:
    def play(scene: Scene, broken: str) -> None:
        row = scene.open()
        for segment in [f"{quote(key, safe='')}{broken}" for key in forms(row)] + [broken + quote(row["id"], safe="")]:
            for answer in (
                scene.send("POST", run.raw_close_path(segment), {"reason": "undecodable"}),
                scene.send("GET", run.raw_path(segment)),
            ):
                if answer.status not in (400, 404):
                    raise scene.fail("id.decoding", f"400 or 404 for a path with {broken}", answer.said)
        scene.untouched(row, "id.decoding")

    run.each(["%FF", "%ZZ", "%", "%4", "%C0%AF", "%ED%A0%80", "%F8%88%80%80%80"], play)


@pytest.mark.clause("id.unknown")
def test_a_close_of_an_unknown_session_does_not_stand_in_the_way_of_create(run: Run, scene: Scene) -> None:
    run.need("createSession")
    name = run.name()
    scene.expect(scene.try_close(name, {"reason": "early"}), 404, "id.unknown", "close before create", error=True)
    made = scene.try_create(name)
    scene.expect(made, 201, "id.unknown", "create after a close of it was refused")
    scene.close(scene.retrieve(name))


@pytest.mark.clause("id.decoding")
def test_a_segment_is_decoded_once_as_utf8(run: Run) -> None:
    run.need("createSession")
    odd = [
        "a/b", "a//b", "/a", "a/close", "a b", "a+b", "a%b", "100%", "%20", "x%20y", "%2B", "%41", "a%2520b", "%zz", "a?b=c", "a#b", "a&b=c", "a;b=c", "a,b", "a:b@c", "a\\b", "a|b", 'a"b', "a'b", "<a>",
        "{a}", "[a]", "a^b`c", "~a", "$a", "!a*", "(a)", "=a", "\u00fc", "\u65e5\u672c", "\U0001f98a", "e\u0301", "a\tb", "a\u00a0b", "\u200d", "..a", "a/../b", "./a", "a\u2028b", "\u00e9%C3%A9", "+", "a++b", "%", "a\nb", "a\r\nb", "\u007f",
    ]  # fmt: skip

    def play(scene: Scene, part: str) -> None:
        external_id = f"{run.name()}{part}x"
        row = scene.create(external_id)
        if row["externalId"] != external_id:
            raise scene.fail("id.decoding", f"externalId {external_id!r} as it was sent", repr(row["externalId"]))
        row = scene.retrieve(row["id"])
        means(scene, row, quote(external_id, safe=""), "id.decoding", f"the percent-encoded externalId {external_id!r}")
        means(
            scene,
            row,
            _lower_hex(quote(external_id, safe="")),
            "id.decoding",
            f"{external_id!r}, encoded in lower case",
        )
        scene.close(row, {"reason": "decoded"}, by=external_id, clause="id.decoding")

    run.each(odd, play)


def _lower_hex(text: str) -> str:
    pieces = text.split("%")
    return pieces[0] + "".join("%" + piece[:2].lower() + piece[2:] for piece in pieces[1:])


@pytest.mark.clause("id.decoding")
def test_what_need_not_be_encoded_may_be_either_way(run: Run, scene: Scene) -> None:
    run.need("createSession")
    external_id = run.name("a+b!$&'()*,;=:@~.c")
    row = scene.open(external_id)
    means(
        scene,
        row,
        quote(external_id, safe="+!$&'()*,;=:@~."),
        "id.decoding",
        "an externalId with literal sub-delimiters",
    )
    encoded = "".join(f"%{ord(c):02X}" for c in external_id)
    means(scene, row, encoded, "id.decoding", "an externalId with every character encoded")
    means(
        scene,
        row,
        "".join(f"%{ord(c):02X}" for c in row["id"]),
        "id.decoding",
        "a friendly id with every character encoded",
    )
    closed = scene.send("POST", run.raw_close_path(quote(external_id, safe="+!$&'()*,;=:@~.")), {"reason": "literal"})
    scene.expect(closed, 200, "id.decoding", "close by an externalId with a literal plus sign")


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

    def play(scene: Scene, case: tuple[str, str, str]) -> None:
        external_id, segment, what = case
        row = scene.open(external_id)
        for method, target in (("POST", run.raw_close_path(segment)), ("GET", run.raw_path(segment))):
            answer = scene.send(method, target, {"reason": "decoded too far"} if method == "POST" else None)
            if answer.status not in (400, 404):
                raise scene.fail("id.decoding", f"404 for {method} by {what}", answer.said)
        scene.untouched(row, "id.decoding")

    run.each(cases, play)


@pytest.mark.clause("id.prefix")
def test_the_prefix_counts_exactly_as_written(run: Run) -> None:
    run.need("createSession")
    prefix, tag = run.contract.friendly_prefix, run.name()
    bare = prefix.rstrip("_")
    near = [
        prefix.title() + tag, prefix.upper() + tag, prefix.swapcase() + tag, prefix[:1].upper() + prefix[1:] + tag, prefix[:-2] + prefix[-2:].upper() + tag,
        f"{bare}s{tag}", f"{bare}-{tag}", f"{bare}{tag}", f"{bare}s_{tag}", f"{bare}.{tag}", f"{bare}:{tag}", f"{bare} _{tag}", f"my_{prefix}{tag}", f"x{prefix}{tag}",
        f"_{prefix}{tag}", f"{tag}{prefix}", f"{tag}_{prefix}1", f"/{prefix}{tag}", f"{prefix[:4]}_{tag}", f"{bare}%5F{tag}", f"sess_{tag}" if prefix != "sess_" else f"ses_{tag}",
        f"{bare}\uff3f{tag}", f"\u017f{prefix[1:]}{tag}", f"run_{tag}", f"{prefix[1:]}{tag}",
    ]  # fmt: skip

    def play(scene: Scene, external_id: str) -> None:
        made = scene.try_create(external_id)
        scene.expect(
            made, 201, "id.prefix", f"create with the externalId {external_id!r}, which has not the friendly prefix"
        )
        row = scene.retrieve(made.value["id"])
        means(scene, row, quote(external_id, safe=""), "id.prefix", f"the externalId {external_id!r}")
        scene.close(row, {"reason": "near miss"}, by=external_id, clause="id.prefix", look=False)

    run.each(dict.fromkeys(name for name in near if not name.startswith(prefix)), play)
    scene = run.scene()
    misses(scene, prefix, "id.prefix", "the prefix alone")


@pytest.mark.clause("id.no-fallback")
def test_neither_form_is_tried_as_the_other(run: Run, scene: Scene) -> None:
    prefix = run.contract.friendly_prefix
    external_id = run.name()
    row = scene.open(external_id) if "createSession" not in run.lacks else scene.open()
    without = row["id"].removeprefix(prefix)
    for key, what in (
        (without, "a friendly id without its prefix"),
        (prefix.upper() + without, "a friendly id with its prefix in upper case"),
        (prefix.title() + without, "a friendly id with its prefix in title case"),
        ("x" + row["id"], "a friendly id with a character before it"),
        (prefix[:-1] + "-" + without, "a friendly id with a dash in its prefix"),
        (prefix[:-1] + without, "a friendly id without its underscore"),
    ):
        misses(scene, key, "id.no-fallback", what)
    if row["externalId"] is not None:
        misses(scene, prefix + row["externalId"], "id.no-fallback", "the friendly prefix before an externalId")
    misses(scene, prefix + row["id"], "id.no-fallback", "the friendly prefix before a friendly id")
    scene.untouched(row, "id.no-fallback")


@pytest.mark.clause("id.exact")
def test_external_ids_match_exactly(run: Run) -> None:
    run.need("createSession")

    def play(scene: Scene, case: tuple[str, str, str]) -> None:
        external_id, other, what = case
        row = scene.open(external_id)
        misses(scene, other, "id.exact", f"an externalId with {what}")
        scene.untouched(row, "id.exact")
        # Create may trim what is around an externalId, and what counts as white space is its own affair.
        if other[0].isalnum() and other[-1].isalnum():
            made = scene.try_create(other)
            scene.expect(made, 201, "id.exact", f"create with an externalId with {what}")
            scene.close(scene.retrieve(made.value["id"]), {"reason": "the other"}, by=other)
            scene.untouched(row, "close.only-one")

    base = run.name
    pairs: list[tuple[str, str, str]] = []
    changes: dict[str, Callable[[str], str]] = {
        "other letter case": str.swapcase, "all capitals": str.upper, "a capital": str.capitalize, "a character less": lambda s: s[:-1], "a character more": lambda s: s + "x",
        "a character less in front": lambda s: s[1:], "a character more in front": lambda s: "x" + s, "a digit more": lambda s: s + "0", "a slash behind it": lambda s: s + "/",
        "a space behind it": lambda s: s + " ", "a space in front": lambda s: " " + s, "a tab behind it": lambda s: s + "\t", "a line feed behind it": lambda s: s + "\n",
        "a no-break space behind it": lambda s: s + "\u00a0", "a zero-width space behind it": lambda s: s + "\u200b", "a byte order mark in front": lambda s: "\ufeff" + s,
        "a dot behind it": lambda s: s + ".", "a wildcard for a character": lambda s: s[:-1] + "_", "a wildcard behind it": lambda s: s[:-2] + "%", "a star behind it": lambda s: s[:-2] + "*",
        "a question mark for a character": lambda s: s[:-1] + "?", "a pattern": lambda s: s[:-2] + ".*", "underscores for dashes": lambda s: s.replace("-", "_"), "no dashes": lambda s: s.replace("-", ""),
        "quotes around it": lambda s: f'"{s}"', "a semicolon and more": lambda s: s + ";v=1", "a comma and more": lambda s: s + ",x", "half of it": lambda s: s[: len(s) // 2], "a hash and more": lambda s: s + "#x",
        "a query in it": lambda s: s + "?x=1", "an escape behind it": lambda s: s + "%20", "a format": lambda s: s + ".json", "full-width letters": lambda s: s.replace("a", "\uff41"), "a backslash behind it": lambda s: s + "\\",
        "its second half": lambda s: s[len(s) // 2 :], "its middle": lambda s: s[2:-2], "an injected condition": lambda s: s + "' OR '1'='1", "a letter of another alphabet": lambda s: s.replace("a", "\u0430"), "a path in front": lambda s: "x/" + s, "a path behind it": lambda s: s + "/x",
    }  # fmt: skip
    for what, change in changes.items():
        one = base("CamelCase")
        pairs.append((one, change(one), what))
    for part, changed, what in (
        ("x.y", "xzy", "a letter where it has a dot"), ("x_y", "xzy", "a letter where it has an underscore"), ("x%y", "xzzy", "letters where it has a percent sign"), ("x*y", "xzzy", "letters where it has a star"),
        ("x?y", "xzy", "a letter where it has a question mark"), ("[xy]", "x", "one of the letters in its brackets"), ("(x|y)", "x", "one of its alternatives"), ("\u00c9", "\u00e9", "other letter case beyond ASCII"), ("x,y", "x", "the part before its comma"), ("x:y", "y", "the part behind its colon"),
    ):  # fmt: skip
        one = base(part)
        pairs.append((one, one.replace(part, changed), what))
    accent = base("caf\u00e9")
    pairs += [
        (accent, unicodedata.normalize("NFD", accent), "another normalisation form"),
        (base("e\u0301"), "", ""),
        (base("stra\u00dfe"), "", "sharp s written out"),
        (base("\ufb01n"), "", "a ligature taken apart"),
        (base("\u212bngstr\u00f6m"), "", "a compatibility character"),
        (base("I"), "", "a dotless i"),
        (base("caf\u00e9s"), "", "no accent"),
        (base("a b"), "", "two spaces for one"),
        (base("00012"), "", "no leading zeros"),
    ]  # fmt: skip
    other = {
        pairs[-8][0]: unicodedata.normalize("NFC", pairs[-8][0]), pairs[-7][0]: pairs[-7][0].replace("\u00df", "ss"), pairs[-6][0]: unicodedata.normalize("NFKC", pairs[-6][0]),
        pairs[-5][0]: unicodedata.normalize("NFC", pairs[-5][0]), pairs[-4][0]: pairs[-4][0].replace("I", "\u0131"), pairs[-3][0]: pairs[-3][0].replace("\u00e9", "e"),
        pairs[-2][0]: pairs[-2][0].replace("a b", "a  b"), pairs[-1][0]: pairs[-1][0].replace("-00012", "-12"),
    }  # fmt: skip
    run.each([(one, two or other[one], what or "another normalisation form") for one, two, what in pairs], play)


@pytest.mark.clause("id.exact")
def test_long_external_ids_count_to_their_last_character(run: Run) -> None:
    run.need("createSession")
    longest = run.contract.operations["createSession"].body.schema.definition["properties"]["externalId"]["maxLength"]  # type: ignore[union-attr]

    def play(scene: Scene, length: int) -> None:
        stem = run.name("long").ljust(length - 1, "x")
        row, twin = scene.open(stem + "a"), scene.open(stem + "b")
        if row["id"] == twin["id"]:
            raise scene.fail("id.exact", "two sessions for two externalIds", "one")
        scene.close(row, {"reason": "the first"}, by=stem + "a", clause="id.exact")
        scene.untouched(twin, "close.only-one")
        misses(scene, stem, "id.exact", "an externalId cut by a character")

    run.each([33, 37, 65, 101, 129, 192, 251, longest], play)


def is_anothers(scene: Scene, row: Row, key: str) -> bool:
    """Whether a key is exactly the friendly id of another session, as it may be where ids are short or numbers in a row."""
    seen = scene.send("GET", scene.run.path(key))
    is_row = seen.status == 200 and isinstance(seen.value, dict) and seen.value.get("id") == key
    return is_row and {**seen.value, "id": row["id"]} != row


@pytest.mark.clause("id.exact")
def test_friendly_ids_match_exactly(run: Run, scene: Scene) -> None:
    row = scene.open()
    prefix = run.contract.friendly_prefix
    rest = row["id"].removeprefix(prefix)
    variants = {
        "in upper case": prefix + rest.upper(), "in swapped case": prefix + rest.swapcase(), "with a capital": prefix + rest[:1].upper() + rest[1:] if rest[:1].islower() else prefix + rest.swapcase(),
        "with its last letter in other case": row["id"][:-1] + row["id"][-1].swapcase(), "a character short": row["id"][:-1], "with a character more": row["id"] + "x", "with a space behind it": row["id"] + " ",
        "with a space in front": " " + row["id"], "with a tab behind it": row["id"] + "\t", "with a line feed": row["id"] + "\n", "with a slash behind it": row["id"] + "/", "with a wildcard": row["id"][:-1] + "_",
        "with a percent sign": row["id"][:-3] + "%", "with a star": row["id"][:-3] + "*", "cut short": row["id"][: len(prefix) + 8], "with an underscore more": prefix + "_" + rest, "twice": row["id"] * 2,
        "with a format": row["id"] + ".json", "with a semicolon": row["id"] + ";x", "with a no-break space": row["id"] + "\u00a0", "with a zero-width space": row["id"] + "\u200b", "with a space after its prefix": prefix + " " + rest,
    }  # fmt: skip
    for what, key in variants.items():
        if key != row["id"] and not is_anothers(scene, row, key):
            misses(scene, key, "id.exact", f"a friendly id {what}")
    scene.untouched(row, "id.exact")


@pytest.mark.clause("id.reserved")
def test_create_refuses_an_external_id_with_the_friendly_prefix(run: Run) -> None:
    run.need("createSession")
    prefix, tag = run.contract.friendly_prefix, run.name()

    def play(scene: Scene, external_id: str) -> None:
        made = scene.try_create(external_id)
        scene.expect(made, (400, 422), "id.reserved", f"create with the externalId {external_id!r}")
        answer = scene.send("GET", run.path(external_id.strip()))
        scene.expect(answer, 404, "id.reserved", "retrieve of what create refused")

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
