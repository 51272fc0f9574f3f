"""What create, update, retrieve and list do."""
