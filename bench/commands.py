"""`leaderboard bench`: the command line of the benchmarks. What they need is imported when one runs."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError

from leaderboard.local.errors import LocalServerError
from leaderboard.terminal import console, fail, fail_setting
from shared.incarnation import LogNotCreated
from shared.log import LogUnavailable

bench_app = typer.Typer(help="Measure the whole system under load, and compare what was measured.")

Running = Annotated[str | None, typer.Option("--url", help="A system that runs; by default a new one is started")]
Out = Annotated[Path | None, typer.Option("--out", help="Results [default: bench-results/DATE-COMMIT.json]")]
Players = Annotated[int, typer.Option("--players", min=1, help="How many are loaded before")]
Events = Annotated[int, typer.Option("--events", min=0, help="In the log before, at least one a player")]


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
        fail(str(error))
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


@bench_app.command("export")
def bench_export(
    events: Events = 1_000_000,
    players: Players = 100_000,
    rounds: Annotated[int, typer.Option(min=1, help="Of the export, and of the drain in between")] = 3,
    out: Out = None,
) -> None:
    """Do `leaderboard export` to Parquet, beside a bare drain of the topic: how long, how large, with how much memory?

    On a log of its own. Exit 1 when the rows are not as many as the records.
    """
    from bench.benchmark import Settings
    from bench.export import export

    _bench(lambda: export(Settings(players, rounds=rounds, events=events), out, console))


@bench_app.command("restore")
def bench_restore(
    events: Events = 1_000_000,
    players: Players = 100_000,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="`leaderboard rebuild` first, then projectors")] = False,
    out: Out = None,
) -> None:
    """Lose Postgres and Redis: how long until new, empty ones hold all of the log again?

    On a system of its own. Exit 1 when the tables are not right afterwards.
    """
    from bench.benchmark import Settings
    from bench.restore import restore

    _bench(lambda: restore(Settings(players, events=events), rebuild, out, console))


@bench_app.command("history")
def bench_history(events: Events = 1_000_000, players: Players = 100_000, out: Out = None) -> None:
    """Import a history of scores into a new log, project it, replay it, as it was and under other rules.

    On a system of its own. Exit 1 when the tables are not right afterwards.
    """
    from bench.benchmark import Settings
    from bench.history import history

    _bench(lambda: history(Settings(players, events=events), out, console))


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
        fail(str(error))
    except ValidationError as error:
        fail_setting(error)
    raise typer.Exit(0 if good else 1)
