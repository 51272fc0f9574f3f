"""Values to send: the bounds of schemas, sessions of every sort."""
