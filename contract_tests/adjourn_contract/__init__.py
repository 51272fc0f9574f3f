"""Contract tests for any implementation of the Sessions API."""
