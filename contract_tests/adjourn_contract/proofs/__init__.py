"""Proofs of failed clauses: the steps that show a failure, as commands, scripts and tests."""
