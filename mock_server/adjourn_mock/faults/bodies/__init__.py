"""How bodies are received, read and validated."""
