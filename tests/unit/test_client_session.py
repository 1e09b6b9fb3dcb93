"""The reference client's session against a model of the server, under loss, repetition and disorder."""

import json
import random
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client import Around, Backoff, Board, Me, Rank, Row, Stopped, Top, Window
from client.retrying import Ended, retry_of
from client.session import Session
from client.state import Entry, checksum, ranked

NOW = 1_795_000_000_000
TOP = Top("classic", 10)
CHANNEL = "top:10:classic"
HI = {"t": "hi", "id": 1, "v": "lb.v1", "sid": "s", "ping": 25, "tick": 100, "now": NOW, "lim": {}}


@dataclass
class Server:
    """A board of ten rows as the protocol shows it: it can go from any label it has had to the present one."""

    order: str
    ties: str
    states: list[dict[str, Entry]] = field(default_factory=lambda: [{}])

    @property
    def off(self) -> str:
        return label(self.states[-1])

    def ordered(self, state: dict[str, Entry]) -> list[Entry]:
        sign = -1 if self.order == "desc" else 1
        return sorted(state.values(), key=lambda row: (sign * row[1], row[2], row[0].encode()))

    def move(self, player: str, value: int, reached: int) -> dict[str, Any]:
        """A score; the delta of it."""
        before = self.states[-1]
        everyone = {**before, player: (player, value, reached, None)}
        self.states.append({row[0]: row for row in self.ordered(everyone)[:10]})
        return self.delta(before)

    def delta(self, before: dict[str, Entry]) -> dict[str, Any]:
        now = self.states[-1]
        up = [row for player, row in now.items() if before.get(player) != row]
        gone = [player for player in before if player not in now]
        body = {"t": "d", "ch": CHANNEL, "prev": label(before), "off": self.off, "ts": NOW, "total": len(now)}
        return {**body, "up": up, "rm": gone, "h": checksum(self.ordered(now))}

    def snap(self) -> dict[str, Any]:
        about: dict[str, Any] = {"t": "snap", "ch": CHANNEL, "board": "classic", "season": "all", "order": self.order}
        about |= {"ties": self.ties, "operator": "best", "n": 10, "base": 1, "off": self.off, "pos": "p", "ts": NOW}
        return {**about, "total": len(self.states[-1]), "rows": self.ordered(self.states[-1])}

    def answer(self, asked: str) -> list[dict[str, Any]]:
        """To all that a client says in a message."""
        answers: list[dict[str, Any]] = []
        for line in filter(None, asked.split("\n")):
            said = json.loads(line)
            if said["op"] == "hello":
                answers.append(HI)
            if said["op"] == "sub":
                known = {label(state): state for state in self.states}
                before = known.get(said.get("off", ""))
                answers.append({"t": "ok", "id": said["id"], "ch": CHANNEL, "n": 10, "recovered": before is not None})
                if before is None:
                    answers.append(self.snap())
                elif label(before) != self.off:
                    answers.append(self.delta(before))
        return answers

    def ping(self) -> dict[str, Any]:
        return {"t": "p", "now": NOW, "off": {CHANNEL: self.off}}


def label(state: dict[str, Entry]) -> str:
    """Equal for equal rows."""
    return checksum(sorted(state.values(), key=lambda row: row[0]))


def tell(session: Session, frames: list[dict[str, Any]]) -> str:
    """Give frames in one message; what the client says."""
    return session.take("\n".join(json.dumps(frame) for frame in frames), NOW).send if frames else ""


def converse(session: Session, server: Server, said: str) -> None:
    """Answer until the client has nothing more to say; a client that asks for ever is wrong."""
    for _ in range(5):
        if not said:
            return
        said = tell(session, server.answer(said))
    pytest.fail("the client goes on asking")


def shown(session: Session) -> list[Row] | None:
    state = session.state(TOP)
    return list(state.rows) if isinstance(state, Board) else None


def expected(server: Server, state: dict[str, Entry]) -> list[Row]:
    entries = server.ordered(state)
    ranks = ranked([value for _, value, _, _ in entries], server.ties)
    return [Row(rank, *entry) for rank, entry in zip(ranks, entries, strict=True)]


