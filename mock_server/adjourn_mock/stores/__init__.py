"""Where rows live: memory, SQLite or Redis, behind one protocol."""
