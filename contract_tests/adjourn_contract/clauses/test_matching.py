"""Which ids are the same: letter by letter, and by their prefix."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from urllib.parse import quote

import pytest

from adjourn_contract.engine.lookups import assert_not_found, assert_resolves
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario


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

    def play(scenario: Scenario, external_id: str) -> None:
        made = scenario.try_create(external_id)
        scenario.expect(
            made, 201, "id.prefix", f"create with the externalId {external_id!r}, which has not the friendly prefix"
        )
        row = scenario.retrieve(made.value["id"])
        assert_resolves(scenario, row, quote(external_id, safe=""), "id.prefix", f"the externalId {external_id!r}")
        scenario.close(row, {"reason": "near miss"}, by=external_id, clause="id.prefix", look=False)

    run.each(dict.fromkeys(name for name in near if not name.startswith(prefix)), play)
    scenario = run.scenario()
    assert_not_found(scenario, prefix, "id.prefix", "the prefix alone")


@pytest.mark.clause("id.no-fallback")
def test_neither_form_is_tried_as_the_other(run: Run, scenario: Scenario) -> None:
    prefix = run.contract.friendly_prefix
    external_id = run.name()
    row = scenario.open(external_id) if "createSession" not in run.unsupported else scenario.open()
    without = row["id"].removeprefix(prefix)
    for key, what in (
        (without, "a friendly id without its prefix"),
        (prefix.upper() + without, "a friendly id with its prefix in upper case"),
        (prefix.title() + without, "a friendly id with its prefix in title case"),
        ("x" + row["id"], "a friendly id with a character before it"),
        (prefix[:-1] + "-" + without, "a friendly id with a dash in its prefix"),
        (prefix[:-1] + without, "a friendly id without its underscore"),
    ):
        assert_not_found(scenario, key, "id.no-fallback", what)
    if row["externalId"] is not None:
        assert_not_found(
            scenario, prefix + row["externalId"], "id.no-fallback", "the friendly prefix before an externalId"
        )
    assert_not_found(scenario, prefix + row["id"], "id.no-fallback", "the friendly prefix before a friendly id")
    scenario.assert_unchanged(row, "id.no-fallback")


@pytest.mark.clause("id.exact")
def test_external_ids_match_exactly(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, case: tuple[str, str, str]) -> None:
        external_id, other, what = case
        row = scenario.open(external_id)
        assert_not_found(scenario, other, "id.exact", f"an externalId with {what}")
        scenario.assert_unchanged(row, "id.exact")
        # Create may trim what is around an externalId, and what counts as white space is its own affair.
        if other[0].isalnum() and other[-1].isalnum():
            made = scenario.try_create(other)
            scenario.expect(made, 201, "id.exact", f"create with an externalId with {what}")
            scenario.close(scenario.retrieve(made.value["id"]), {"reason": "the other"}, by=other)
            scenario.assert_unchanged(row, "close.only-one")

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

    def play(scenario: Scenario, length: int) -> None:
        stem = run.name("long").ljust(length - 1, "x")
        row, twin = scenario.open(stem + "a"), scenario.open(stem + "b")
        if row["id"] == twin["id"]:
            raise scenario.fail("id.exact", "two sessions for two externalIds", "one")
        scenario.close(row, {"reason": "the first"}, by=stem + "a", clause="id.exact")
        scenario.assert_unchanged(twin, "close.only-one")
        assert_not_found(scenario, stem, "id.exact", "an externalId cut by a character")

    run.each([33, 37, 65, 101, 129, 192, 251, longest], play)


def is_anothers(scenario: Scenario, row: Row, key: str) -> bool:
    """Whether a key is exactly the friendly id of another session, as it may be where ids are short or numbers in a row."""
    seen = scenario.send("GET", scenario.target.path(key))
    is_row = seen.status == 200 and isinstance(seen.value, dict) and seen.value.get("id") == key
    return is_row and {**seen.value, "id": row["id"]} != row


@pytest.mark.clause("id.exact")
def test_friendly_ids_match_exactly(run: Run, scenario: Scenario) -> None:
    row = scenario.open()
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
        if key != row["id"] and not is_anothers(scenario, row, key):
            assert_not_found(scenario, key, "id.exact", f"a friendly id {what}")
    scenario.assert_unchanged(row, "id.exact")
