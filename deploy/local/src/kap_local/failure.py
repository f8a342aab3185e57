"""What the person at the command line should read: one sentence, no trace."""


class Failure(Exception):
    """It cannot be done, and the message says why."""
