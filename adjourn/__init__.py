"""adjourn: a stateful mock server and contract tests for the Trigger.dev Sessions API."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adjourn_fixtures import (
        ANY,
        ControlClient,
        ControlError,
        EnabledFault,
        JournalIncomplete,
        JournalTimeout,
        MockEnvironment,
        RemoteMock,
        SessionsError,
    )
    from adjourn_mock import Entry, MockServer, Session, create_app
    from adjourn_spec import Contract, DocumentError, load_contract

__all__ = [
    "ANY",
    "Contract",
    "ControlClient",
    "ControlError",
    "DocumentError",
    "EnabledFault",
    "Entry",
    "JournalIncomplete",
    "JournalTimeout",
    "MockEnvironment",
    "MockServer",
    "RemoteMock",
    "Session",
    "SessionsError",
    "__version__",
    "create_app",
    "load_contract",
]

__version__ = "0.1.0"

# Imported when first used: `adjourn --help` and a plugin that is not used load none of them.
_PACKAGES = {
    **dict.fromkeys(("Entry", "MockServer", "Session", "create_app"), "adjourn_mock"),
    **dict.fromkeys(("Contract", "DocumentError", "load_contract"), "adjourn_spec"),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PACKAGES.get(name, "adjourn_fixtures")), name)
