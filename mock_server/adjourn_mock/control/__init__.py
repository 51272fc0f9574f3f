"""What may be done to a running mock, and the API over which it is done."""
