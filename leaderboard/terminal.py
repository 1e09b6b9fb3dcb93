"""What the commands share: where they print, how they fail, and their settings from the environment."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console

from shared.settings import CommandSettings, KafkaSettings, NamingSettings, PostgresSettings, RedisSettings

console = Console(stderr=True, highlight=False)
Url = Annotated[str, typer.Option(help="Where the system answers", envvar="LEADERBOARD_URL")]


def fail(message: str) -> NoReturn:
    """Say why, in red, and exit 1."""
    console.print(f"[red]error:[/red] {message}")
    raise typer.Exit(1)


def command_settings() -> CommandSettings:
    """The settings of the command API from the environment, or one line that says which is wrong."""
    with checked_settings():
        return CommandSettings()


def server_settings() -> tuple[KafkaSettings, PostgresSettings, RedisSettings, NamingSettings]:
    """The settings from the environment, or one line that says which is missing or wrong."""
    with checked_settings():
        return KafkaSettings(), PostgresSettings(), RedisSettings(), NamingSettings()


@contextmanager
def checked_settings() -> Iterator[None]:
    """Settings that are made in it are right, or it says which is not, and exits 1."""
    try:
        yield
    except ValidationError as error:
        fail_setting(error)


def fail_setting(error: ValidationError) -> NoReturn:
    """Say which variable is missing or wrong, and exit 1."""
    first = error.errors(include_input=False)[0]
    message = first["msg"].removeprefix("Value error, ")
    if first["loc"]:  # else it is of several, and names them
        name = str(first["loc"][0])
        message = f"{name if name.startswith('LEADERBOARD_') else f'LEADERBOARD_{name.upper()}'}: {message}"
    fail(f"{message} (`leaderboard settings` shows them all)")
