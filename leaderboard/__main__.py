"""The command line."""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer
from pydantic import SecretStr, ValidationError
from rich.console import Console

from leaderboard.local.errors import LocalServerError
from shared.clock import now
from shared.incarnation import LogNotCreated
from shared.log import LogUnavailable
from shared.settings import (
    CommandSettings,
    HttpSettings,
    KafkaSettings,
    NamingSettings,
    PostgresSettings,
    RedisSettings,
)

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
bench_app = typer.Typer(help="Measure the whole system under load, and compare what was measured.")
app.add_typer(bench_app, name="bench")
console = Console(stderr=True, highlight=False)

Port = Annotated[int | None, typer.Option(help="Port to listen on [env: LEADERBOARD_PORT; default 8080]")]
Url = Annotated[str, typer.Option(help="Where the system answers", envvar="LEADERBOARD_URL")]
Running = Annotated[str | None, typer.Option("--url", help="A system that runs; by default a new one is started")]
Out = Annotated[Path | None, typer.Option("--out", help="Results [default: bench-results/DATE-COMMIT.json]")]
Players = Annotated[int, typer.Option("--players", min=1, help="How many are loaded before")]
Events = Annotated[int, typer.Option("--events", min=0, help="In the log before, at least one a player")]


def _fail(message: str) -> NoReturn:
    console.print(f"[red]error:[/red] {message}")
    raise typer.Exit(1)


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
        _fail("--dev needs the one origin: leave out --split")
    ports = {"command-api": command_port, "query-api": query_port, "notifier": notifier_port}
    try:
        with shown(console) as progress:
            plan = Plan(data, port, split, ports, projectors, processes, web_port if dev else None)
            run(plan, lambda line: console.print(line), progress)
    except (LocalServerError, LogUnavailable, LogNotCreated) as error:
        _fail(str(error))


@app.command()
def init() -> None:
    """Create topics, tables and boards where they are missing."""
    from leaderboard.creating import create

    settings = _settings()
    try:
        asyncio.run(create(settings[0], settings[1], settings[3], lambda line: console.print(line)))
    except (LogUnavailable, LogNotCreated, OSError) as error:
        _fail(str(error))


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

    _settings()
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
        _fail(str(error))
    console.print(summary)


@app.command()
def verify() -> None:
    """Fold the log and compare it with Postgres and Redis, row by row; exit 1 on any difference."""
    from leaderboard.verifying import verify as run

    settings = _settings()
    try:
        report = asyncio.run(run(*settings, console))
    except (LogUnavailable, LogNotCreated, OSError) as error:
        _fail(str(error))
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
        asyncio.run(run(_settings()[0], _settings()[3], count, follow, typer.echo))
    except (LogUnavailable, LogNotCreated) as error:
        _fail(str(error))
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

    kafka, postgres, _, naming = _settings()
    try:
        typer.echo(asyncio.run(look(kafka, postgres, naming, (topic, partition), offset)))
        if not yes:
            typer.confirm("Should this record count for nothing, for ever?", abort=True)
        typer.echo(asyncio.run(void_record(kafka, postgres, naming, (topic, partition), offset)))
    except (LogUnavailable, LogNotCreated, NotStopped, OSError) as error:
        _fail(str(error))


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
        _fail(str(error))
    raise typer.Exit(1 if made.refused else 0)


@boards_app.command("list")
def list_boards(url: Url = "http://127.0.0.1:8080") -> None:
    """Show the boards there are."""
    from leaderboard.applying import BoardsFailed, boards_table, fetch_boards

    try:
        Console(highlight=False).print(boards_table(asyncio.run(fetch_boards(url))))
    except BoardsFailed as error:
        _fail(str(error))


@players_app.command("export")
def players_export(player_id: Annotated[str, typer.Argument(help="The player")]) -> None:
    """Print all that is held about one player, as JSON.

    What Postgres holds; Redis has the name and the rows of boards, the log the facts that these tables are folded from.
    """
    from leaderboard.exporting import UnknownPlayer, export_player

    settings = _settings()
    try:
        typer.echo(asyncio.run(export_player(settings[1], settings[3], player_id)))
    except (UnknownPlayer, OSError) as error:
        _fail(str(error))


@app.command()
def reset(yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False) -> None:
    """Throw away the tables and the rank index; projectors fold the log again from its beginning.

    For a log that is not the one the tables were built from any more (restored, truncated, created anew). The log
    itself is not touched. Until the fold has caught up, answers are of an older position.
    """
    from leaderboard.resetting import reset as run

    settings = _settings()
    if not yes:
        typer.confirm("Throw away everything that is derived from the log, and fold it again?", abort=True)
    try:
        typer.echo(asyncio.run(run(settings[1], settings[2], settings[3])))
    except OSError as error:
        _fail(str(error))


