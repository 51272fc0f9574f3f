"""A stateful mock of the Sessions API, driven by its OpenAPI document."""

from adjourn_mock.app import DIALECTS, MockApp, create_app
from adjourn_mock.control.access import is_loopback
from adjourn_mock.control.live_log import live_log
from adjourn_mock.domain.sessions import Session
from adjourn_mock.environments.environments import DEFAULT_KEYS, Environment, KeyFormatError
from adjourn_mock.exchanges.entry import Entry
from adjourn_mock.serving.line_writer import LineWriter
from adjourn_mock.serving.listening import BindError
from adjourn_mock.serving.server import AsgiServer, MockServer, serve, serve_workers

__all__ = [
    "DEFAULT_KEYS",
    "DIALECTS",
    "AsgiServer",
    "BindError",
    "Entry",
    "Environment",
    "KeyFormatError",
    "LineWriter",
    "MockApp",
    "MockServer",
    "Session",
    "create_app",
    "is_loopback",
    "live_log",
    "serve",
    "serve_workers",
]
