"""What is stored and what comes back."""
