"""The server under test, scenarios that are played with it, and what answers owe."""
