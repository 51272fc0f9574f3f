"""`python -m adjourn` is `adjourn`."""

from adjourn.cli import main

main()
