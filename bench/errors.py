"""The root of what goes wrong with a bench."""


class BenchFailed(Exception):
    """A bench cannot go on; the message says why, in one line."""
