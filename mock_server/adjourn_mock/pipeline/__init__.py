"""The path of a request, step by step."""
