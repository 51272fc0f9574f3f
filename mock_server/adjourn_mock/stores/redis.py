"""A store in Redis: any number of processes, on any machines, share one state.

<prefix>:version                    counts the changes of environments
<prefix>:environments               hash: environment -> record
<prefix>:<environment>:rows         hash: friendly id -> row
<prefix>:<environment>:ids          hash: externalId -> friendly id
<prefix>:<environment>:places       hash: friendly id -> its place, `created_at number friendly-id`
<prefix>:<environment>:terms        sorted set of `length:term place` for terms and runs of sessions, ordered as text
<prefix>:<environment>:counters     hash: counter -> value
<prefix>:<environment>:journal      list of entries
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from redis import asyncio as client
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, RedisError, ResponseError

from adjourn_mock.domain.sessions import Filter, Page, Session
from adjourn_mock.stores.codec import decode_row, encode_row, text_key
from adjourn_mock.stores.list_index import candidate_terms, index_terms, run_term
from adjourn_mock.stores.redis_channels import RedisChannels
from adjourn_mock.stores.redis_journal import RedisJournal
from adjourn_mock.stores.redis_scripts import BATCH, FIND, INSERT, RECORDS, REPLACE, SWAP
from adjourn_mock.stores.store import IdTakenError, StoreError, StoreFullError, StoreUnavailable
from adjourn_spec import ChannelRule, ExternalId, FriendlyId, SessionKey

__all__ = ["RedisStore"]

_TIMEOUT_SECONDS = 5
_BATCH_ROWS = 200
# More than any place.
_BEYOND = b"\xff"


class RedisStore:
    """A store in a Redis server.

    It connects when it is first used, and again whenever the connection was lost.

    Args:
        url: as `redis://host:port/database`.
        prefix: what its keys start with.

    Raises:
        StoreError: the URL is none.
    """

    def __init__(self, url: str, prefix: str = "adjourn") -> None:
        try:
            self._redis: Any = client.Redis.from_url(
                url, socket_connect_timeout=_TIMEOUT_SECONDS, socket_timeout=_TIMEOUT_SECONDS
            )
        except ValueError as error:
            # The URL may have a password in it.
            raise StoreError(f"that is not the URL of a Redis server: {error}") from None
        self._prefix = prefix
        self._find, self._insert, self._swap = (self._redis.register_script(each) for each in (FIND, INSERT, SWAP))
        self._batch, self._replace = self._redis.register_script(BATCH), self._redis.register_script(REPLACE)
        self._records = self._redis.register_script(RECORDS)

    def _key(self, *parts: str) -> str:
        return ":".join((self._prefix, *parts))

    def _keys(self, environment: str) -> list[str]:
        return [self._key(environment, part) for part in ("rows", "ids", "terms", "places", "counters")]

    @contextmanager
    def _errors(self) -> Iterator[Any]:
        try:
            yield self._redis
        except (TimeoutError, RedisConnectionError, OSError) as error:
            raise StoreUnavailable(f"Redis is not reachable: {error}") from None
        except OutOfMemoryError:
            raise StoreFullError("Redis has as much as its maxmemory lets it have") from None
        except RedisError as error:
            raise StoreUnavailable(f"Redis: {error}") from None

    # sessions

    async def find(self, environment: str, key: SessionKey) -> Session | None:
        kind = "friendly" if type(key) is FriendlyId else "external"
        with self._errors():
            found = await self._find(self._keys(environment), [text_key(key.value), kind])
        return None if not found else decode_row(found)

    async def of_run(self, environment: str, run_id: str) -> Session | None:
        everything = Filter()
        span = _Span.of([_head(run_term(run_id))], everything, newer=False)
        found = await self._under(environment, span, None, everything, "", limit=1)
        return found[0] if found else None

    async def insert(self, environment: str, session: Session) -> Session:
        with self._errors():
            try:
                holder = await self._insert(self._keys(environment), _members(session))
            except ResponseError as error:
                if "TAKEN" in str(error):
                    raise IdTakenError(session.id) from None
                raise
        return session if holder is None else decode_row(holder)

    async def amend(self, environment: str, session_id: str, change: Callable[[Session], Session]) -> Session | None:
        keys, name = self._keys(environment), text_key(session_id)
        with self._errors() as redis:
            while True:
                content = await redis.hget(keys[0], name)
                if content is None:
                    return None
                before = decode_row(content)
                session = change(before)
                if session is before:
                    return session
                ids = [b"" if each.external_id is None else text_key(each.external_id) for each in (before, session)]
                old, new = set(_terms(before)), set(_terms(session))
                moves: list[bytes | int] = [len(old - new), *(old - new), *(new - old)]
                if await self._swap(keys, [name, content, encode_row(session), *ids, *moves]):
                    return session

    async def page(
        self, environment: str, wanted: Filter, *, size: int, after: str | None, before: str | None, now: str
    ) -> Page:
        place: bytes | None = None
        if cursor := after or before:
            place = await self._place(environment, cursor)
            if place is None:
                return Page((), has_older=False, has_newer=False)
        newer = before is not None
        if wanted.external_id is None:
            group = await self._narrowest(environment, candidate_terms(wanted))
            span = _Span.of(group, wanted, newer=newer)
            found = await self._under(environment, span, place, wanted, now, limit=size + 1)
        else:
            row = await self.find(environment, ExternalId(wanted.external_id))
            own = None if row is None else await self._place(environment, row.id)
            is_beyond = own is not None and (place is None or (own > place if newer else own < place))
            found = [row] if row is not None and is_beyond and wanted.matches(row, now) else []
        return Page.of(found, size=size, after=after, before=before)

    async def _place(self, environment: str, session_id: str) -> bytes | None:
        with self._errors() as redis:
            place: bytes | None = await redis.hget(self._key(environment, "places"), text_key(session_id))
        return place

    async def _narrowest(self, environment: str, groups: Sequence[tuple[str, ...]]) -> Sequence[bytes]:
        """The group that the fewest sessions stand under."""
        heads = [[_head(term) for term in group] for group in groups]
        if len(heads) == 1:
            return heads[0]
        with self._errors() as redis:
            async with redis.pipeline(transaction=False) as together:
                for head in (head for group in heads for head in group):
                    together.zlexcount(self._key(environment, "terms"), b"[" + head, b"(" + head + _BEYOND)
                counts = iter(await together.execute())
        return min(heads, key=lambda group: sum(next(counts) for _ in group))

    async def _under(
        self, environment: str, span: _Span, place: bytes | None, wanted: Filter, now: str, *, limit: int | None = None
    ) -> list[Session]:
        """The rows of a span beyond a place that a filter matches, in the span's order, up to `limit`."""
        found: list[Session] = []
        command = "ZRANGEBYLEX" if span.newer else "ZREVRANGEBYLEX"
        while True:
            with self._errors():
                batch = await self._batch(self._keys(environment), [command, _BATCH_ROWS, *span.ranges_beyond(place)])
            # A session is listed under several terms; each place counts once.
            rows = sorted(dict(zip(batch[::2], batch[1::2], strict=True)).items(), reverse=not span.newer)
            for _, content in rows[:_BATCH_ROWS]:
                row = decode_row(content)
                if wanted.matches(row, now):
                    found.append(row)
                    if len(found) == limit:
                        return found
            if len(rows) < _BATCH_ROWS:
                return found
            place = rows[_BATCH_ROWS - 1][0]

    async def count(self, environment: str) -> int:
        with self._errors() as redis:
            return int(await redis.hlen(self._key(environment, "rows")))

    async def snapshot(self, environment: str) -> Sequence[Session]:
        everything = Filter()
        span = _Span.of([_head("all")], everything, newer=True)
        return await self._under(environment, span, None, everything, "")

    async def replace(self, environment: str, rows: Sequence[Session]) -> None:
        members = [member for session in rows for member in _members(session)]
        with self._errors():
            await self._replace(self._keys(environment), members)

    def channels(self, rule: ChannelRule) -> RedisChannels:
        return RedisChannels(self._redis, self._prefix, self._errors, rule)

    def journal(self, environment: str) -> RedisJournal:
        return RedisJournal(self._key(environment), self._errors)

    # what processes share

    async def changes_since(self, since: int) -> tuple[int, Mapping[str, str] | None]:
        with self._errors():
            version, *rest = await self._records([self._key("version"), self._key("environments")], [since])
        if not rest:
            return int(version), None
        (flat,) = rest
        return int(version), {
            name.decode(): record.decode() for name, record in zip(flat[::2], flat[1::2], strict=True)
        }

    async def create_environment(self, environment: str, record: str) -> bool:
        with self._errors() as redis:
            made = await redis.hsetnx(self._key("environments"), environment, record)
            await redis.incr(self._key("version"))
        return bool(made)

    async def put_environment(self, environment: str, record: str) -> None:
        with self._errors() as redis:
            async with redis.pipeline(transaction=True) as together:
                together.hset(self._key("environments"), environment, record)
                together.incr(self._key("version"))
                await together.execute()

    async def delete_environment(self, environment: str) -> None:
        with self._errors() as redis:
            async with redis.pipeline(transaction=True) as together:
                together.hdel(self._key("environments"), environment)
                together.delete(*self._keys(environment), self._key(environment, "journal"))
                together.incr(self._key("version"))
                await together.execute()

    async def increment(self, environment: str, counter: str) -> int:
        with self._errors() as redis:
            return int(await redis.hincrby(self._key(environment, "counters"), counter, 1))

    async def counters(self, environment: str) -> Mapping[str, int]:
        with self._errors() as redis:
            counters = await redis.hgetall(self._key(environment, "counters"))
        return {name.decode(): int(value) for name, value in counters.items()}

    async def close(self) -> None:
        await self._redis.aclose()


