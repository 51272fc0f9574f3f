"""`adjourn check` against servers that mean harm: it ends in its time, with one clear line, and gives no key away."""

from __future__ import annotations

import json
import os
import resource
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
from misbehaving_server import ACTS, HostileServer

from adjourn_mock import MockServer

KEY, OTHER = "tr_dev_adjourn", "tr_stg_adjourn"
BUDGET_SECONDS = 2
LIMIT_BYTES = 1024 * 1024 * 1024


def check(url: str, *options: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A check that must end by itself: after a minute `subprocess` ends it with an error."""
    command = [sys.executable, "-m", "adjourn", "check", url, "--secret-key", KEY, "--other-secret-key", OTHER]
    command += ["--profile", "smoke", "--time-budget", str(BUDGET_SECONDS), *options]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(environ or {})},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES)),
    )


@pytest.mark.parametrize("act", ACTS)
def test_from_the_first_request_it_could_not_be_checked(act: str) -> None:
    with HostileServer(act) as server:
        done = check(server.url)
    assert done.returncode == 2, done.stdout + done.stderr
    said = (done.stdout + done.stderr).strip()
    assert len(said.splitlines()) == 1
    assert "could not be checked: " in said
    assert "Traceback" not in said
    assert ".py" not in said
    assert said.isprintable(), "no character that a terminal would obey"
    assert server.heard == [], "no redirect to another host is followed"


@pytest.mark.parametrize("act", ["drip", "redirect"])
def test_a_server_that_turns_is_told_in_time(act: str) -> None:
    with MockServer() as lawful, HostileServer(act, lawful.url, after=300) as server:
        done = check(server.url)
    assert done.returncode in (1, 2), done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert KEY not in done.stdout + done.stderr
    assert server.heard == []


def test_a_server_that_goes_away_is_told_once() -> None:
    with MockServer() as lawful, HostileServer("gone", lawful.url, after=300) as server:
        done = check(server.url, "--json", "--time-budget", "30")
    states = [each["state"] for each in json.loads(done.stdout)["clauses"]]
    assert done.returncode == 1
    assert states.count("failed") == 1
    assert "accepts no connections any more" in done.stdout


def test_a_server_without_tls_is_told() -> None:
    with MockServer() as server:
        done = check(server.url.replace("http://", "https://"))
    assert done.returncode == 2
    assert "unreachable" in done.stdout + done.stderr
    assert len((done.stdout + done.stderr).strip().splitlines()) == 1


@pytest.mark.parametrize("act", ["silent", "close", "garbage", "handshake without end"])
def test_a_handshake_that_does_not_come_about_is_told_in_time(act: str) -> None:
    with HostileServer(act, answers_first=True) as server:
        done = check(server.url.replace("http://", "https://"))
    assert done.returncode == 2
    said = (done.stdout + done.stderr).strip()
    assert "unreachable" in said
    assert len(said.splitlines()) == 1
    assert said.isprintable()


@pytest.mark.parametrize("is_trusted", [False, True])
def test_a_certificate_must_be_trusted(is_trusted: bool, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authorities = tmp_path / "authorities.pem"
    authority.cert_pem.write_to_path(str(authorities))
    environ = {"SSL_CERT_FILE": str(authorities)} if is_trusted else {}
    with MockServer() as lawful, HostileServer("close", lawful.url, after=10_000, context=context) as server:
        done = check(server.url, "--clause", "close.closes", "--time-budget", "20", environ=environ)
    said = done.stdout + done.stderr
    if is_trusted:
        assert done.returncode == 0, said
    else:
        assert done.returncode == 2
        assert "its certificate is not trusted (" in said
        assert len(said.strip().splitlines()) == 1
