"""The unit of isolation: a secret key and what belongs to it."""
