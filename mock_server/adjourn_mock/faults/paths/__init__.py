"""Which session and which operation a request means."""
