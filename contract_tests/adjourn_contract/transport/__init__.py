"""Requests as bytes, and what came back."""