@dataclass(frozen=True, slots=True)
class _Span:
    """Where a list reads: under some terms, between two moments, in one direction.

    Members of the sorted set are `head place`, ordered as bytes, so a moment is the start of the places at it.

    Attributes:
        heads: of the terms.
        lowest: the first bytes that a place may have.
        beyond: what all places of the span are below.
        newer: whether it reads from older to newer.
    """

    heads: Sequence[bytes]
    lowest: bytes
    beyond: bytes
    newer: bool

    @classmethod
    def of(cls, heads: Sequence[bytes], wanted: Filter, *, newer: bool) -> Self:
        """The span that has every row that a filter matches."""
        lowest = b"" if wanted.created_from is None else wanted.created_from.encode()
        # A place goes on with a space after its moment, and "!" is the byte after the space.
        beyond = _BEYOND if wanted.created_to is None else wanted.created_to.encode() + b"!"
        return cls(heads, lowest, beyond, newer)

    def ranges_beyond(self, place: bytes | None) -> list[bytes]:
        """Head, start and stop for each term, as ZRANGEBYLEX or ZREVRANGEBYLEX takes them; from one end for None."""
        ranges: list[bytes] = []
        for head in self.heads:
            low, high = b"[" + head + self.lowest, b"(" + head + self.beyond
            after_place = b"(" + head + (place or b"")
            if self.newer:
                start, stop = (after_place if place is not None and place > self.lowest else low), high
            else:
                start, stop = (after_place if place is not None and place < self.beyond else high), low
            ranges += (head, start, stop)
        return ranges


def _head(term: str) -> bytes:
    """A term as members start with it; none of them is the start of another."""
    name = text_key(term)
    return b"%d:%b " % (len(name), name)


def _terms(session: Session) -> list[bytes]:
    runs = () if session.current_run_id is None else (run_term(session.current_run_id),)
    return [_head(term) for term in (*index_terms(session), *runs)]


def _members(session: Session) -> list[bytes | int]:
    """What the scripts take of a new row."""
    external_id, heads = session.external_id, _terms(session)
    return [
        text_key(session.id),
        b"" if external_id is None else text_key(external_id),
        0 if external_id is None else 1,
        session.created_at.encode(),
        encode_row(session),
        len(heads),
        *heads,
    ]