@app.command()
def rebuild(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Build and compare only; exit 1 if rows differ")] = False,
    shown: Annotated[int, typer.Option("--show", min=0, max=10_000, help="Rows that differ, printed at most")] = 20,
    processes: Annotated[int, typer.Option(min=1, max=64, help="That fold at once, each a partition at a time")] = 2,
) -> None:
    """Build the tables anew from the log, beside the live ones, which serve reads until both change places.

    For tables that are damaged, or were folded by a build that folds otherwise. Prints what differs. Before the change
    the live tables are as they were, whatever happens; Ctrl-C is safe. Projection pauses for a second or two then, so
    that a submission may be answered 202. What Redis holds of seasons that differ is emptied and put in again.

    Needs the room of the tables once more, and in each process the memory for the largest partition: some 0.5 KB a
    submission in it, 1.4 KB a player. Own grants, indexes and views on the tables are not carried over.
    """
    from leaderboard.counting import counted
    from leaderboard.rebuilding import NotRebuilt, Wishes
    from leaderboard.rebuilding import rebuild as run

    settings = _settings()
    try:
        with counted(console, "folding") as progress:
            done = asyncio.run(run(*settings, Wishes(dry_run, shown, processes), typer.echo, progress))
    except (NotRebuilt, LogUnavailable, LogNotCreated, OSError) as error:
        _fail(str(error))
    typer.echo(done.line())
    raise typer.Exit(1 if dry_run and done.differences.total else 0)


@bench_app.callback(invoke_without_command=True)
def bench(context: typer.Context) -> None:
    """Without a command: `bench run`, with its defaults."""
    if context.invoked_subcommand is None:
        bench_run([])


@bench_app.command("run")
def bench_run(
    workloads: Annotated[list[str] | None, typer.Argument(help="Which, see `bench list`; all by default")] = None,
    players: Players = 100_000,
    seconds: Annotated[float, typer.Option(min=1, help="Of each round")] = 10.0,
    warm_up: Annotated[float, typer.Option(min=0, help="Seconds of load before each round")] = 3.0,
    run_in: Annotated[float, typer.Option(min=0, help="Seconds of submissions before the first round")] = 20.0,
    rounds: Annotated[int, typer.Option(min=1, help="Of each workload, those of its floors in between")] = 2,
    boards: Annotated[int, typer.Option(min=1, help="That one submission feeds; the sketch feeds one")] = 1,
    url: Running = None,
    out: Out = None,
) -> None:
    """Measure workloads against their floors, then verify; exit 1 on any bad answer or difference.

    With --url the servers of that system are taken from LEADERBOARD_KAFKA, LEADERBOARD_POSTGRES and LEADERBOARD_REDIS.
    """
    from bench.benchmark import Settings
    from bench.benchmark import bench as run

    settings = Settings(players, seconds, warm_up, run_in, rounds, boards=boards)
    _bench(lambda: run(workloads or [], settings, url, out, console))


