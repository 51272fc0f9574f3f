"""Which ids are the same: letter by letter, and by their prefix."""

from __future__ import annotations

from itertools import zip_longest
from typing import NamedTuple
from urllib.parse import quote

import pytest

from adjourn_contract.cases.batches import batches
from adjourn_contract.cases.identifiers import (
    ALIKE_PARTS,
    CHANGES,
    Change,
    Numbers,
    changes_of_friendly_ids,
    near_prefixes,
    same_numbers,
)
from adjourn_contract.engine.lookups import assert_not_found, assert_resolves
from adjourn_contract.engine.run import Run
from adjourn_contract.engine.scenario import Row, Scenario


@pytest.mark.clause("id.prefix")
def test_the_prefix_counts_exactly_as_written(run: Run) -> None:
    run.need("createSession")
    prefix = run.contract.friendly_prefix

    def play(scenario: Scenario, external_id: str) -> None:
        made = scenario.try_create(external_id)
        what = f"create with the externalId {external_id!r}, which does not start with the friendly prefix"
        scenario.expect(made, 201, "id.prefix", what)
        row = scenario.retrieve(made.value["id"])
        assert_resolves(scenario, row, quote(external_id, safe=""), "id.prefix", f"the externalId {external_id!r}")
        scenario.close(row, {"reason": "near miss"}, by=external_id, clause="id.prefix", look=False)

    run.each(near_prefixes(prefix, run.name()), play)


@pytest.mark.clause("id.prefix")
def test_the_prefix_alone_is_an_unknown_friendly_id(run: Run, scenario: Scenario) -> None:
    assert_not_found(scenario, run.contract.friendly_prefix, "id.prefix", "the prefix alone")


@pytest.mark.clause("id.no-fallback")
def test_neither_form_is_tried_as_the_other(run: Run, scenario: Scenario) -> None:
    prefix = run.contract.friendly_prefix
    row = scenario.open()
    without = row["id"].removeprefix(prefix)
    for key, what in (
        (without, "a friendly id without its prefix"),
        (prefix.upper() + without, "a friendly id with its prefix in upper case"),
        (prefix.title() + without, "a friendly id with its prefix in title case"),
        ("x" + row["id"], "a friendly id with a character before it"),
        (prefix[:-1] + "-" + without, "a friendly id with a dash in its prefix"),
        (prefix[:-1] + without, "a friendly id without its underscore"),
        (prefix + row["id"], "the friendly prefix before a friendly id"),
        *((prefix + each, "the friendly prefix before an externalId") for each in [row["externalId"]] if each),
    ):
        assert_not_found(scenario, key, "id.no-fallback", what)
    scenario.assert_unchanged(row, "id.no-fallback")


class Pair(NamedTuple):
    """An externalId, and another one that differs from it by a hair."""

    external_id: str
    other: str
    what: str


def _long_name(run: Run) -> str:
    """A name of which each half has a name in it that no other test uses."""
    name = run.name()
    return f"{name}-CamelCase-{name}"


def changed_pairs(run: Run) -> list[Pair]:
    """Pairs of externalIds that a small change makes."""
    return [Pair(name, change.of(name), change.what) for change in CHANGES for name in [_long_name(run)]]


def alike_pairs(run: Run) -> list[Pair]:
    """Pairs of externalIds that a careless comparison takes for the same."""
    stems = [(run.name(), alike) for alike in ALIKE_PARTS]
    return [Pair(stem + alike.part, stem + alike.other, alike.what) for stem, alike in stems]


def pairs(run: Run) -> list[Pair]:
    """Both kinds in turn: each has its most revealing cases first."""
    both = zip_longest(changed_pairs(run), alike_pairs(run))
    return [pair for two in both for pair in two if pair is not None]


@pytest.mark.clause("id.exact")
def test_external_ids_match_exactly(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, pair: Pair) -> None:
        row = scenario.open(pair.external_id)
        assert_not_found(scenario, pair.other, "id.exact", f"an externalId with {pair.what}")
        scenario.assert_unchanged(row, "id.exact")

    # A change that this leaves to the end is among the first of the test below.
    first, *others = changed_pairs(run)
    run.each([first, *alike_pairs(run), *others], play)


