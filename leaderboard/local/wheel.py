"""Where an installed package lies, found without importing it."""

from importlib.util import find_spec
from pathlib import Path

from leaderboard.local.errors import LocalServerError


def folder_of(package: str) -> Path:
    """The folder of a top-level package; its `__init__` does not run, as some do much. Raises LocalServerError."""
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise LocalServerError(f"the package {package} is not installed: run ./quickstart.sh --setup-only")
    return Path(found.submodule_search_locations[0])
