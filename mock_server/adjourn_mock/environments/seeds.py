"""Sessions that are there from the start, read from a file or a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adjourn_mock.domain.clock import canonical, rfc3339
from adjourn_mock.domain.sessions import Session, from_dict
from adjourn_mock.environments.agent import AgentScript, read_script
from adjourn_mock.environments.environments import Environment
from adjourn_spec import Contract, DocumentError, FriendlyId, read_document

__all__ = ["Seed", "SeedDocument", "read_agent", "read_seed"]

_MEMBERS = (
    "id",
    "externalId",
    "type",
    "taskIdentifier",
    "triggerConfig",
    "currentRunId",
    "tags",
    "metadata",
    "closedAt",
    "closedReason",
    "expiresAt",
    "createdAt",
    "updatedAt",
)
_DEFAULTS = {"type": "chat.agent", "taskIdentifier": "my-chat", "triggerConfig": {"basePayload": {}}, "tags": []}

Seed = Sequence[tuple[Environment, Session]]


@dataclass(frozen=True, slots=True)
class SeedDocument:
    """The content of a seed, not yet checked, and the file that errors name."""

    file: str
    value: Any

    @classmethod
    def of(cls, source: SeedSource) -> SeedDocument:
        """Read a seed. A file is read once, since a pipe cannot be read again.

        Raises:
            DocumentError: the file cannot be read.
        """
        if isinstance(source, SeedDocument):
            return source
        return cls("seed", source) if isinstance(source, Mapping) else cls(str(source), read_document(source))


SeedSource = str | Path | Mapping[str, Any] | SeedDocument


def read_seed(source: SeedSource, contract: Contract, environments: Iterable[Environment]) -> Seed:
    """Read sessions from `{"sessions": [{...}, ...]}`; `sessions` is optional beside an `agent`.

    Each session may have the members of a row and `environment`, the name of the
    environment it belongs to (the first by default). What is left out gets a
    default: a fresh id, now, an open session of type chat.agent.

    Args:
        source: a YAML or JSON file, or its content.
        contract: the rows must be valid against its document.
        environments: where the sessions can belong.

    Raises:
        DocumentError: the file or a session in it is not as it should be.
    """
    document = SeedDocument.of(source)
    file, value = document.file, document.value
    if isinstance(value, Mapping) and "agent" in value and "sessions" not in value:
        return ()
    if not isinstance(value, Mapping) or not isinstance(value.get("sessions"), list):
        raise DocumentError(file, "", "must be an object with an array 'sessions'")
    seed: list[tuple[Environment, Session]] = []
    environments = tuple(environments)
    taken: dict[tuple[str, str], str] = {}
    for index, entry in enumerate(value["sessions"]):
        place = f"sessions[{index}]"
        reader = _Reader(file, place, contract, environments)
        environment, session = reader.read(entry)
        for name in filter(None, (session.id, session.external_id)):
            first = taken.setdefault((environment.id, name), place)
            if first != place:
                raise DocumentError(file, place, f"has the same id as {first}: {name!r}")
        seed.append((environment, session))
    return seed


def read_agent(source: SeedSource) -> AgentScript:
    """Read the script of the agent from `{"agent": {...}}`; without one the agent echoes.

    Args:
        source: a YAML or JSON file, or its content, as `read_seed` takes it.

    Raises:
        DocumentError: the script is not as it should be.
    """
    document = SeedDocument.of(source)
    script = document.value.get("agent", {}) if isinstance(document.value, Mapping) else {}
    try:
        return read_script(script)
    except ValueError as error:
        raise DocumentError(document.file, "agent", str(error)) from None


class _Reader:
    """Reads one session; knows its place in the file for errors."""

    def __init__(self, file: str, place: str, contract: Contract, environments: Sequence[Environment]) -> None:
        self._file, self._place = file, place
        self._contract, self._environments = contract, environments

    def _fail(self, member: str, reason: str) -> DocumentError:
        return DocumentError(self._file, f"{self._place}.{member}" if member else self._place, reason)

    def read(self, entry: Any) -> tuple[Environment, Session]:
        if not isinstance(entry, Mapping):
            raise self._fail("", "must be an object")
        if unknown := set(entry) - {*_MEMBERS, "environment"}:
            raise self._fail(str(min(unknown, key=str)), f"is not a member; there are {', '.join(_MEMBERS)}")
        environment = self._environment(entry.get("environment"))
        row = {**dict.fromkeys(_MEMBERS), **_DEFAULTS, **entry}
        row.pop("environment", None)
        self._complete(row, environment)
        for violation in self._contract.schema("Session").violations(row):
            raise self._fail(violation.place, violation.message)
        external_id = row["externalId"]
        if external_id is not None and isinstance(self._contract.identify(external_id), FriendlyId):
            raise self._fail("externalId", f"may not start with {self._contract.friendly_prefix!r}")
        if row["closedReason"] is not None and row["closedAt"] is None:
            raise self._fail("closedReason", "needs a closedAt beside it")
        return environment, self._session(row)

    def _environment(self, name: Any) -> Environment:
        named = (each for each in self._environments if name is None or name in (each.name, each.id))
        found = next(named, None)
        if found is None:
            names = ", ".join(environment.name for environment in self._environments)
            raise self._fail("environment", f"is none of {names}")
        return found

    def _complete(self, row: dict[str, Any], environment: Environment) -> None:
        row["id"] = row["id"] or environment.ids.session_id()
        row["createdAt"] = row["createdAt"] or row["closedAt"] or rfc3339(environment.clock.now())
        row["updatedAt"] = row["updatedAt"] or row["closedAt"] or row["createdAt"]

    def _session(self, row: Mapping[str, Any]) -> Session:
        times = {name: self._instant(name, row[name]) for name in ("closedAt", "expiresAt", "createdAt", "updatedAt")}
        return from_dict({**row, **times})

    def _instant(self, member: str, text: str | None) -> str | None:
        try:
            return None if text is None else canonical(text)
        except ValueError as error:
            raise self._fail(member, str(error)) from None
