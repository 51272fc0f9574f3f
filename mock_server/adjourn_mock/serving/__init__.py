"""Sockets: the HTTP protocol and the servers."""
