"""Runs of a check, for tests of its parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from adjourn_contract.engine.run import PROFILES, Run
from adjourn_contract.transport.wire import Wire
from adjourn_spec import load_contract

KEY, OTHER = "tr_dev_adjourn", "tr_stg_adjourn"


@contextmanager
def run_against(url: str, *, profile: str = "smoke", timeout_seconds: float = 10) -> Iterator[Run]:
    run = Run(
        wire=Wire(url, timeout_seconds=timeout_seconds),
        contract=load_contract(),
        key=KEY,
        other_key=None,
        dialect=None,
        profile=PROFILES[profile],
        tag=uuid4().hex,
    )
    run.url = url
    try:
        yield run
    finally:
        run.wire.close()
