"""adjourn: a stateful mock server and contract tests for the Trigger.dev Sessions API."""

from adjourn_fixtures import MockEnvironment
from adjourn_mock import MockServer, create_app
from adjourn_spec import load_contract

__all__ = ["MockEnvironment", "MockServer", "__version__", "create_app", "load_contract"]

__version__ = "0.1.0"
