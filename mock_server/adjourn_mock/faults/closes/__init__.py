"""What a close does, the first time and later."""
