"""Channels in every store: order, parts, bounds, isolation, readers; and across processes on Redis."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from engines import free_port, mock_process, redis_server

from adjourn_mock.domain.records import TURN_COMPLETE, Message, Record, close_message, control_record, data_body
from adjourn_mock.stores.channels import Channels, MemoryChannels
from adjourn_mock.stores.opening import open_store
from adjourn_spec import ChannelRule

RULE = ChannelRule(records=5, bytes=10_000, part_seconds=300, total_bytes=100_000, ping_seconds=5)
NAME = "in chat_1"
KEY = {"Authorization": "Bearer tr_dev_adjourn"}


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server(free_port()) as url:
        yield url


@pytest_asyncio.fixture(params=["memory", "sqlite", "redis"])
async def channels(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Channels]:
    name = {"memory": "memory", "sqlite": f"sqlite:{tmp_path / 'state.db'}"}.get(request.param)
    store = open_store(name or request.getfixturevalue("redis_url"))
    made = store.channels(RULE)
    await made.clear("e1")
    await made.clear("e2")
    yield made
    await made.close()
    if name != "memory":
        await store.close()  # type: ignore[attr-defined]


async def bodies(channels: Channels, environment: str = "e1", after: int = -1) -> list[str]:
    return [record.body for record in await channels.read(environment, NAME, after, 100)]


async def append(channels: Channels, body: str, environment: str = "e1", **more: Any) -> int | None:
    return await channels.append(environment, NAME, body, **{"part": None, "now": 1000, **more})


@pytest.mark.asyncio
async def test_records_are_numbered_from_zero_in_the_order_of_their_appends(channels: Channels) -> None:
    assert [await append(channels, body) for body in "abc"] == [0, 1, 2]
    assert await bodies(channels) == ["a", "b", "c"]
    assert await bodies(channels, after=1) == ["c"]
    assert await bodies(channels, after=2) == []


@pytest.mark.asyncio
async def test_a_part_is_appended_once_until_its_time_is_over(channels: Channels) -> None:
    assert await append(channels, "a", part="p") == 0
    assert await append(channels, "a", part="p", now=300_000) is None
    assert await append(channels, "a", part="p", now=302_000) == 1
    assert await append(channels, "b", part="p", environment="e2") == 0


@pytest.mark.asyncio
async def test_a_channel_stores_its_newest_records_alone_and_numbers_go_on(channels: Channels) -> None:
    for number in range(8):
        await append(channels, str(number))
    assert await bodies(channels) == ["3", "4", "5", "6", "7"]
    assert (await channels.settled("e1", NAME)).next_seq == 8


@pytest.mark.asyncio
async def test_a_channel_is_bounded_in_bytes_and_its_newest_record_stays(channels: Channels) -> None:
    for size in (3000, 4000, 5000, 100, 20_000, 50):
        before = await bodies(channels)
        await append(channels, "x" * size)
        after = await bodies(channels)
        assert after == [*before, "x" * size][-len(after) :]
        assert sum(map(len, after)) <= RULE.bytes or len(after) == 1
    assert await bodies(channels) == ["x" * 50]
    for number in range(8):
        await append(channels, str(number) * 1900)
    assert [body[0] for body in await bodies(channels)] in (["4", "5", "6", "7"], ["3", "4", "5", "6", "7"])
    assert (await channels.settled("e1", NAME)).next_seq == 14


@pytest.mark.asyncio
async def test_a_channel_takes_no_more_of_the_file_however_much_is_appended(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path / 'state.db'}", 1000, 2)
    channels = store.channels(RULE)
    for _ in range(300):
        await append(channels, "x" * 9000)
    assert len(await bodies(channels)) == 1
    await store.close()  # type: ignore[attr-defined]


@pytest.mark.asyncio
async def test_the_last_record_tells_whether_a_turn_is_complete(channels: Channels) -> None:
    await append(channels, "a")
    await channels.append("e1", NAME, "", control_record(TURN_COMPLETE), part=None, now=5)
    end = await channels.settled("e1", NAME)
    assert end.last is not None
    assert (end.last.control, end.last.seq, end.last.timestamp) == (TURN_COMPLETE, 1, 5)
    assert (await channels.settled("e1", "out nobody")).last is None


@pytest.mark.asyncio
async def test_environments_are_apart_and_clear_ends_their_readers(channels: Channels) -> None:
    await append(channels, "a")
    await append(channels, "b", environment="e2")
    with channels.readers.subscribe("e1", NAME) as mine, channels.readers.subscribe("e2", NAME) as theirs:
        await channels.clear("e1")
        assert (mine.is_ended, theirs.is_ended) == (True, False)
    assert (await bodies(channels), await bodies(channels, "e2")) == ([], ["b"])
    assert await append(channels, "c") == 0


@pytest.mark.asyncio
async def test_a_reader_is_woken_by_an_append_and_not_by_one_elsewhere(channels: Channels) -> None:
    with channels.readers.subscribe("e1", NAME) as subscription:
        # The first look of a store that is polled wakes everybody once.
        await asyncio.sleep(0.1)
        subscription.rearm()
        await channels.append("e1", "out chat_1", "x", part=None, now=1)
        assert not await subscription.wait(0.1)
        await append(channels, "a")
        assert await subscription.wait(5)


@pytest.mark.asyncio
async def test_closed_channels_end_readers_that_are_still_to_come(channels: Channels) -> None:
    await channels.close()
    with channels.readers.subscribe("e1", NAME) as subscription:
        assert subscription.is_ended


@pytest.mark.asyncio
async def test_memory_forgets_the_channel_that_was_silent_longest_and_numbers_never_go_back() -> None:
    channels = MemoryChannels(RULE)
    for number in range(200):
        await channels.append("e", f"in {number}", "x" * 500, part=None, now=1)
    assert await channels.read("e", "in 0", -1, 10) == ()
    assert len(await channels.read("e", "in 199", -1, 10)) == 1
    again = await channels.append("e", "in 0", "y", part=None, now=1)
    assert again is not None
    assert again >= 1


def test_a_message_reads_what_the_client_sends() -> None:
    payload = {
        "trigger": "submit-message",
        "message": {"parts": [{"type": "text", "text": "h"}, {"type": "text", "text": "i"}]},
    }
    record = Record(3, 9, data_body(json.dumps({"kind": "message", "payload": payload}), "p"))
    message = Message.of(record)
    assert (message.seq, message.part, message.kind, message.trigger, message.text) == (
        3,
        "p",
        "message",
        "submit-message",
        "hi",
    )
    closed = Message.of(Record(0, 0, data_body(close_message("chat_1", ""), "")))
    assert (closed.trigger, "closedReason" in closed.data["payload"]) == ("close", False)
    odd = Message.of(Record(0, 0, data_body("not JSON", "")))
    assert (odd.kind, odd.text, odd.data) == ("", None, "not JSON")


class Reader(threading.Thread):
    """Reads a stream to its end, or goes on after the last record where it breaks off."""

    def __init__(self, urls: list[str], count: int) -> None:
        super().__init__(daemon=True)
        self.urls, self.count = urls, count
        self.numbers: list[int] = []

    def run(self) -> None:
        while len(self.numbers) < self.count:
            headers = {**KEY, "Timeout-Seconds": "30"}
            if self.numbers:
                headers["Last-Event-ID"] = str(self.numbers[-1])
            try:
                self.read(headers)
            except httpx.HTTPError:
                continue

    def read(self, headers: dict[str, str]) -> None:
        url = f"{self.urls[0]}/realtime/v1/sessions/chat_1/in"
        with httpx.stream("GET", url, headers=headers, timeout=30) as response:
            for line in response.iter_lines():
                if line.startswith("data: {") and "records" in line:
                    self.numbers += [record["seq_num"] for record in json.loads(line[6:])["records"]]
                    if len(self.numbers) >= self.count:
                        return


@pytest.mark.timeout(400)
def test_ten_thousand_records_cross_processes_on_redis_in_order_though_one_is_killed() -> None:
    count, batch = 10_000, 20
    with redis_server(free_port()) as store, mock_process("--store", store) as (_, writer_url):
        body = {
            "type": "chat.agent",
            "taskIdentifier": "t",
            "triggerConfig": {"basePayload": {}},
            "externalId": "chat_1",
        }
        httpx.post(f"{writer_url}/api/v1/sessions", headers=KEY, json=body).raise_for_status()
        with mock_process("--store", store) as (first, first_url), mock_process("--store", store) as (_, second_url):
            urls = [first_url]
            reader = Reader(urls, count)
            reader.start()

            async def write() -> list[int]:
                numbers: list[int] = []
                async with httpx.AsyncClient(headers=KEY, timeout=30) as client:
                    url = f"{writer_url}/realtime/v1/sessions/chat_1/in/append"
                    for start in range(0, count, batch):
                        if start == count // 2:
                            urls[0] = second_url
                            first.kill()
                        answers = await asyncio.gather(
                            *(client.post(url, content=str(number)) for number in range(start, start + batch))
                        )
                        numbers += [answer.json()["seq"] for answer in answers]
                return numbers

            written = asyncio.run(write())
            reader.join(200)
    assert sorted(written) == list(range(count))
    assert reader.numbers == list(range(count))
