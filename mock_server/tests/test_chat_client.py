"""A chat with the vendor's published client, from npm: in Node and in a browser's page of another origin."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from browser import browser
from node_program import install, run, value

from adjourn_fixtures import MockEnvironment
from adjourn_mock import MockServer

if shutil.which("npm") is None:
    pytest.skip("Node.js and npm are needed to run the vendor's client", allow_module_level=True)

PACKAGES = ["@trigger.dev/sdk@4.8.3", "ai@6", "esbuild@0.25", "react@19", "react-dom@19", "vitest@3"]
HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "fixtures" / "examples" / "node"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client."""
    made = tmp_path_factory.mktemp("chat")
    install(made, *PACKAGES)
    return made


@pytest.fixture(scope="module")
def environment() -> Iterator[MockEnvironment]:
    with MockServer() as server, MockEnvironment(server) as made:
        yield made


@pytest.fixture(scope="module")
def seen(folder: Path, environment: MockEnvironment) -> dict[str, Any]:
    """What the client saw in Node, step by step: a value or an error."""
    environment.agent.replies("slowly", contains="slow", delay_milliseconds=400)
    return run("chat_lifecycle.mjs", folder, environment.environ)


def test_two_turns_are_echoed(seen: dict[str, Any]) -> None:
    assert (value(seen, "first turn"), value(seen, "second turn")) == ("echo: hi", "echo: again")


def test_a_reloaded_page_finds_a_settled_chat_and_goes_on(seen: dict[str, Any]) -> None:
    assert value(seen, "page reload") == ["", "echo: after reload"]


def test_a_stopped_turn_leaves_the_chat_usable(seen: dict[str, Any], environment: MockEnvironment) -> None:
    assert value(seen, "stop") == ["start", True, "echo: quick"]
    environment.assert_sent("chat_slow", kind="stop")


def test_a_refused_token_is_fetched_anew_once(seen: dict[str, Any]) -> None:
    assert value(seen, "token refresh") == ["echo: fresh", 1]


def test_a_token_reads_its_own_session_alone(seen: dict[str, Any]) -> None:
    assert seen["a token of one session does not read another"]["status"] == 403


def test_token_ttl_is_what_was_asked_for(seen: dict[str, Any]) -> None:
    assert value(seen, "tokenTTL") == 2 * 3600


def test_the_run_of_a_session_is_retrieved(seen: dict[str, Any]) -> None:
    assert value(seen, "run") == [True, "EXECUTING", "my-chat"]


def test_agent_chat_and_channels_work(seen: dict[str, Any], environment: MockEnvironment) -> None:
    assert value(seen, "AgentChat") == "echo: hello"
    assert value(seen, "in.send") == "sent"
    assert value(seen, "out.read") == "echo: hello;echo: direct;"
    environment.assert_sent("chat_agent", text="direct", times=1)


def test_a_send_after_a_close_is_one_request_and_closes_the_chat_with_its_reason(seen: dict[str, Any]) -> None:
    assert value(seen, "close") == "user signed out"
    assert (seen["send after close"]["status"], seen["send after close"]["code"]) == (409, "session_closed")
    assert seen["send once more"]["closedReason"] == "user signed out"
    assert value(seen, "after close") == [["POST in/append"], ["session-closed", "message-send-failed"]]


@pytest.fixture
def page(folder: Path, tmp_path: Path) -> Iterator[Path]:
    """A folder with the bundled page, to be served from an origin of its own."""
    shutil.copy(HERE / "chat_page.mjs", folder)
    bundle = [
        "npx",
        "esbuild",
        "chat_page.mjs",
        "--bundle",
        "--format=esm",
        "--external:node:*",
        f"--outfile={tmp_path / 'page.js'}",
    ]
    define = ['--define:process.env.NODE_ENV="production"', "--platform=browser", "--log-level=error"]
    subprocess.run([*bundle, *define], cwd=folder, check=True, capture_output=True, timeout=60)
    return tmp_path


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the overridden method's
        """Print nothing."""


@pytest.mark.skipif(shutil.which("chromedriver") is None, reason="Chromium is needed to open a page")
def test_the_transport_of_a_page_of_another_origin_chats_and_learns_of_a_close(
    page: Path, environment: MockEnvironment
) -> None:
    environment = environment.another()
    environment.sessions.create("chat_1")
    fresh = environment.sessions.token("chat_1")
    given = {"baseURL": environment.url, "tokens": {"first": "a.stale.token", "fresh": fresh}}
    script = (
        f"<div id=root></div><script>window.given = {json.dumps(given)}</script>"
        "<script type=module src=page.js></script>"
    )
    (page / "index.html").write_text(f"<!doctype html><meta charset=utf-8>{script}")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(page)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with browser(environment.url) as window:
            window.driver.get(f"http://localhost:{server.server_port}/index.html")
            window.until(lambda: window.driver.execute_script("return typeof window.chat === 'function'"), "the page")

            def chat(name: str, text: str) -> dict[str, Any]:
                call = "window.chat(arguments[0], arguments[1]).then(arguments[2])"
                answer: dict[str, Any] = window.driver.execute_async_script(call, name, text)
                return answer

            assert chat("m1", "from a page")["text"] == "echo: from a page"
            assert chat("m2", "again")["text"] == "echo: again"
            environment.sessions.close("chat_1", "user signed out")
            after = chat("m3", "still there?")
            assert (after["status"], after["closedReason"]) == (409, "user signed out")
            assert "session-closed" in after["events"]
    finally:
        server.shutdown()
        server.server_close()
    environment.assert_sent("chat_1", text="again", times=1)
    environment.assert_sent("chat_1", trigger="close", times=1)


def test_the_suite_of_the_guide_passes_in_vitest(folder: Path, environment: MockEnvironment) -> None:
    for name in ("environment.mjs", "chat-app.test.mjs"):
        shutil.copy(EXAMPLES / name, folder)
    environ = {**os.environ, "ADJOURN_URL": environment.url}
    command = ["npx", "vitest", "run", "chat-app.test.mjs"]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_the_reaper_of_the_guide_closes_sessions_whose_run_is_over(folder: Path, environment: MockEnvironment) -> None:
    environment = environment.another()
    for name in ("chat_1", "chat_2"):
        environment.sessions.create(name)
    environment.runs.set("chat_2", "CRASHED")
    shutil.copy(EXAMPLES / "reaper.mjs", folder)
    environ = {**os.environ, **environment.environ}
    subprocess.run(["node", "reaper.mjs"], cwd=folder, env=environ, check=True, capture_output=True, timeout=60)
    environment.assert_open("chat_1")
    environment.assert_closed("chat_2", reason="run CRASHED", times=1)