moves = st.tuples(st.sampled_from([f"player-{number}" for number in range(14)]), st.integers(-3, 3), st.integers(0, 3))
fates = st.sampled_from(["give", "give", "drop", "twice", "hold", "reconnect", "ping"])


@given(
    st.sampled_from(["desc", "asc"]),
    st.sampled_from(["first_to_reach", "shared", "dense"]),
    st.lists(st.tuples(moves, fates), max_size=40),
)
def test_whatever_is_lost_repeated_or_late_it_ends_with_the_servers_rows(
    order: str, ties: str, story: list[tuple[tuple[str, int, int], str]]
) -> None:
    server, session, late = Server(order, ties), Session([TOP]), list[dict[str, Any]]()
    converse(session, server, session.opened())
    for move, fate in story:
        delta = server.move(*move)
        match fate:
            case "give":
                converse(session, server, tell(session, [delta, *late]))
                late.clear()
            case "twice":
                converse(session, server, tell(session, [delta, delta]))
            case "hold":
                late.append(delta)
            case "reconnect":
                late.clear()
                converse(session, server, session.opened())
            case "ping":
                converse(session, server, tell(session, [server.ping()]))
        state = session.state(TOP)
        assert isinstance(state, Board)
        assert list(state.rows) == expected(server, next(s for s in server.states if label(s) == state.off))
    converse(session, server, tell(session, [server.ping()]))
    assert shown(session) == expected(server, server.states[-1])
    assert session.counts.mismatches == 0


def test_a_delta_that_does_not_follow_is_asked_for_with_the_label_held() -> None:
    server, session = Server("desc", "shared"), Session([TOP])
    converse(session, server, session.opened())
    held = server.off
    server.move("ann", 5, 1)
    said = json.loads(tell(session, [server.move("bob", 5, 2)]))
    assert (said["op"], said["ch"], said["n"], said["off"]) == ("sub", "top", 10, held)
    assert tell(session, [server.move("cyd", 5, 3)]) == "", "it has asked already"
    assert session.counts.gaps == 1


def test_rows_that_differ_from_the_checksum_are_asked_for_anew_without_a_label() -> None:
    server, session = Server("desc", "shared"), Session([TOP])
    converse(session, server, session.opened())
    delta = server.move("ann", 5, 1)
    said = tell(session, [{**delta, "up": [["ann", 6, 1, None]]}])
    assert "off" not in json.loads(said)
    assert shown(session) is None, "what is known to be wrong is not shown"
    converse(session, server, said)
    assert shown(session) == [Row(1, "ann", 5, 1, None)]
    assert session.counts.mismatches == 1


def test_a_snap_replaces_the_season() -> None:
    server, session = Server("desc", "shared"), Session([TOP])
    server.move("ann", 5, 1)
    converse(session, server, session.opened())
    tell(session, [{**server.snap(), "season": "next", "rows": [], "off": "anew"}])
    state = session.state(TOP)
    assert isinstance(state, Board)
    assert (state.season, state.rows) == ("next", [])


def test_a_label_in_a_ping_that_is_not_ours_is_asked_for_and_the_ping_is_answered() -> None:
    server, session = Server("desc", "shared"), Session([TOP])
    converse(session, server, session.opened())
    assert tell(session, [server.ping()]) == '{"op":"pong"}'
    server.move("ann", 5, 1)
    pong, sub = tell(session, [server.ping()]).split("\n")
    assert (json.loads(pong)["op"], json.loads(sub)["op"]) == ("pong", "sub")


