"""The clauses of a chat: channels, tokens that a client asks for, runs."""
