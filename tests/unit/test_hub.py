"""What a socket is told: conflated, chained, bounded."""

from hypothesis import given
from hypothesis import strategies as st

from notifier.hub import MOST_DELIVERED, Hub, Watcher, moved_range
from shared.feed import BoardLines, RankLine

STEPS = st.lists(st.none() | st.tuples(st.sampled_from(["ann", "bob"]), st.none() | st.integers(1, 4)))


def lines(*rows: tuple[str, int | None, int | None], total: int = 500) -> BoardLines:
    ranks = [RankLine(player, old, new, 1) for player, old, new in rows]
    return BoardLines(board_id="classic", season="all", total=total, rows=ranks)


@given(STEPS)
def test_events_of_a_player_form_a_chain_that_ends_at_the_last_rank_told(
    steps: list[tuple[str, int | None] | None],
) -> None:
    watcher = Watcher("ann", "classic")
    told: dict[str, int | None] = {}
    last: dict[str, int | None] = {}

    def drain(limit: int) -> None:
        for _ in range(limit):
            event = watcher.take()
            if event is None:
                return
            player, new, old = event
            assert old == last.get(player)
            assert new != old
            last[player] = new

    for step in steps:
        if step is None:
            drain(1)
        else:
            told[step[0]] = step[1]
            watcher.tell(*step)
    drain(len(steps) + 1)
    assert watcher.take() is None
    assert all(last.get(player) == rank for player, rank in told.items())


def test_a_socket_remembers_a_bounded_number_of_players_and_always_its_own() -> None:
    watcher = Watcher("ann", "classic")
    watcher.tell("ann", 1)
    for number in range(MOST_DELIVERED + 100):
        watcher.tell(f"p{number}", 2)
        while watcher.take() is not None:
            pass
    assert len(watcher.delivered) == MOST_DELIVERED
    assert watcher.delivered["ann"] == 1


def test_everyone_hears_of_movers_in_the_top_and_a_player_of_their_own_moves() -> None:
    hub, ann, bob = Hub(), Watcher("ann", "classic"), Watcher("bob", "classic")
    hub.add(ann)
    hub.add(bob)
    assert hub.move(lines(("cyd", 101, 100))) == {ann, bob}
    assert hub.move(lines(("bob", 300, 200))) == {bob}
    assert hub.move(lines(("dan", 300, 200))) == set()
    assert hub.move(lines(("ann", 7, 7))) == set()


def test_watched_players_between_old_and_new_rank_are_displaced() -> None:
    hub = Hub()
    for player, rank in (("ann", 5), ("bob", 10), ("cyd", 11)):
        watcher = Watcher(player, "classic")
        watcher.tell(player, rank)
        hub.add(watcher)
    assert hub.displaced(lines(("dan", 10, 5))) == ["ann", "bob"]
    assert hub.displaced(lines(("dan", None, 11), total=12)) == ["cyd"]
    assert hub.displaced(lines(("bob", 10, 5))) == ["ann"]
    assert moved_range(lines(("dan", 3, 3))) is None


def test_a_board_that_nobody_watches_costs_nothing() -> None:
    hub, watcher = Hub(), Watcher("ann", "classic")
    hub.add(watcher)
    hub.remove(watcher)
    assert hub.watchers == {}
    assert hub.move(lines(("ann", 2, 1))) == set()


def test_a_rank_that_was_read_reaches_only_those_who_were_asked_for() -> None:
    hub, ann, bob = Hub(), Watcher("ann", "classic"), Watcher("bob", "classic")
    hub.add(ann)
    hub.add(bob)
    assert hub.place("classic", {"ann": 3, "bob": 4}, ["ann"]) == {ann}
    assert (ann.take(), bob.take()) == (("ann", 3, None), None)
