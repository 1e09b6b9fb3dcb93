"""The command line."""

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import SecretStr
from redis.exceptions import RedisError
from rich.console import Console

from analysis.commands import analysis_app
from bench.commands import bench_app
from leaderboard.local.errors import LocalServerError
from leaderboard.terminal import Url, command_settings, console, fail, server_settings
from projector.schema import OtherTables
from shared.clock import now
from shared.incarnation import LogNotCreated
from shared.log import LogUnavailable
from shared.settings import HttpSettings

app = typer.Typer(
    help="An event-sourced leaderboard on Kafka: every score is a fact in a log, every table a fold of it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
log_app = typer.Typer(help="Look into the log.", no_args_is_help=True)
app.add_typer(log_app, name="log")
players_app = typer.Typer(help="Look up what is held about players.", no_args_is_help=True)
app.add_typer(players_app, name="players")
boards_app = typer.Typer(help="Define boards from a file, and list them.", no_args_is_help=True)
app.add_typer(boards_app, name="boards")
app.add_typer(bench_app, name="bench")
app.add_typer(analysis_app)

Port = Annotated[int | None, typer.Option(help="Port to listen on [env: LEADERBOARD_PORT; default 8080]")]


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port of the one origin")] = 8080,
    data: Annotated[Path, typer.Option(help="Where Kafka, Postgres and Redis keep their data")] = Path(".data"),
    split: Annotated[bool, typer.Option("--split", help="Four services on ports 8001, 8002, 8003")] = False,
    projectors: Annotated[int, typer.Option(min=1, max=16, help="How many share the partitions")] = 1,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Of each service with a port; they share it")] = 1,
    command_port: Annotated[int, typer.Option(help="With --split")] = 8001,
    query_port: Annotated[int, typer.Option(help="With --split")] = 8002,
    notifier_port: Annotated[int, typer.Option(help="With --split")] = 8003,
    dev: Annotated[bool, typer.Option("--dev", help="Reload services and the web app when sources change")] = False,
    web_port: Annotated[int, typer.Option(help="Of the web app with --dev")] = 5173,
) -> None:
    """Start everything on this machine, until Ctrl-C.

    Real Kafka, Postgres and Redis run as child processes; set LEADERBOARD_KAFKA,
    LEADERBOARD_POSTGRES or LEADERBOARD_REDIS to use a server of yours instead.
    """
    from leaderboard.downloading import shown
    from leaderboard.running import Plan
    from leaderboard.running import up as run

    if dev and split:
        fail("--dev needs the one origin: leave out --split")
    ports = {"command-api": command_port, "query-api": query_port, "notifier": notifier_port}
    try:
        with shown(console) as progress:
            plan = Plan(data, port, split, ports, projectors, processes, web_port if dev else None)
            run(plan, lambda line: console.print(line), progress)
    except (LocalServerError, LogUnavailable, LogNotCreated, OtherTables) as error:
        fail(str(error))


@app.command()
def init() -> None:
    """Create topics, tables and boards where they are missing."""
    from leaderboard.creating import create

    settings = server_settings()
    try:
        asyncio.run(create(settings[0], settings[1], settings[3], lambda line: console.print(line)))
    except (LogUnavailable, LogNotCreated, OtherTables, OSError) as error:
        fail(str(error))


@app.command("command-api")
def command_api(port: Port = None) -> None:
    """Serve the commands: submit scores, register players."""
    _serve("command-api", port)


@app.command("query-api")
def query_api(port: Port = None) -> None:
    """Serve the queries: top, rank, health."""
    _serve("query-api", port)


@app.command()
def notifier(port: Port = None) -> None:
    """Serve the live sockets."""
    _serve("notifier", port)


@app.command()
def front(port: Port = None) -> None:
    """Serve commands, queries and sockets under one origin."""
    _serve("front", port)


@app.command()
def projector() -> None:
    """Project the log into Postgres and Redis."""
    from leaderboard.serving import project

    server_settings()
    raise typer.Exit(project())


