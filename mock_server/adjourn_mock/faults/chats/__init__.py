"""Channels, tokens for browsers and runs: the operations around a chat."""