@pytest.mark.smoke
@pytest.mark.clause("id.exact", "close.only-one")
def test_external_ids_that_are_the_same_number_are_two_sessions(run: Run) -> None:
    run.need("createSession")
    random = run.random("numbers")

    def play(scenario: Scenario, pair: Numbers) -> None:
        row = scenario.open(pair.one)
        scenario.assert_same({"externalId": pair.one}, row, "create.created", "retrieve after create")
        assert_not_found(scenario, pair.other, "id.exact", f"an externalId {pair.what}")
        made = scenario.try_create(pair.other)
        scenario.expect(made, 201, "id.exact", f"create with an externalId {pair.what}")
        with scenario.ruling_out(lambda: assert_misses_are_not_remembered(scenario)):
            other = scenario.retrieve(pair.other)
        scenario.assert_same({"externalId": pair.other}, other, "create.created", "retrieve after create")
        scenario.close(other, {"reason": "the other"}, by=pair.other, look=False)
        scenario.assert_unchanged(row, "close.only-one")

    run.each(same_numbers(lambda: random.randrange(10**12, 10**13)), play)


def assert_misses_are_not_remembered(scenario: Scenario) -> None:
    """Blame the answer to an unknown id, where a session is found unless it was looked for before it was there."""
    name, path = scenario.target.name, scenario.target.path
    fresh, missed = name(), name()
    scenario.create(fresh)
    if scenario.send("GET", path(fresh)).status == 200 and scenario.send("GET", path(missed)).status == 404:
        scenario.create(missed)
        scenario.retrieve(missed, clause="id.unknown")


@pytest.mark.clause("id.exact", "close.only-one")
def test_external_ids_that_differ_by_a_hair_are_two_sessions(run: Run) -> None:
    run.need("createSession")

    def play(scenario: Scenario, pair: Pair) -> None:
        row = scenario.open(pair.external_id)
        made = scenario.try_create(pair.other)
        scenario.expect(made, 201, "id.exact", f"create with an externalId with {pair.what}")
        scenario.close(scenario.retrieve(made.value["id"]), {"reason": "the other"}, by=pair.other)
        scenario.assert_unchanged(row, "close.only-one")

    # Create may trim what is around an externalId, and what counts as white space is its own affair.
    run.each([pair for pair in pairs(run) if pair.other[0].isalnum() and pair.other[-1].isalnum()], play)


@pytest.mark.clause("id.exact", "close.only-one")
def test_long_external_ids_count_to_their_last_character(run: Run) -> None:
    run.need("createSession")
    longest = run.contract.schema("CreateSession").definition["properties"]["externalId"]["maxLength"]

    def play(scenario: Scenario, length: int) -> None:
        stem = run.name("long").ljust(length - 1, "x")
        row, twin = scenario.open(stem + "a"), scenario.open(stem + "b")
        if row["id"] == twin["id"]:
            raise scenario.fail("id.exact", "two sessions for two externalIds", "one")
        scenario.close(row, {"reason": "the first"}, by=stem + "a", clause="id.exact")
        scenario.assert_unchanged(twin, "close.only-one")
        assert_not_found(scenario, stem, "id.exact", "an externalId cut by a character")

    run.each([longest, 65, 129, 33, 37, 101, 192, 251], play)


def is_anothers(scenario: Scenario, row: Row, key: str) -> bool:
    """Whether a key is exactly the friendly id of another session, as where ids are short or numbers in a row."""
    seen = scenario.send("GET", scenario.target.path(key))
    is_row = seen.status == 200 and isinstance(seen.value, dict) and seen.value.get("id") == key
    return is_row and {**seen.value, "id": row["id"]} != row


@pytest.mark.clause("id.exact")
def test_friendly_ids_match_exactly(run: Run) -> None:
    def play(scenario: Scenario, changes: tuple[Change, ...]) -> None:
        row = scenario.open()
        keys = {change.of(row["id"]): change.what for change in changes}
        for key, what in keys.items():
            if key != row["id"] and not is_anothers(scenario, row, key):
                assert_not_found(scenario, key, "id.exact", f"a friendly id {what}")
        scenario.assert_unchanged(row, "id.exact")

    run.each(batches(changes_of_friendly_ids(run.contract.friendly_prefix)), play)
