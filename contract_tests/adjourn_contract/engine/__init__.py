"""The server under test, scenes that are played with it, and what answers owe."""
