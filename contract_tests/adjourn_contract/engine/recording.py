"""A recording: requests sent to the target, kept as proof; each answer is checked for what any answer owes."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from adjourn_contract.engine.answers import findings_in_answer, findings_in_row
from adjourn_contract.engine.outcomes import ClauseFailed, NotChecked
from adjourn_contract.engine.target import Target
from adjourn_contract.proofs.evidence import Claim, Kind, Reading
from adjourn_contract.transport.exchange import Exchange, Unreachable

__all__ = ["AUTO", "NO_ERROR", "Recording", "Row"]

Row = dict[str, Any]
# The default of an argument for which None has a meaning of its own.
AUTO: Any = object()
NO_ERROR = "server.no-error"
NOT_IMPLEMENTED = 501
MAX_CHANCE_CHARACTERS = 12


class Recording:
    """Requests to the target in the order in which they were sent.

    Attributes:
        target: the server under test.
        exchanges: the requests so far, each with its answer.
    """

    def __init__(self, target: Target) -> None:
        self.target, self.exchanges = target, list[Exchange]()

    def send(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        credential: Any = AUTO,
        authorization: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
        chunks: Sequence[bytes] | None = None,
        media_type: str | None = "application/json",
    ) -> Exchange:
        """Send a request with a secret key.

        Args:
            method: the method.
            target: the raw path and query.
            body: bytes as they are, None for no body, anything else as JSON.
            credential: sent as Bearer; the run's key by default, None for no Authorization header.
            authorization: the whole header; the credential counts where it is None.
            headers: more headers.
            chunks: the body in chunks, without a length.
            media_type: the Content-Type where there is a body, or None for none.

        Returns the request and its answer, with status 0 where the connection ended without one.
        """
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        listed = list(headers)
        secret = self.target.key if credential is AUTO else credential
        if authorization is not None:
            listed.append(("Authorization", authorization))
        elif secret is not None:
            listed.append(("Authorization", f"Bearer {secret}"))
        if (content is not None or chunks is not None) and media_type is not None:
            listed.append(("Content-Type", media_type))
        try:
            return self.note(self.target.wire.send(method, target, listed, content, chunks=chunks))
        except Unreachable:
            self.target.note_no_answer()
            whole = content if chunks is None else b"".join(chunks)
            return self.note(Exchange(method, target, tuple(listed), whole, chunks is not None, 0, (), b""))

    def send_raw(self, method: str, target: str, lines: bytes, content: bytes, *, ends: bool = True) -> Exchange:
        """Send a request with a secret key whose framing is ours, on a connection of its own.

        Args:
            method: the method.
            target: the raw path and query.
            lines: header lines about the content, each with its line end.
            content: what follows the head.
            ends: whether the end of the stream is announced.
        """
        wire = self.target.wire
        head = (
            f"{method} {wire.base}{target} HTTP/1.1\r\n"
            f"Host: {wire.host}\r\n"
            f"Authorization: Bearer {self.target.key}\r\n"
            "Content-Type: application/json\r\n"
            "Connection: close\r\n"
        )
        sent = head.encode() + lines + b"\r\n" + content
        answer = wire.raw(sent, method=method, target=target, ends=ends)
        if answer.status == 0:
            self.target.note_no_answer()
        return self.note(answer)

    def note(self, exchange: Exchange) -> Exchange:
        self.exchanges.append(exchange)
        self.target.note_sent_secrets(exchange)
        return exchange

    def fail(
        self, clause: str, expected: str, got: str, *, row: Any = None, claims: Sequence[Claim] = ()
    ) -> ClauseFailed:
        """The proof that a clause failed, to be raised.

        Args:
            clause: the slug.
            expected: what it asks for, in words.
            got: what came instead.
            row: the row that is wrong, of one of the answers.
            claims: what the answers of a lawful server satisfy, where the words do not say it to a program.
        """
        return ClauseFailed(clause, expected, got, self.exchanges, row=row, claims=claims)

    def reading(self, kind: Kind, *place: str | int, answer: Exchange | None = None) -> Reading:
        """A text of an answer, the last one by default, for `claims`."""
        step = len(self.exchanges) - 1 if answer is None else self.exchanges.index(answer)
        return Reading(kind, step, place)

    @contextmanager
    def ruling_out(self, *checks: Callable[[], object]) -> Iterator[None]:
        """Before a failure inside is reported, look whether something more basic is broken, and report that instead.

        Where nothing fails, no request is sent.

        Args:
            checks: called in turn once a clause has failed; each raises ClauseFailed of its own clause.
        """
        try:
            yield
        except ClauseFailed:
            for check in checks:
                with suppress(NotChecked):
                    check()
            raise

    def expect(
        self, exchange: Exchange, statuses: int | Collection[int], clause: str, what: str, *, error: bool = False
    ) -> Exchange:
        """Check an answer's status, and what any answer owes.

        Args:
            exchange: the answer.
            statuses: which it may have.
            clause: what another status breaks.
            what: what was asked, for the report.
            error: whether a JSON body with an error string is owed.

        Raises:
            ClauseFailed: the answer breaks the clause, `server.no-error` or one of the row clauses.
        """
        self.expect_status(exchange, statuses, clause, what)
        for finding in findings_in_answer(exchange, self._secrets_not_to_be_echoed(exchange)):
            raise self.fail(*finding)
        if error and not (isinstance(exchange.value, dict) and isinstance(exchange.value.get("error"), str)):
            raise self.fail(clause, f"a JSON body with an error string for {what}", exchange.summary)
        return exchange

    def expect_status(self, exchange: Exchange, statuses: int | Collection[int], clause: str, what: str) -> None:
        """Check an answer's status alone.

        Raises:
            ClauseFailed: of `server.no-error` where the server failed, whatever was asked; else of the clause.
        """
        allowed = (statuses,) if isinstance(statuses, int) else tuple(statuses)
        if exchange.status not in allowed:
            if exchange.is_from_gateway or exchange.gateway_errors:
                raise NotChecked(f"the target is unstable: a gateway answers in its place ({exchange.summary})")
            if exchange.is_resent:
                raise NotChecked(f"the target is unstable: it ended a connection with no answer ({exchange.summary})")
            wanted = " or ".join(map(str, allowed))
            # 501 is an answer about a method, not a failure.
            blamed = NO_ERROR if exchange.status >= 500 and exchange.status != NOT_IMPLEMENTED else clause
            raise self.fail(blamed, f"{wanted} for {what}", exchange.summary)

    def _secrets_not_to_be_echoed(self, exchange: Exchange) -> Collection[str]:
        """Keys, tokens and internal ids; the answer of create has a token that names the environment."""
        if exchange.status == 201:
            return ()
        sent = (value.removeprefix("Bearer ").strip() for name, value in exchange.headers if name == "Authorization")
        # A shorter word can be in an answer by chance.
        credentials = {value for value in sent if len(value) > MAX_CHANCE_CHARACTERS}
        return {*self.target.secrets, *credentials} - self.target.echoed_secrets

    def validated_row(self, exchange: Exchange, *, extra_members: bool = False) -> Row:
        """The row of an answer, held to the row clauses."""
        for finding in findings_in_row(self.target.contract, exchange.value, extra_members=extra_members):
            raise self.fail(*finding)
        row: Row = exchange.value
        if row.get("closedAt") is None and row.get("closedReason") is not None:
            raise self.fail("row.schema", "closedReason null while closedAt is null", f"{row['closedReason']!r}")
        return row
