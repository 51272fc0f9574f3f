"""A stateful mock of the Sessions API, driven by its OpenAPI document."""

from adjourn_mock.app import MockApp, create_app
from adjourn_mock.dialects import DIALECTS
from adjourn_mock.environments import DEFAULT_KEYS, Environment, KeyFormatError
from adjourn_mock.serving import BindError, MockServer, serve

__all__ = [
    "DEFAULT_KEYS",
    "DIALECTS",
    "BindError",
    "Environment",
    "KeyFormatError",
    "MockApp",
    "MockServer",
    "create_app",
    "serve",
]
