"""What came in and what went out: requests, answers, refusals, and the journal of them."""
