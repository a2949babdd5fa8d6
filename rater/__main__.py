"""`python -m rater` is the command `rater`."""

from rater.cli import main

main()
