"""A stateful mock of the Sessions API, driven by its OpenAPI document."""

from adjourn_mock.access import is_loopback
from adjourn_mock.app import DIALECTS, MockApp, create_app
from adjourn_mock.environments import DEFAULT_KEYS, Environment, KeyFormatError
from adjourn_mock.journal import Entry
from adjourn_mock.live_log import live_log
from adjourn_mock.serving import AsgiServer, BindError, MockServer, serve, serve_workers
from adjourn_mock.sessions import Session

__all__ = [
    "DEFAULT_KEYS",
    "DIALECTS",
    "AsgiServer",
    "BindError",
    "Entry",
    "Environment",
    "KeyFormatError",
    "MockApp",
    "MockServer",
    "Session",
    "create_app",
    "is_loopback",
    "live_log",
    "serve",
    "serve_workers",
]
