"""Lists and their filters, in every store."""

from __future__ import annotations

import random
from typing import Any

import pytest
from stored_rows import LATER, Use, row

from adjourn_mock.domain import sessions
from adjourn_mock.domain.sessions import Filter
from adjourn_mock.stores.store import Store, close_once


def test_lists_are_newest_first_and_go_both_ways(use: Use) -> None:
    async def act(store: Store) -> None:
        for number in range(450):
            moment = f"2026-01-01T00:00:{number // 100:02}.000Z"
            await store.insert("one", row(f"{number:03}", created_at=moment, updated_at=moment))

        async def ids(**options: Any) -> tuple[list[str], bool, bool]:
            given = {"after": None, "before": None, "now": LATER, "size": 3, **options}
            page = await store.page("one", given.pop("keep", Filter()), **given)
            return [session.id[8:] for session in page.sessions], page.has_older, page.has_newer

        assert await ids() == (["449", "448", "447"], True, False)
        assert await ids(after="session_447") == (["446", "445", "444"], True, True)
        assert await ids(before="session_446") == (["449", "448", "447"], True, False)
        assert await ids(before="session_440") == (["443", "442", "441"], True, True)
        assert await ids(after="session_001") == (["000"], False, True)
        assert await ids(after="session_nobody") == ([], False, False)
        assert [len(part) for part in (await ids(size=1000))[:1]] == [450]
        keep = Filter(created_from="2026-01-01T00:00:01.000Z", created_to="2026-01-01T00:00:01.000Z")
        assert (await ids(keep=keep))[0] == ["199", "198", "197"]
        assert [session.id[8:] for session in await store.snapshot("one")][:2] == ["000", "001"]

    use(act)


def test_lists_are_filtered(use: Use) -> None:
    async def act(store: Store) -> None:
        await store.insert("one", row("a", "chat_1", tags=("x",)))
        await store.insert("one", row("b", "chat_2", type="other"))
        await close_once(store, "one", "session_a", None, LATER)

        async def ids(**members: Any) -> list[str]:
            page = await store.page("one", Filter(**members), size=5, after=None, before=None, now=LATER)
            return [session.id for session in page.sessions]

        assert (
            await ids(external_id="chat_1")
            == await ids(statuses=("CLOSED",))
            == await ids(tags=("x",))
            == ["session_a"]
        )
        assert await ids(types=("other",)) == await ids(statuses=("ACTIVE",)) == ["session_b"]
        assert await ids(external_id="chat_3") == []

    use(act)


AFTER_ALL = "2026-01-01T00:00:07.000Z"
CHOICES = {
    "types": [("chat",), ("other", "chat"), ("none",)],
    "tags": [("a",), ("a", "b", "a"), ("a b",), ("4:tag a",), tuple(map(str, range(60)))],
    "task_identifiers": [("t1",), ("t2", "t1")],
    "statuses": [("CLOSED",), ("ACTIVE",), ("EXPIRED", "ACTIVE"), ("CLOSED", "EXPIRED")],
    "created_from": ["2026-01-01T00:00:02.000Z"],
    "created_to": ["2026-01-01T00:00:03.000Z"],
    "external_id": ["chat_3", "chat_x"],
}


def test_every_filter_keeps_what_reading_all_would_keep(use: Use) -> None:
    chance = random.Random(7)

    async def act(store: Store) -> None:
        rows = [
            row(
                f"{number:03}",
                f"chat_{number}",
                created_at=f"2026-01-01T00:00:0{chance.randrange(5)}.000Z",
                type=chance.choice(["chat", "other"]),
                task_identifier=chance.choice(["t1", "t2", "t3"]),
                tags=tuple(chance.choices(["a", "b", "a b", "4:tag a", "7"], k=chance.randrange(4))),
                expires_at=chance.choice([None, "2026-01-01T00:00:06.000Z"]),
            )
            for number in range(60)
        ]
        for each in rows:
            await store.insert("one", each)
        for each in chance.sample(rows, 20):
            await close_once(store, "one", each.id, None, LATER)
        for each in chance.sample(rows, 20):
            await store.amend("one", each.id, lambda current: sessions.update(current, {"tags": ["b", "new"]}, LATER))
        await store.replace("other", await store.snapshot("one"))
        newest = list(reversed(await store.snapshot("one")))
        assert {each.id for each in newest} == {each.id for each in rows}
        for _ in range(150):
            fields = chance.sample(sorted(CHOICES), chance.randrange(1, 4))
            keep = Filter(**{name: chance.choice(CHOICES[name]) for name in fields})
            cursor = chance.choice([None, *(each.id for each in rows)])
            expected = [each.id for each in newest if keep.matches(each, AFTER_ALL)]
            places = [each.id for each in newest]
            size = chance.choice([1, 3, 100])
            if cursor is not None:
                expected = [each for each in expected if places.index(each) > places.index(cursor)]
            for environment in ("one", "other"):
                page = await store.page(environment, keep, size=size, after=cursor, before=None, now=AFTER_ALL)
                assert [each.id for each in page.sessions] == expected[:size], (keep, cursor)
                assert page.has_older == (len(expected) > size)
            if cursor is not None:
                expected = [
                    each.id
                    for each in newest
                    if keep.matches(each, AFTER_ALL) and places.index(each.id) < places.index(cursor)
                ]
                page = await store.page("one", keep, size=size, after=None, before=cursor, now=AFTER_ALL)
                assert [each.id for each in page.sessions] == expected[-size:], (keep, cursor)

    use(act)


@pytest.mark.parametrize(
    "keep",
    [
        Filter(tags=("rare",)),
        Filter(types=("rare",)),
        Filter(task_identifiers=("rare", "none")),
        Filter(statuses=("CLOSED",)),
        Filter(external_id="chat_3"),
        Filter(types=("chat.agent",), tags=("rare",), statuses=("ACTIVE", "CLOSED")),
        Filter(created_to="2026-01-01T00:00:00.000Z"),
    ],
)
def test_a_filter_looks_at_few_sessions(use: Use, keep: Filter, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = []

    async def act(store: Store) -> None:
        rare = row("rare", "chat_3", type="rare", tags=("rare",), created_at="2026-01-01T00:00:00.000Z")
        also = row("also", tags=("rare",), task_identifier="rare", created_at="2026-01-01T00:00:00.000Z")
        many = [row(f"{number:04}", created_at="2026-01-02T00:00:00.000Z") for number in range(2000)]
        await store.replace("one", [rare, also, *many])
        await close_once(store, "one", rare.id, None, LATER)
        monkeypatch.setattr(Filter, "matches", lambda self, each, now: looked_at.append(each) or True)
        page = await store.page("one", keep, size=20, after=None, before=None, now=LATER)
        assert page.sessions
        assert len(looked_at) <= 2

    use(act)
