"""Tests of the smoke profile that try many pitfalls on one session."""
