"""Who is let in, and what one environment sees of another."""