@app.command()
def seed(
    players: Annotated[int, typer.Option(min=1, help="How many players there are")] = 1_000,
    submissions: Annotated[int, typer.Option(min=1, help="How many scores they send")] = 10_000,
    concurrency: Annotated[int, typer.Option(min=1, max=1_000, help="Requests at a time")] = 64,
    random_seed: Annotated[int, typer.Option("--seed", help="Of the random numbers")] = 1,
    url: Url = "http://127.0.0.1:8080",
) -> None:
    """Send realistic traffic: few players play a lot, many a little (Zipf), in both game modes."""
    from leaderboard.seeding import SeedFailed
    from leaderboard.seeding import seed as run

    try:
        summary = asyncio.run(run(url, players, submissions, concurrency, random_seed, console))
    except SeedFailed as error:
        fail(str(error))
    console.print(summary)


@app.command("settings")
def show_settings() -> None:
    """Show every setting: its value here, what is allowed, what it means. Of secrets only whether they are set."""
    from leaderboard.settings_table import settings_table
    from shared.settings import variables

    Console(highlight=False).print(settings_table(variables()))


@app.command()
def verify() -> None:
    """Fold the log and compare it with Postgres and Redis, row by row; exit 1 on any difference."""
    from leaderboard.verifying import verify as run

    settings = server_settings()
    try:
        report = asyncio.run(run(*settings, console))
    except (LogUnavailable, LogNotCreated, OSError) as error:
        fail(str(error))
    for line in report.lines():
        typer.echo(line)
    raise typer.Exit(0 if report.equal else 1)


@log_app.command()
def tail(
    count: Annotated[int, typer.Option("--count", "-n", min=0, help="Records to show first")] = 10,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as records come")] = False,
) -> None:
    """Print the newest facts of the log, one JSON line each, with where they lie."""
    from leaderboard.tailing import tail as run

    try:
        asyncio.run(run(server_settings()[0], server_settings()[3], count, follow, typer.echo))
    except (LogUnavailable, LogNotCreated) as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


