"""The clauses, as tests."""
