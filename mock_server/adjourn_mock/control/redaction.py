"""Entries of a journal for people and machines: what looks like a key or a token is masked."""

from __future__ import annotations

import re
from typing import Any

from adjourn_mock.domain.clock import rfc3339
from adjourn_mock.domain.json_text import encode, read_json
from adjourn_mock.domain.sessions import Session, to_dict
from adjourn_mock.environments.environments import masked
from adjourn_mock.exchanges.entry import Entry
from adjourn_spec import Contract

__all__ = ["EntryView"]

_JWT = r"eyJ[\w-]+\.[\w-]+\.[\w-]+"
_CLIENT_CHARACTERS = 80
_SECRET_HEADERS = (b"authorization", b"cookie", b"proxy-authorization", b"x-api-key")


class EntryView:
    """How entries are shown.

    Args:
        contract: says how keys start, and what clauses say.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        prefixes = "|".join(re.escape(prefix) for prefix in contract.key_prefixes.values())
        self._secret = re.compile(rf"(?:{prefixes})[^\s\"'<>&\\/?#]+|{_JWT}")

    def summary(self, entry: Entry) -> dict[str, Any]:
        """What one line of a list has, as JSON members."""
        session = entry.session
        return {
            "number": entry.number,
            "at": rfc3339(entry.at),
            "operation": entry.operation,
            "method": entry.method,
            "path": self._clean(entry.raw_path.decode("latin-1")),
            "query": self._clean(entry.query.decode("latin-1")),
            "status": entry.status,
            "clause": entry.clause,
            "faults": list(entry.faults),
            "session": None
            if session is None
            else {"id": session.id, "externalId": session.external_id and self._clean(session.external_id)},
            "key": entry.key and self._clean(entry.key),
            "close": self._close(entry),
            "client": self._client(entry),
        }

    def _close(self, entry: Entry) -> dict[str, Any] | None:
        """What a close did: which reason the row has, and whether it is the first close of the session."""
        if entry.operation != "closeSession" or entry.session is None:
            return None
        is_first = entry.before is None or entry.before.closed_at is None
        reason = entry.session.closed_reason
        return {"first": is_first, "reason": reason and self._clean(reason), "closedAt": entry.session.closed_at}

    def _client(self, entry: Entry) -> str | None:
        """What the caller calls itself."""
        names = [value.decode("latin-1") for name, value in entry.headers if name == b"user-agent"]
        return self._clean(names[0])[:_CLIENT_CHARACTERS] if names else None

    def _row(self, session: Session | None) -> Any:
        return None if session is None else read_json(self._clean(encode(to_dict(session)).decode()).encode())

    def detail(self, entry: Entry) -> dict[str, Any]:
        """The same with what the clause says, the request and the answer."""
        clause = self._contract.clauses.get(entry.clause or "")
        return {
            **self.summary(entry),
            "statement": None if clause is None else clause.statement,
            "row": self._row(entry.session),
            "before": self._row(entry.before),
            "request": {
                "headers": [
                    [name.decode("latin-1"), self._header(name, value.decode("latin-1"))]
                    for name, value in entry.headers
                ],
                "body": self._clean(entry.request_body.decode(errors="replace")),
            },
            "answer": {
                "contentType": entry.media_type.decode("latin-1"),
                "body": self._clean(entry.response_body.decode(errors="replace")),
            },
        }

    def _clean(self, text: str) -> str:
        return self._secret.sub(lambda found: masked(found[0]), text)

    def _header(self, name: bytes, value: str) -> str:
        if name not in _SECRET_HEADERS:
            return self._clean(value)
        scheme, space, credential = value.partition(" ")
        return f"{self._clean(scheme)} {masked(credential)}" if space else masked(value)