@log_app.command()
def void(
    partition: Annotated[int, typer.Argument(min=0, help="The partition that has stopped")],
    offset: Annotated[int, typer.Argument(min=0, help="The offset at which it stopped")],
    topic: Annotated[Literal["events", "players"], typer.Option(help="The topic of the partition")] = "events",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Pass the record at which a partition has stopped: it counts for nothing, for ever.

    The health answer and `partition_stopped` in the projector's log say where that is. The is a fact in
    the log (RecordVoided); nothing is deleted. Where a newer build wrote the record, upgrade the projectors instead.
    """
    from leaderboard.voiding import NotStopped, look, void_record

    kafka, postgres, _, naming = server_settings()
    try:
        typer.echo(asyncio.run(look(kafka, postgres, naming, (topic, partition), offset)))
        if not yes:
            typer.confirm("Should this record count for nothing, for ever?", abort=True)
        typer.echo(asyncio.run(void_record(kafka, postgres, naming, (topic, partition), offset)))
    except (LogUnavailable, LogNotCreated, NotStopped, OSError) as error:
        fail(str(error))


@boards_app.command("apply")
def apply_boards(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="TOML with [[board]] tables")],
    url: Url = "http://127.0.0.1:8080",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, do nothing")] = False,
) -> None:
    """Create and revise boards until they are as the file says; boards that it does not name are left alone.

    Needs LEADERBOARD_ADMIN_KEY, as the command API has it. Exit 1 when the system does not allow some of it.
    """
    from leaderboard.applying import BoardsFailed, carry_out, fetch_boards, plan_table
    from leaderboard.boards import InvalidFile, plan, read_boards

    try:
        wanted = read_boards(file.read_text(encoding="utf-8"))
        made = plan(wanted, asyncio.run(fetch_boards(url)), now())
        console.print(plan_table(made))
        if made.to_do and not dry_run:
            key = _admin_key()
            if not yes:
                typer.confirm(f"Do this to {len(made.to_do)} of {len(wanted)} boards?", abort=True)
            asyncio.run(carry_out(url, key, made.to_do, typer.echo))
    except (BoardsFailed, InvalidFile, OSError, UnicodeDecodeError) as error:
        fail(str(error))
    raise typer.Exit(1 if made.refused else 0)


@boards_app.command("list")
def list_boards(url: Url = "http://127.0.0.1:8080") -> None:
    """Show the boards there are."""
    from leaderboard.applying import BoardsFailed, boards_table, fetch_boards

    try:
        Console(highlight=False).print(boards_table(asyncio.run(fetch_boards(url))))
    except BoardsFailed as error:
        fail(str(error))


@players_app.command("export")
def players_export(player_id: Annotated[str, typer.Argument(help="The player")]) -> None:
    """Print all that is held about one player, as JSON.

    What Postgres holds; Redis has the name and the rows of boards, the log the facts that these tables are folded from.
    """
    from leaderboard.exporting import UnknownPlayer, export_player

    settings = server_settings()
    try:
        typer.echo(asyncio.run(export_player(settings[1], settings[3], player_id)))
    except (UnknownPlayer, OSError) as error:
        fail(str(error))


@app.command()
def reset(
    ranks: Annotated[bool, typer.Option("--ranks", help="Only the rank index in Redis; the tables stay")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Throw away the tables and the rank index; projectors fold the log again from its beginning.

    For a log that is not the one the tables were built from any more (restored, truncated, created anew). The log
    itself is not touched. Until the fold has caught up, answers are of an older position.

    With --ranks, for a Redis that is wrong while the tables are right: nobody reads an older position, as Postgres
    answers until the projectors have put the ranks in again.
    """
    from leaderboard.resetting import reset as run
    from leaderboard.resetting import reset_ranks

    _, postgres, redis, naming = server_settings()
    if not yes:
        what = "the rank index, and fill it from the tables" if ranks else "all that is derived, and fold the log"
        typer.confirm(f"Throw away {what} again?", abort=True)
    try:
        typer.echo(asyncio.run(reset_ranks(redis, naming) if ranks else run(postgres, redis, naming)))
    except (OSError, RedisError) as error:
        fail(str(error))


@app.command()
def rebuild(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Build and compare only; exit 1 if rows differ")] = False,
    shown: Annotated[int, typer.Option("--show", min=0, max=10_000, help="Rows that differ, printed at most")] = 20,
    processes: Annotated[int, typer.Option(min=1, max=64, help="That fold at once, each a partition at a time")] = 2,
) -> None:
    """Build the tables anew from the log, beside the live ones, which serve reads until both change places.

    For tables that are damaged, or were folded by a build that folds otherwise; or lost: after `leaderboard init`, and
    before a projector comes up, it is the quickest way to have them again. Prints what differs. Before the change
    the live tables are as they were, whatever happens; Ctrl-C is safe. Projection pauses for a second or two then, so
    that a submission may be answered 202. What Redis holds of seasons that differ is emptied and put in again.

    Needs the room of the tables once more, and in each process the memory for the largest partition: some 0.5 KB a
    submission in it, 1.4 KB a player. Own grants, indexes and views on the tables are not carried over.
    """
    from leaderboard.counting import counted
    from leaderboard.rebuilding import NotRebuilt, Wishes
    from leaderboard.rebuilding import rebuild as run

    settings = server_settings()
    try:
        with counted(console, "folding") as progress:
            done = asyncio.run(run(*settings, Wishes(dry_run, shown, processes), typer.echo, progress))
    except (NotRebuilt, OtherTables, LogUnavailable, LogNotCreated, OSError) as error:
        fail(str(error))
    typer.echo(done.line())
    raise typer.Exit(1 if dry_run and done.differences.total else 0)


def _serve(service: str, port: int | None) -> None:
    from leaderboard.serving import APPS, serve

    server_settings()
    command_settings()
    http = HttpSettings() if port is None else HttpSettings(port=port)
    serve(next(name for name in APPS if name == service), http)


def _admin_key() -> SecretStr:
    key = command_settings().admin_key
    if key is None:
        fail("LEADERBOARD_ADMIN_KEY is not set: it has to be the one of the command API")
    return key


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
