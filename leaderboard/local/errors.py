"""The one error of this package."""

from collections.abc import Sequence

LINES = 12  # of a log, in an error


class LocalServerError(Exception):
    """A local server cannot run. The first line says what happened and what to do; a log's end may follow it."""


def failure(what: str, lines: Sequence[str]) -> LocalServerError:
    """An error with the end of what a program said."""
    return LocalServerError("\n  ".join([f"{what}:", *lines[-LINES:]]))
