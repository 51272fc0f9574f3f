"""Seeds: what is left out gets a default, what is not valid is named with its place."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from adjourn_mock import create_app
from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.environments import Environments
from adjourn_mock.environments.seeds import read_seed
from adjourn_spec import Contract, DocumentError

NOW = "2026-11-30T09:00:00.000Z"


@pytest.fixture
def environments(contract: Contract) -> Environments:
    environments = Environments(contract, id_seed=1)
    for key in ("tr_dev_one", "tr_prod_two"):
        environments.add(key).clock.freeze(1_796_029_200_000)
    return environments


def read(contract: Contract, environments: Environments, *entries: dict[str, Any]) -> Sequence[tuple[str, Session]]:
    seed = read_seed({"sessions": list(entries)}, contract, environments)
    return [(environment.name, session) for environment, session in seed]


def test_an_empty_entry_is_an_open_session_of_the_first_environment_made_now(
    contract: Contract, environments: Environments
) -> None:
    ((name, session),) = read(contract, environments, {})
    assert (name, session.type, session.external_id, session.closed_at) == ("dev", "chat.agent", None, None)
    assert session.id.startswith(contract.friendly_prefix)
    assert session.created_at == session.updated_at


def test_members_are_as_given_and_times_in_the_form_of_rows(contract: Contract, environments: Environments) -> None:
    given = {
        "id": "session_cmine",
        "externalId": "chat_1",
        "type": "x",
        "taskIdentifier": "t",
        "tags": ["a"],
        "metadata": {"m": [1]},
        "closedAt": "2026-11-30T10:00:00+01:00",
        "closedReason": "done",
        "environment": "prod",
    }  # fmt: skip - one session
    ((name, session),) = read(contract, environments, given)
    assert (name, session.id, session.external_id, session.tags) == ("prod", "session_cmine", "chat_1", ("a",))
    assert (session.closed_at, session.closed_reason, session.metadata) == (NOW, "done", {"m": [1]})
    assert session.created_at == session.updated_at == NOW


def test_the_same_id_may_be_in_two_environments(contract: Contract, environments: Environments) -> None:
    one, two = {"externalId": "a", "environment": "dev"}, {"externalId": "a", "environment": "prod"}
    assert [name for name, _ in read(contract, environments, one, two)] == ["dev", "prod"]
    with pytest.raises(DocumentError, match=r"sessions\[1\].*the same id as sessions\[0\]"):
        read(contract, environments, one, one)


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ({"tags": "a"}, "sessions[0].tags"),
        ({"externalId": "session_x"}, "sessions[0].externalId"),
        ({"createdAt": "2026-11-30"}, "sessions[0].createdAt"),
        ({"createdAt": "2026-W48-1T00:00:00Z"}, "sessions[0].createdAt"),
        ({"closedReason": "x"}, "sessions[0].closedReason"),
        ({"environment": "nowhere"}, "sessions[0].environment"),
        ({"reason": "x"}, "sessions[0].reason"),
    ],
)
def test_what_is_not_valid_is_named_with_its_place(
    contract: Contract, environments: Environments, entry: dict[str, Any], place: str
) -> None:
    with pytest.raises(DocumentError) as raised:
        read(contract, environments, entry)
    assert str(raised.value).startswith(f"seed: {place}")


def test_a_file_is_read_and_named(contract: Contract, environments: Environments, tmp_path: Path) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text("sessions:\n- externalId: chat_1\n")
    assert [session.external_id for _, session in read_seed(file, contract, environments)] == ["chat_1"]
    file.write_text("sessions:\n- externalId: a\n  externalId: b\n")
    with pytest.raises(DocumentError, match=r"seed\.yaml"):
        read_seed(file, contract, environments)


def test_a_seed_from_a_pipe_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "seed"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=('{"sessions": [{"externalId": "chat_1"}]}',))
    writer.start()
    app = create_app(seed=str(pipe))
    writer.join()
    (environment, *_) = app.environments
    assert [session.external_id for session in environment.seed] == ["chat_1"]
