"""The life of a session: rows, ids and time, without a framework or a store."""
