"""The sequential model of a session, and every order and interleaving of operations that is checked against it."""
