"""The schedule: a function of its seed, with enough of every kind of fault."""

from tests.chaos.nemesis import WEIGHTS, kills_planned, schedule

COUNTS = {"command-api": 2, "query-api": 2, "notifier": 1, "projector": 3}


def test_a_seed_gives_one_schedule() -> None:
    assert schedule(7, 600, COUNTS) == schedule(7, 600, COUNTS)
    assert schedule(7, 600, COUNTS) != schedule(8, 600, COUNTS)


def test_a_longer_run_begins_as_the_shorter_one() -> None:
    short = schedule(7, 300, COUNTS)
    assert schedule(7, 600, COUNTS)[: len(short)] == short


def test_twenty_minutes_have_sixty_kills_over_every_process_and_server() -> None:
    for seed in range(50):
        faults = schedule(seed, 1_200, COUNTS)
        kills = kills_planned(faults)
        assert sum(kills.values()) >= 60, (seed, kills)
        assert set(kills) == {"projector", "command-api", "query-api", "notifier", "kafka", "postgres", "redis"}
        assert len({(fault.kind) for fault in faults}) >= 10


def test_one_projector_is_never_added_to_nor_removed() -> None:
    faults = schedule(3, 5_000, {**COUNTS, "projector": 1})
    assert not [fault for fault in faults if fault.kind in ("add", "remove")]
    assert {fault.target for fault in faults if "projector" in fault.target} == {"projector"}
    assert len({fault.kind for fault in faults}) == len({kind for kind, _ in WEIGHTS}) - 2


def test_projectors_come_and_go_in_turn() -> None:
    kinds = [fault.kind for fault in schedule(3, 5_000, COUNTS) if fault.kind in ("add", "remove")]
    assert kinds[:4] == ["add", "remove", "add", "remove"]
