"""The pure parts of the bench: what generators say, figures, ratios, comparison, the chart."""

import asyncio
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.chart import svg
from bench.comparison import Change, compare
from bench.curve import parse_rates
from bench.errors import BenchFailed
from bench.load import Load, load_of, percentile
from bench.measuring import Round
from bench.open_loop import Client, requests
from bench.processes import Usage, spent
from bench.results import Machine, Measured, NoResults, Results, measured, read, write
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


def test_rates_are_numbers() -> None:
    assert parse_rates("500, 250,500") == [250, 500]
    with pytest.raises(BenchFailed, match="x"):
        parse_rates("250,x")


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
