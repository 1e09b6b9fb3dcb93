"""What a socket is told: conflated, chained, bounded; and what has to be read for it."""

from hypothesis import given
from hypothesis import strategies as st

from notifier.hub import MOST_PLACES, Hub, Needs, Sight, Watched
from notifier.limits import Bucket
from notifier.sessions import Session
from notifier.watchers import MOST_DELIVERED, Watcher
from shared.boards import DEFAULT_BOARDS, Board
from shared.positions import Position
from shared.questions import Places, Question, Range, answer
from shared.rank_changes import BoardLines, RankLine
from shared.ranking import Standing

STEPS = st.lists(st.none() | st.tuples(st.sampled_from(["ann", "bob"]), st.none() | st.integers(1, 4)))
CLASSIC = DEFAULT_BOARDS[0]


class Sink:
    """A connection that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.full = 0
        self.ended: tuple[int, str] | None = None

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def buffered(self) -> int:
        return self.full

    def close(self, code: int, reason: str) -> None:
        self.ended = code, reason


def session(watcher: Watcher | None = None) -> Session:
    return Session(Sink(), Bucket(10, 20, 20), watcher)


def watching(hub: Hub, player_id: str, board: Board = CLASSIC) -> Session:
    made = session(Watcher(player_id, board.board_id))
    hub.add_watcher(made, hub.watch(board, "all"))
    return made


def lines(*rows: tuple[str, int | None, int | None], total: int = 500, version: int = 0) -> BoardLines:
    ranks = [RankLine(player, old, new, 1) for player, old, new in rows]
    return BoardLines(board_id="classic", season="all", total=total, rows=ranks, version={0: version})


def see(hub: Hub, watched: Watched, standings: list[Standing], needs: Needs | None = None) -> Needs:
    """Read what the hub needs, as Redis would answer."""
    needs = needs or watched.needs()
    parts = [answer(watched.board, standings, each).rows for each in needs.questions()]
    rows = parts.pop(0) if needs.depth else []
    places = parts.pop(0) if needs.places else []
    position = Position("0123456789abcdef", {0: len(standings)})
    sight = Sight(watched.season, len(standings), position, position, rows, places, parts, {})
    hub.see(watched, needs, sight)
    return needs


def standing(player_id: str, value: int, at: int = 1) -> Standing:
    return Standing(player_id, value, at, 1, at)


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


def test_everyone_hears_of_movers_in_the_top_and_a_player_of_their_own_moves_at_once() -> None:
    hub = Hub()
    watching(hub, "ann")
    bob = watching(hub, "bob")
    hub.move(lines(("cyd", 101, 100), ("bob", 300, 200), ("dan", 300, 200), ("ann", 7, 7)), 5)
    assert hub.boards["classic"].movers == {"cyd": 100}
    assert bob in hub.waiting
    assert bob.watcher is not None
    assert bob.watcher.take() == ("bob", 200, None)


def test_players_between_old_and_new_rank_have_to_be_read() -> None:
    hub = Hub()
    for player in ("ann", "bob", "cyd"):
        watching(hub, player)
    watched = hub.boards["classic"]
    assert watched.needs().places == ["ann", "bob", "cyd"]
    hub.move(lines(("ann", None, 5), ("bob", None, 10), ("cyd", None, 11), total=11), 1)
    watched.needs()
    hub.move(lines(("dan", 10, 5), total=12), 1)
    assert watched.needs().places == ["ann", "bob"]
    hub.move(lines(("dan", None, 11), total=12), 1)
    assert watched.needs().places == ["cyd"]
    hub.move(lines(("dan", 3, 3), total=12), 1)
    assert watched.needs().places == []


def test_on_a_dense_board_a_move_may_move_everyone_behind_it() -> None:
    hub = Hub()
    board = CLASSIC.model_copy(update={"ties": "dense"})
    watching(hub, "ann", board)
    watched = hub.boards["classic"]
    hub.move(lines(("ann", None, 400)), 1)
    watched.needs()
    hub.move(lines(("dan", 10, 10)), 1)
    assert watched.needs().places == ["ann"]


def test_a_record_that_was_overtaken_is_not_believed() -> None:
    hub = Hub()
    watching(hub, "ann")
    watched = hub.boards["classic"]
    watched.needs()
    hub.move(lines(("ann", 9, 3), version=7), 1)
    hub.move(lines(("ann", None, 9), version=6), 1)
    place = watched.players["ann"].place
    assert place is not None
    assert place.rank == 3
    assert watched.needs().places == ["ann"]


def test_a_read_that_a_record_has_overtaken_has_not_the_last_word() -> None:
    hub = Hub()
    watching(hub, "ann")
    watched = hub.boards["classic"]
    needs = watched.needs()
    hub.move(lines(("ann", 9, 3)), 1)
    see(hub, watched, [standing("ann", 5)], needs)
    place = watched.players["ann"].place
    assert place is not None
    assert place.rank == 3


def test_a_record_that_never_came_is_found_by_the_next_look() -> None:
    hub = Hub()
    watching(hub, "ann")
    watched = hub.boards["classic"]
    see(hub, watched, [standing("ann", 5)])
    watched.look(Position("0123456789abcdef", {0: 1}))
    assert watched.needs().places == ["ann"]  # what was missed before the first look
    watched.look(Position("0123456789abcdef", {0: 2}))
    assert watched.needs().places == []  # the record may still come
    watched.look(Position("0123456789abcdef", {0: 2}))
    assert watched.needs().places == ["ann"]
    watched.look(Position("0123456789abcdef", {0: 2}))
    assert watched.needs().places == []


def test_a_board_that_nobody_watches_costs_nothing() -> None:
    hub = Hub()
    ann, bob = watching(hub, "ann"), session()
    hub.add_top(bob, hub.watch(CLASSIC, "all"), 10, 1, None)
    hub.add_around(bob, hub.watch(CLASSIC, "all"), "bob", 2)
    hub.leave(ann)
    hub.leave(bob)
    assert hub.boards == {}
    hub.move(lines(("ann", 2, 1)), 1)
    assert hub.waiting == {}


def test_only_as_many_rows_are_read_as_somebody_watches_and_only_when_they_may_be_others() -> None:
    hub, ann = Hub(), session()
    watched = hub.watch(CLASSIC, "all")
    hub.add_top(ann, watched, 10, 1, None)
    hub.add_top(ann, watched, 50, 2, None)
    questions: list[Question] = [Range(0, 50)]
    assert see(hub, watched, [standing(f"p{n}", n) for n in range(60)]).questions() == questions
    hub.move(lines(("p1", 59, 58), total=60), 1)
    assert watched.needs().questions() == []
    hub.move(lines(("p1", 59, 50), total=60), 1)
    assert watched.needs().questions() == questions
    hub.drop(ann, "top:50:classic")
    hub.move(lines(("p1", 59, 10), total=60), 1)
    assert watched.needs().questions() == [Range(0, 10)]


def test_the_rows_around_a_player_are_read_when_something_moved_among_them() -> None:
    hub, ann = Hub(), session()
    watched = hub.watch(CLASSIC, "all")
    hub.add_around(ann, watched, "p30", 2)
    players = [standing(f"p{n}", 100 - n) for n in range(60)]
    assert see(hub, watched, players).windows == [("p30", 2)]
    hub.move(lines(("p1", 2, 28), total=60), 1)
    assert watched.needs().windows == []
    hub.move(lines(("p1", 2, 29), total=60), 1)
    assert watched.needs().windows == [("p30", 2)]


def test_who_comes_to_a_short_window_is_seen() -> None:
    hub, ann = Hub(), session()
    watched = hub.watch(CLASSIC, "all")
    hub.add_around(ann, watched, "p0", 5)
    see(hub, watched, [standing("p0", 9)])
    hub.move(lines(("p1", None, 2), total=2), 1)
    assert watched.needs().windows == [("p0", 5)]


def test_a_request_with_a_label_of_another_node_waits_for_a_read_that_begins_later() -> None:
    hub, ann, bob = Hub(), session(), session()
    watched = hub.watch(CLASSIC, "all")
    hub.add_top(ann, watched, 10, 1, None)
    see(hub, watched, [standing("p0", 9)])
    assert ann.take() is not None
    watched.dirty = True
    under_way = watched.needs()
    top = hub.add_top(bob, watched, 10, 1, "unknown-here")
    assert not top.ready()
    see(hub, watched, [standing("p0", 10)], under_way)
    assert not top.ready()
    see(hub, watched, [standing("p0", 11)])
    assert top.ready()


def test_many_players_are_read_in_parts() -> None:
    hub, ann = Hub(), session()
    watched = hub.watch(CLASSIC, "all")
    for number in range(700):
        hub.add_me(ann, watched, f"p{number}")
    [first] = watched.needs().questions()
    [second] = watched.needs().questions()
    assert isinstance(first, Places)
    assert isinstance(second, Places)
    assert len(first.player_ids) + len(second.player_ids) == 700


def test_everyone_is_read_in_the_end_however_often_everything_is_in_doubt() -> None:
    hub = Hub()
    for number in range(3 * MOST_PLACES):
        watching(hub, f"p-{number}")
    watched, read = hub.boards["classic"], set[str]()
    for _ in range(4):
        hub.doubt_everything()
        read |= set(watched.needs().places)
    assert len(read) == 3 * MOST_PLACES


def test_a_read_that_went_back_changes_nothing_and_is_done_again() -> None:
    hub = Hub()
    top = hub.add_top(session(), hub.watch(CLASSIC, "all"), 10, 1, None)
    watched = hub.boards["classic"]
    see(hub, watched, [standing("ann", 5), standing("bob", 3)])
    label = top.stream.label
    watched.doubt_everything()
    see(hub, watched, [standing("ann", 5)])  # of an earlier position
    assert top.stream.label == label
    assert watched.has_news()
    see(hub, watched, [standing("ann", 5), standing("bob", 9)])
    assert top.stream.label != label
    assert not watched.has_news()