@bench_app.command("compare")
def bench_compare(
    before: Annotated[Path, typer.Argument(metavar="A", help="Results of a run")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Results of a later one")],
) -> None:
    """Show two runs side by side, each figure with its change in per cent."""
    from bench.comparison import compare
    from bench.errors import BenchFailed
    from bench.results import read
    from bench.tables import comparison_table, terminal

    try:
        found = read(before), read(after)
    except BenchFailed as error:
        _fail(str(error))
    terminal().print(comparison_table(*found, compare(*found)))


@bench_app.command("curve")
def bench_curve(
    rates: Annotated[str, typer.Option(help="Requests a second, with commas between")] = "250,500,1000,2000",
    players: Players = 100_000,
    seconds: Annotated[float, typer.Option(min=1, help="Of each rate")] = 10.0,
    warm_up: Annotated[float, typer.Option(min=0, help="Seconds of load before each")] = 3.0,
    url: Running = None,
    out: Annotated[Path | None, typer.Option(help="The SVG [default: bench-results/DATE-COMMIT.svg]")] = None,
) -> None:
    """Draw latency (p50, p99) against offered load, for submissions and for ranks; exit 1 as `bench run` does."""
    from bench.benchmark import Settings
    from bench.curve import curve, parse_numbers

    settings = Settings(players, seconds, warm_up)
    _bench(lambda: curve(parse_numbers(rates), settings, url, out, console))


@bench_app.command("growth")
def bench_growth(
    players: Annotated[str, typer.Option(help="Sizes, with commas between, at one board")] = "10000,100000,1000000",
    boards: Annotated[str, typer.Option(help="Boards that a submission feeds, with commas between")] = "1,3,10",
    at: Annotated[int, typer.Option(min=1, help="Players, for each number of boards")] = 100_000,
    seconds: Annotated[float, typer.Option(min=1, help="Of each round")] = 10.0,
    warm_up: Annotated[float, typer.Option(min=0, help="Seconds of load before each round")] = 3.0,
    rounds: Annotated[int, typer.Option(min=1, help="Of each workload, those of its floors in between")] = 1,
    out: Out = None,
) -> None:
    """Measure submit-128, top-100 and rank at each size and each number of boards, each on a new system.

    Prints CPU an operation by process, latency, memory and floors; draws CPU and p50 into two SVGs beside the results.
    """
    from bench.benchmark import Settings
    from bench.curve import parse_numbers
    from bench.growth import growth

    settings = Settings(at, seconds, warm_up, rounds=rounds)
    _bench(lambda: growth(parse_numbers(players), parse_numbers(boards), at, settings, out, console))


@bench_app.command("mix")
def bench_mix(
    players: Players = 100_000,
    rate: Annotated[int, typer.Option(min=1, help="Submissions a second, open loop")] = 1_000,
    connections: Annotated[int, typer.Option(min=1, help="That read, closed loop")] = 32,
    samplers: Annotated[int, typer.Option(min=1, help="That submit, and look for it in what they read")] = 4,
    seconds: Annotated[float, typer.Option(min=1, help="Of load")] = 10.0,
    url: Running = None,
    out: Out = None,
) -> None:
    """Read while submissions go on: how many top pages needed no rows from Redis, and was any answer too old?

    Of the reads 90 % are top pages of 10, 50 or 100 rows, 10 % ranks of random players. Exit 1 when an answer lacks
    what is contained in the position that it states, or that was asked for.
    """
    from bench.benchmark import Settings
    from bench.mix import Mix, mix

    _bench(lambda: mix(Mix(rate, connections, samplers), Settings(players, seconds), url, out, console))


@bench_app.command("clients")
def bench_clients(
    clients: Annotated[int, typer.Option(min=1, max=15_000, help="Connections, each kept")] = 1_000,
    players: Players = 100_000,
    seconds: Annotated[float, typer.Option(min=1, help="Of load")] = 20.0,
    url: Running = None,
    out: Out = None,
) -> None:
    """Let many clients submit at once, each as fast as it is answered: are they served evenly?

    Any answer but 200 is an error (202: not applied within the wait; 429 and 503: refused for now) and exit code 1.
    """
    from bench.benchmark import Settings
    from bench.clients import clients as run

    _bench(lambda: run(clients, Settings(players, seconds), url, out, console))


@bench_app.command("soak")
def bench_soak(
    minutes: Annotated[float, typer.Option(min=0, help="Of load")] = 20.0,
    every: Annotated[float, typer.Option(min=1, help="Seconds between two looks")] = 60.0,
    rate: Annotated[int, typer.Option(min=1, help="Submissions a second, open loop")] = 300,
    players: Players = 100_000,
    events: Events = 0,
    url: Running = None,
    out: Out = None,
) -> None:
    """Watch the memory of each process: after start, with a full log, and every minute of a steady load.

    Draws it into an SVG beside the results, and says of each process whether it is flat after the first third.
    """
    from bench.benchmark import Settings
    from bench.soak import soak

    looks = max(1, round(minutes * 60 / every))
    _bench(lambda: soak(looks, rate, Settings(players, every, events=events), url, out, console))


@bench_app.command("rebuild")
def bench_rebuild(
    events: Events = 1_000_000,
    players: Players = 100_000,
    url: Running = None,
    out: Out = None,
) -> None:
    """Do `leaderboard rebuild` while reads and a few submissions go on: how long, how were they answered meanwhile?

    Exit 1 when a read is answered otherwise than 200, or a submission otherwise than 200 or 202 (applied later), or the
    tables are not right afterwards. With --url all tables of that system are built anew.
    """
    from bench.benchmark import Settings
    from bench.rebuild import rebuild

    _bench(lambda: rebuild(Settings(players, events=events), url, out, console))


@bench_app.command("live")
def bench_live(
    scenarios: Annotated[list[str] | None, typer.Argument(help="Which, see `bench list`; all by default")] = None,
    seconds: Annotated[float, typer.Option(min=1, help="Of each round of a load")] = 20.0,
    minutes: Annotated[float, typer.Option(min=0.1, help="Of `stuck` and `hold`")] = 5.0,
    idle: Annotated[float, typer.Option(min=1, help="Seconds for which idle sockets are looked at")] = 30.0,
    rounds: Annotated[int, typer.Option(min=1, help="Of a broadcast, those of its floor in between")] = 2,
    rates: Annotated[str, typer.Option(help="Submissions a second of `submit`, with commas between")] = "300,1000",
    moves: Annotated[int, typer.Option(min=1, help="Submissions a second of the other scenarios")] = 20,
    players: Annotated[int, typer.Option(min=1_000, help="How many are loaded before")] = 20_000,
    share: Annotated[float, typer.Option(min=0.01, max=1, help="Of the sockets: less for a trial")] = 1.0,
    url: Annotated[str | None, typer.Option(help="A system that runs; by default a new one is started")] = None,
    out: Annotated[Path | None, typer.Option(help="Results [default: bench-results/live-DATE-COMMIT.json]")] = None,
) -> None:
    """Measure the live stream, each scenario with its floor and its bars, then verify; exit 1 as `bench run` does.

    It needs a C compiler. Notifiers are processes of their own beside the system.
    """
    from bench.curve import parse_numbers
    from bench.live import Settings
    from bench.live import bench_live as run

    def measure() -> bool:
        settings = Settings(seconds, minutes, idle, rounds, parse_numbers(rates), moves, players, share)
        return run(scenarios or [], settings, url, out, console)

    _bench(measure)


@bench_app.command("web")
def bench_web(
    submits: Annotated[int, typer.Option(min=1, help="Each is looked for in another page")] = 200,
    rate: Annotated[int, typer.Option(min=1, help="Submissions a second behind the board, meanwhile")] = 1_000,
    seconds: Annotated[float, typer.Option(min=1, help="For which frames are counted")] = 20.0,
    players: Annotated[int, typer.Option(min=1_000, help="How many are loaded before")] = 20_000,
    url: Annotated[str | None, typer.Option(help="A system that runs; by default a new one is started")] = None,
    out: Annotated[Path | None, typer.Option(help="Results [default: bench-results/web-DATE-COMMIT.json]")] = None,
) -> None:
    """Measure the web app in Chromium: from a submit in one page to the row in another, and frames under load.

    Then verify; exit 1 as `bench run` does. It needs chromium, and the packages for tests.
    """

    def measure() -> bool:
        from bench.web import Settings
        from bench.web import bench_web as run

        return run(Settings(submits, rate, seconds=seconds, players=players), url, out, console)

    _bench(measure)


@bench_app.command("list")
def bench_list() -> None:
    """Show the workloads, the scenarios of `bench live`, and what they have to reach."""
    from bench.live import scenarios_table
    from bench.tables import terminal, workloads_table

    terminal().print(workloads_table(), scenarios_table())


def _bench(run: Callable[[], bool]) -> NoReturn:
    """Run it and exit: 1 where an answer or the verdict of verify was bad, or it cannot go on."""
    from bench.errors import BenchFailed

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what is started is then stopped, and its folder removed
    try:
        good = run()
    except (BenchFailed, LocalServerError, LogUnavailable, LogNotCreated, OSError) as error:
        _fail(str(error))
    except ValidationError as error:
        _fail_setting(error)
    raise typer.Exit(0 if good else 1)


def _serve(service: str, port: int | None) -> None:
    from leaderboard.serving import APPS, serve

    _settings()
    _command_settings()
    http = HttpSettings() if port is None else HttpSettings(port=port)
    serve(next(name for name in APPS if name == service), http)


def _admin_key() -> SecretStr:
    key = _command_settings().admin_key
    if key is None:
        _fail("LEADERBOARD_ADMIN_KEY is not set: it has to be the one of the command API")
    return key


def _command_settings() -> CommandSettings:
    try:
        return CommandSettings()
    except ValidationError as error:
        _fail_setting(error)


def _settings() -> tuple[KafkaSettings, PostgresSettings, RedisSettings, NamingSettings]:
    """The settings from the environment, or one line that says which is missing or wrong."""
    try:
        return KafkaSettings(), PostgresSettings(), RedisSettings(), NamingSettings()
    except ValidationError as error:
        _fail_setting(error)


def _fail_setting(error: ValidationError) -> NoReturn:
    first = error.errors(include_input=False)[0]
    name = str(first["loc"][0])
    variable = name if name.startswith("LEADERBOARD_") else f"LEADERBOARD_{name.upper()}"
    _fail(f"{variable}: {first['msg']} (see .env.example)")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
