"""What is found out before the first test: targets that cannot be checked are named with the way out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from runs import run_against

from adjourn_contract.engine.outcomes import NotChecked, TargetUnusable
from adjourn_contract.engine.probing import probe
from adjourn_mock import MockServer, create_app

Handler = Callable[[Any, Any, Any], Awaitable[None]]


def answering(status: int, media_type: bytes, body: bytes, *, only: str = "") -> Handler:
    """The mock behind a server that answers itself where a path matches."""
    app = create_app()

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and (not only or scope["path"] == only):
            headers = [(b"content-type", media_type)]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        await app(scope, receive, send)

    return serve


def test_a_missing_path_prefix_is_recognised() -> None:
    no_such_route = answering(404, b"application/json", b'{"error": "no such route"}')
    with (
        MockServer(no_such_route) as server,  # type: ignore[arg-type]
        run_against(server.url) as run,
        pytest.raises(TargetUnusable, match="is a path prefix missing in the URL"),
    ):
        probe(run)


def test_a_proxy_that_refuses_without_a_header_is_recognised() -> None:
    with (
        MockServer(answering(403, b"text/html", b"<html>access denied</html>")) as server,  # type: ignore[arg-type]
        run_against(server.url) as run,
        pytest.raises(TargetUnusable, match="does it need a --header"),
    ):
        probe(run)


def test_two_keys_of_one_environment_are_recognised() -> None:
    app = create_app()
    with MockServer(app) as server, run_against(server.url) as run:
        # The mock takes no two keys for one environment: the second is the first, given another way.
        run.other_key = run.key
        with pytest.raises(TargetUnusable, match="both secret keys belong to one environment"):
            probe(run)


def test_a_server_that_mixes_environments_up_can_be_checked() -> None:
    with MockServer(faults=["environments-mixed"]) as server, run_against(server.url) as run:
        run.other_key = "tr_stg_adjourn"
        probe(run)
        assert run.unsupported == {}


def test_a_server_without_create_can_be_checked_in_part() -> None:
    serve = answering(404, b"text/plain", b"no", only="/api/v1/sessions")
    with MockServer(serve) as server, run_against(server.url) as run:  # type: ignore[arg-type]
        probe(run)
        with pytest.raises(NotChecked) as raised:
            run.scenario().open()
    assert raised.value.remedy == "--session-pool"
