"""The pure parts of the bench: what generators say, figures, ratios, comparison, the chart."""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import mix, rebuild, soak
from bench.benchmark import Settings
from bench.boards import NotDefined, more_boards
from bench.chart import LEFT, svg
from bench.clients import Crowd
from bench.comparison import Change, compare
from bench.curve import parse_numbers
from bench.errors import BenchFailed
from bench.growth import Point, growth_table, over_boards, over_players, places, together
from bench.load import Load, load_of, percentile
from bench.loading import submission
from bench.measuring import Round
from bench.open_loop import Client, requests
from bench.processes import Usage, spent
from bench.results import Machine, Measured, NoResults, Results, measured, read, write
from bench.soak import Growth, growth_of
from bench.soak import lines as soak_lines
from bench.tables import bars_table, comparison_table, costs_table, error_lines, loads_table, workloads_table
from bench.workloads import WORKLOADS, Bar, UnknownWorkload, chosen
from bench.wrk import NoWrk, parse, require_wrk, script

LINE = (
    'Running 1s test\n\nBENCH {"requests":100,"seconds":2.000000,"p50":1.5,"p90":2.5,"p99":3.5,"p999":4.5,'
    '"worst":9.5,"counts":{%s}}\n'
)
LOAD = Load(200, 2.0, 1.0, 2.0, 3.0, 4.0, 5.0, 0.5)


def a_round(load: Load = LOAD, **cpu: float) -> Round:
    return Round(load, {"front": 100.0, "generator": 20.0, **cpu}, {"front": 50}, 0.25)


def some_results(*workloads: Measured, equal: bool = True) -> Results:
    machine = Machine("a cpu", 2, "6.1", "3.11.9")
    return Results("abc", "2026-11-24T14:00:00+00:00", machine, {"players": 500}, workloads, ["equal"], equal)


def test_the_line_of_wrk_is_read() -> None:
    load = parse(LINE % '"status 400 and above":0,"socket timeout":0', "top", cpu=0.5)
    assert load == Load(100, 2.0, 1.5, 2.5, 3.5, 4.5, 9.5, 0.5)
    assert load.throughput == 50


def test_answers_that_are_not_200_are_errors_and_no_operations() -> None:
    load = parse(LINE % '"status 400 and above":7,"status 202":3,"status 503":7,"socket read":2', "submit", cpu=0)
    assert (load.operations, load.errors) == (90, {"status 202": 3, "status 503": 7, "socket read": 2})
    unnamed = parse(LINE % '"status 400 and above":7', "top", cpu=0)
    assert (unnamed.operations, unnamed.errors) == (93, {"status 400 and above": 7})


@pytest.mark.parametrize(("kind", "good"), [("batch", 900), ("batch-appended", 990)])
def test_of_a_batch_the_scores_count(kind: str, good: int) -> None:
    line = LINE % '"score applied":900,"score accepted":90,"score unknown":10'
    load = parse(line, "batch" if kind == "batch" else "batch-appended", cpu=0)
    assert load.operations == good
    assert load.errors == {"score unknown": 10} | ({"score accepted": 90} if kind == "batch" else {})


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda each: each.name)
def test_every_workload_has_a_script_and_a_bar(workload: object) -> None:
    [known] = [each for each in WORKLOADS if each is workload]
    assert "function done(" in script(known.kind, 500, 1)
    assert known.bars
    assert known.floors


def test_a_missing_wrk_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoWrk, match=r"^wrk, .* apt-get install wrk$"):
        require_wrk()


def test_an_unknown_workload_is_named() -> None:
    assert chosen([]) == list(WORKLOADS)
    assert [each.name for each in chosen(["rank", "batch"])] == ["rank", "batch"]
    with pytest.raises(UnknownWorkload, match="no workload is called rnak"):
        chosen(["rnak"])