def test_ranks_and_windows_are_states() -> None:
    me, around = Me("classic", "ann"), Around("classic", "ann", 1)
    session = Session([me, around])
    hello, *subs = (json.loads(line) for line in session.opened().split("\n"))
    assert (hello["op"], [(sub["ch"], sub["player"]) for sub in subs]) == ("hello", [("me", "ann"), ("around", "ann")])
    oks = [{"t": "ok", "id": sub["id"], "ch": f"{sub['ch']}:x"} for sub in subs]
    common = {"season": "all", "ts": NOW - 200, "rank": 2, "total": 2}
    rank = {"t": "me", "ch": "me:x", **common, "old": None, "score": 7}
    window = {"t": "around", "ch": "around:x", **common, "rows": [["bob", 9, 1, "Bob", 1], ["ann", 7, 2, None, 2]]}
    tell(session, [HI, *oks, rank, window])
    assert session.state(me) == Rank(me, "all", 2, None, 7, 2, NOW - 200, 0.2)
    rows = [Row(1, "bob", 9, 1, "Bob"), Row(2, "ann", 7, 2, None)]
    assert session.state(around) == Window(around, "all", 2, 2, NOW - 200, 0.2, rows)


def test_a_name_may_hold_any_separator_of_lines_but_the_protocols() -> None:
    server, session = Server("desc", "shared"), Session([TOP])
    server.states.append({"ann": ("ann", 5, 1, "A\u2028n")})
    said = server.answer(session.opened())
    session.take("\n".join(json.dumps(frame, ensure_ascii=False) for frame in said), NOW)
    assert shown(session) == [Row(1, "ann", 5, 1, "A\u2028n")]


@pytest.mark.parametrize("message", ["not json", "[]", '{"op":"x"}', '{"t":"p"}', '{"t":"hi"}'])
def test_what_is_not_of_the_protocol_stops_the_stream(message: str) -> None:
    with pytest.raises(Stopped, match=r"not lb\.v1"):
        Session([TOP]).take(message, NOW)


def test_an_error_stops_the_stream_and_says_why() -> None:
    with pytest.raises(Stopped, match="unknown_board: nope"):
        Session([TOP]).take('{"t":"err","id":2,"code":"unknown_board","detail":"nope"}', NOW)


def test_a_kind_that_is_not_known_is_ignored() -> None:
    assert Session([TOP]).take('{"t":"later","more":1}', NOW).send == ""


def test_equal_values_are_ranked_as_the_board_says() -> None:
    values = [9, 7, 7, 5]
    assert [ranked(values, ties) for ties in ("first_to_reach", "shared", "dense")] == [
        [1, 2, 3, 4],
        [1, 2, 2, 4],
        [1, 2, 2, 3],
    ]


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1009, 4000, 4003, 4099, 400, 403, 404, 426])
def test_a_fault_of_ours_ends_the_stream(code: int) -> None:
    with pytest.raises(Stopped, match=f"why.*{code}") as stopped:
        Backoff().wait(Ended(code, "why"))
    assert stopped.value.code == code


@pytest.mark.parametrize("code", [1000, 1001])
def test_a_server_that_takes_leave_ends_the_stream_without_an_error(code: int) -> None:
    assert Backoff().wait(Ended(code)) is None


@given(st.sampled_from([1006, 1011, 1013, 4100, 4108, 4109, 4129, 408, 429, 500, 503]), st.integers())
def test_the_back_off_grows_from_half_a_second_to_twenty(code: int, seed: int) -> None:
    random.seed(seed)
    backoff = Backoff()
    waits = [backoff.wait(Ended(code)) for _ in range(12)]
    assert all(wait is not None and 0.5 <= wait <= min(20, 2**attempt) for attempt, wait in enumerate(waits))


def test_a_stable_connection_begins_the_back_off_anew() -> None:
    backoff = Backoff()
    for _ in range(12):
        backoff.wait(Ended(lasted=29.9))
    assert backoff.attempts == 12
    backoff.wait(Ended(lasted=30.0))
    assert backoff.attempts == 1


def test_the_server_says_when_to_come_back() -> None:
    assert Backoff().wait(Ended(1012, "", retry_of('{"retry_ms":7312}'))) == 7.312
    assert (Backoff().wait(Ended(503, "", 7.0)) or 0) >= 7
    assert [retry_of(reason) for reason in ("", "x", "[]", "{}", '{"retry_ms":"x"}')] == [None] * 5


def test_who_is_only_sent_elsewhere_goes_at_once() -> None:
    assert 0 <= (Backoff().wait(Ended(4200)) or 0) <= 0.5
