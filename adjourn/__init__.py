"""adjourn: a stateful mock server and contract tests for the Trigger.dev Sessions API."""

__version__ = "0.1.0"