@given(st.lists(st.floats(0, 10), min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_and_grows_with_its_share(values: list[float], share: float) -> None:
    ordered = sorted(values)
    assert percentile(ordered, share) in ordered
    assert percentile(ordered, 0) == ordered[0] <= percentile(ordered, share) <= percentile(ordered, 1) == ordered[-1]


def test_the_latencies_of_a_load_are_milliseconds() -> None:
    load = load_of([number / 1000 for number in range(1, 1001)], 10.0, 1.0, {})
    assert (load.operations, load.throughput, load.p50, load.p99, load.worst) == (1000, 100, 501, 991, 1000)
    assert load_of([], 1.0, 0.0, {"status 503": 1}).operations == 0


def test_figures_are_means_over_rounds_and_ratios_to_the_floor() -> None:
    [workload] = chosen(["submit-32"])
    floor = a_round(replace(LOAD, operations=400, p50=0.5), front=40.0)
    found = measured(workload, [a_round(), a_round(replace(LOAD, p50=3.0))], {"sketch": [floor]}).figures
    assert (found["throughput"], found["p50"], found["generator"], found["cpu"]) == (100, 2.0, 0.25, 100.0)
    assert (found["floor.sketch.throughput"], found["floor.sketch.cpu"]) == (200, 40.0)
    assert (found["ratio.sketch.throughput"], found["ratio.sketch.p50"], found["ratio.sketch.cpu"]) == (0.5, 4.0, 2.5)


def test_a_bar_is_a_least_throughput_or_a_most_of_anything_else() -> None:
    assert Bar("throughput", 10).met(10)
    assert not Bar("throughput", 10).met(9)
    assert Bar("p99", 10).met(10)
    assert not Bar("ratio.sketch.cpu", 1.5).met(1.6)


def test_cpu_is_what_was_spent_in_between_of_those_that_were_there() -> None:
    before, after = {"front": Usage(1.0, 5)}, {"front": Usage(1.5, 9), "new": Usage(7.0, 1)}
    assert spent(before, after) == {"front": 0.5}


def test_results_survive_the_file(tmp_path: Path) -> None:
    [workload] = chosen(["rank"])
    results = some_results(measured(workload, [a_round()], {"asgi": [a_round()]}))
    write(results, tmp_path / "new" / "results.json")
    again = read(tmp_path / "new" / "results.json")
    assert (again.commit, again.machine, again.workloads[0].figures) == (
        results.commit,
        results.machine,
        results.workloads[0].figures,
    )
    (tmp_path / "other.json").write_text("{}")
    for name in ("other.json", "none.json"):
        with pytest.raises(NoResults, match=name):
            read(tmp_path / name)


def test_bad_answers_of_the_system_or_a_floor_make_a_run_bad() -> None:
    [workload] = chosen(["rank"])
    bad = a_round(replace(LOAD, errors={"status 503": 1200}))
    good = measured(workload, [a_round()], {"asgi": [a_round()]})
    assert some_results(good).good
    assert not some_results(good, equal=False).good
    assert not some_results(measured(workload, [a_round(), bad], {})).good
    of_a_floor = measured(workload, [a_round()], {"asgi": [bad]})
    assert not some_results(of_a_floor).good
    assert error_lines([of_a_floor]) == ["rank asgi: 1,200 x status 503"]


def test_two_runs_are_compared_figure_by_figure() -> None:
    before = some_results(Measured("rank", [], {}, {"p50": 2.0, "gone": 1.0}), Measured("old", [], {}, {"p50": 1.0}))
    after = some_results(Measured("rank", [], {}, {"p50": 3.0, "errors": 0.0}))
    assert compare(before, after) == [
        Change("rank", "errors", None, 0.0),
        Change("rank", "gone", 1.0, None),
        Change("rank", "p50", 2.0, 3.0),
        Change("old", "p50", 1.0, None),
    ]
    assert [each.per_cent for each in compare(before, after)] == [None, None, 50.0, None]


def test_every_table_can_be_made() -> None:
    results = some_results(*(measured(each, [a_round()], {each.floors[0]: [a_round()]}) for each in WORKLOADS))
    assert bars_table(results).row_count == sum(len(each.bars) for each in WORKLOADS)
    assert workloads_table().row_count == loads_table(results).row_count == costs_table(results).row_count
    assert comparison_table(results, results, compare(results, results)).row_count > len(WORKLOADS)


@given(
    st.dictionaries(
        st.text("ab <&>\"'é", max_size=9), st.lists(st.tuples(st.floats(1, 1e5), st.floats(0, 1e6)), max_size=4)
    )
)
def test_the_chart_is_well_formed(lines: dict[str, list[tuple[float, float]]]) -> None:
    root = ElementTree.fromstring(svg("p50 < p99 & so on", "1/s", "ms", lines))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(root.findall("{*}polyline")) == len(lines)


def test_a_chart_by_powers_has_them_at_equal_distances() -> None:
    root = ElementTree.fromstring(svg("", "", "", {"a": [(10, 1), (100, 1), (1000, 1)]}, by_powers=True))
    left, middle, right = (float(dot.attrib["cx"]) for dot in root.findall("{*}circle"))
    assert left == LEFT
    assert right - middle == pytest.approx(middle - left)


def test_rates_are_numbers() -> None:
    assert parse_numbers("500, 250,500") == [250, 500]
    with pytest.raises(BenchFailed, match="x"):
        parse_numbers("250,x")


def test_so_many_boards_are_fed_by_one_submission() -> None:
    assert more_boards(1) == []
    found = more_boards(6)
    assert len({each.board_id for each in found}) == 5
    assert all(each.game_modes == ("classic",) for each in found)
    assert [(each.operator, each.reset) for each in found[:2]] == [("sum", "daily"), ("best", "never")]
    with pytest.raises(NotDefined, match="33"):
        more_boards(33)


def test_a_player_submits_once_a_turn_by_the_catalogue_that_was_read() -> None:
    once, again = (orjson.loads(submission(3, 5, turn, 7)[1]) for turn in (0, 1))
    assert once["id"] != again["id"]
    assert once["subject"] == again["subject"] == "player-3"
    assert once["catalogue"] == 7
    assert orjson.loads(submission(3, 5)[1])["id"] == once["id"]


def growth_points() -> list[Point]:
    one = measured(chosen(["rank"])[0], [a_round()], {"redis": [a_round()]})
    return [Point(players, boards, some_results(one)) for players, boards in places([10, 1000], [1, 3], 1000)]


def test_growth_measures_each_size_with_one_board_and_each_number_of_boards_at_one_size() -> None:
    assert places([10, 1000], [1, 3], 1000) == [(10, 1), (1000, 1), (1000, 3)]
    points = growth_points()
    assert over_players(points) == {"rank CPU": [(10, 100.0), (1000, 100.0)], "rank p50": [(10, 1e3), (1000, 1e3)]}
    assert over_boards(points, 1000) == {"rank CPU": [(1, 100.0), (3, 100.0)], "rank p50": [(1, 1e3), (3, 1e3)]}
    assert growth_table(points).row_count == 3
    whole = together(points, Settings())
    assert [each.workload for each in whole.workloads] == ["rank 10 x 1", "rank 1,000 x 1", "rank 1,000 x 3"]
    assert whole.equal
    unequal = [*points, Point(9, 9, some_results(equal=False))]
    assert not together(unequal, Settings()).equal


def test_memory_is_flat_when_it_does_not_grow_after_the_first_third() -> None:
    assert growth_of([10.0, 50.0, 100.0, 100.0, 100.0, 100.0], 60) == Growth(0.0, 0.0)
    growing = growth_of([100.0, 100.0, 100.0, 110.0, 120.0, 130.0], 60)
    assert growing.slope == pytest.approx(600)
    assert growing.share == pytest.approx(0.3)
    assert not growing.flat
    assert growth_of([100.0], 60).flat


def test_a_soak_has_every_process_that_was_there_all_the_time() -> None:
    seen = [{"front": 90.0, "redis": 5.0}, {"front": 91.0}]
    assert soak_lines(seen, 30) == {"front": [(0.0, 90.0), (0.5, 91.0)]}
    load = replace(LOAD, errors={"status 503": 2})
    figures = soak.found({"front": 80.0}, {"front": 85.0}, seen, [load, LOAD], 30).figures
    assert (figures["start.front"], figures["loaded.front"], figures["look-2.front"]) == (80.0, 85.0, 91.0)
    assert (figures["answered"], figures["errors"]) == (400, 2)


def test_what_is_asked_in_a_rebuild_has_to_be_answered_and_a_submission_may_be_applied_later() -> None:
    statuses = {"rank 200": 5, "rank 404": 4, "top 200": 9, "top 503": 2, "submit 202": 3, "submit none": 1}
    seen = rebuild.Seen(Counter(statuses))
    seen.took["rank"] += [1.0, 2.0, 9.0]
    figures = rebuild.found(150, 7.5, seen, {"postgres": 2.5}).figures
    assert (figures["seconds"], figures["events a second"], figures["errors"]) == (7.5, 20, 7)
    assert figures["cpu.postgres, s"] == 2.5
    assert (figures["rank p50, ms"], figures["rank worst, ms"], figures["answers: top 503"]) == (2.0, 9.0, 2)


@pytest.mark.parametrize(
    ("asked", "position", "score", "behind", "violations"),
    [
        (None, "1.00000000.0-5", 70, 0, 0),
        (None, "1.00000000.0-6", 60, 0, 1),
        (None, "1.00000000.0-4", 60, 1, 0),
        ("1.00000000.0-5", "1.00000000.0-4", 60, 0, 1),
    ],
)
def test_an_answer_is_stale_when_it_lacks_what_its_position_contains(
    asked: str | None, position: str, score: int, behind: int, violations: int
) -> None:
    told = mix.Told("ann", 70, "1.00000000.0-5")
    for answer in ({"user_id": "ann", "score": score}, {"entries": [{"user_id": "ann", "score": score}]}):
        seen = mix.Seen()
        mix.judge(told, asked, {**answer, "position": position}, seen)
        assert (seen.checked, seen.behind, len(seen.violations)) == (1, behind, violations)
    mix.judge(told, None, {"entries": [], "position": "1.00000000.0-5"}, seen := mix.Seen())
    assert seen.violations


def test_what_the_kept_pages_save_is_a_share_of_the_answers() -> None:
    figures = mix.found(LOAD, replace(LOAD, errors={"status 503": 1}), (50, 5), mix.Seen(errors=Counter(x=2))).figures
    assert (figures["hits"], figures["errors"]) == (0.9, 3)
    assert Bar("hits", 0.8).met(figures["hits"])


async def test_every_client_of_a_crowd_sends_when_it_is_answered() -> None:
    answered, gone = 0, asyncio.Semaphore(0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        with suppress(asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                answered += 1
                status = b"503 Busy" if answered == 3 else b"200 OK"
                writer.write(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % status)
        writer.close()
        gone.release()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()[:2]
        crowd = Crowd(requests("rank", host, 10, 5, 1))
        await crowd.connect(host, port, 3)
        await crowd.run(0.2)
        crowd.close()
        for _ in crowd.good:
            await asyncio.wait_for(gone.acquire(), 5)
    assert len(crowd.good) == 3
    assert min(crowd.good.values()) > 1
    assert sum(crowd.good.values()) == len(crowd.latencies) == answered - 1
    assert crowd.errors == {"status 503": 1}


async def test_the_open_loop_counts_from_when_a_request_was_due() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for status in (b"200 OK", b"503 Busy"):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 %b\r\nContent-" % status)
            await writer.drain()
            writer.write(b"Length: 2\r\n\r\n{}")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()[:2]
        client = Client()
        await client.connect(host, port, 1)
        for request in requests("rank", host, 10, 2, 1):
            client.offer(-1000.0, request)
        await client.finish()
    assert len(client.latencies) == 1
    assert client.latencies[0] > 1000
    assert client.errors == {"status 503": 1}
