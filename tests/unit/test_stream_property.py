"""Whatever is lost, doubled or late on the way, a client that follows docs/live.md ends with the server's state.

And every state that it shows on the way is one that has its label: nothing is ever applied in part.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from notifier import rows
from notifier.hub import Hub, Sight
from notifier.limits import Bucket
from notifier.rows import Row
from notifier.sessions import Session
from notifier.watchers import Me
from shared.boards import DEFAULT_BOARDS
from shared.positions import Position
from shared.questions import Places, Range, answer
from shared.rank_changes import BoardLines, RankLine
from shared.ranking import Standing
from tests.live_client import Model
from tests.unit.test_hub import Sink

BOARD = DEFAULT_BOARDS[0].model_copy(update={"operator": "latest"})
LOG = "0123456789abcdef"
PLAYERS = [f"p{n:02}" for n in range(16)]
SIZE = 10


def payload(frame: bytes) -> list[dict[str, Any]]:
    """The objects of a text frame as a server sends it."""
    size = frame[1]
    start = 2 if size < 126 else 4 if size == 126 else 10
    return [orjson.loads(line) for line in frame[start:].split(b"\n")]


@dataclass(eq=False)
class Node:
    """A notifier: what the feed has for it, in any order."""

    hub: Hub = field(default_factory=Hub)
    feed: list[BoardLines] = field(default_factory=list)


@dataclass(eq=False)
class Player:
    """A client, with its socket if it has one."""

    node: Node
    me: str
    session: Session | None = None
    model: Model = field(default_factory=Model)
    rank: int | None = -1
    answered: bool = True


class Machine(RuleBasedStateMachine):
    clients = Bundle("clients")

    @initialize()
    def begin(self) -> None:
        self.nodes = [Node(), Node()]
        self.all: list[Player] = []
        self.season = 1
        self.version = 0
        self.held: dict[str, Standing] = {}

    # --- the board -------------------------------------------------------------------------------

    def ranks(self) -> dict[str, int]:
        found = answer(BOARD, self.held.values(), Range(0, 100)).rows
        return {row.standing.player_id: row.rank for row in found}

    @rule(moves=st.lists(st.tuples(st.sampled_from(PLAYERS), st.none() | st.integers(1, 9)), min_size=1, max_size=4))
    def batch(self, moves: list[tuple[str, int | None]]) -> None:
        """Players reach values, or are banned; a record says so."""
        before = self.ranks()
        for player, value in moves:
            self.version += 1
            if value is None:
                self.held.pop(player, None)
            else:
                self.held[player] = Standing(player, value, self.version, 1, self.version)
        after = self.ranks()
        lines = [
            RankLine(each, before.get(each), after.get(each), self.held[each].value if each in self.held else None)
            for each in {player for player, _ in moves}
        ]
        told = BoardLines(
            board_id="classic", season=str(self.season), total=len(self.held), rows=lines, version={0: self.version}
        )
        for node in self.nodes:
            node.feed.append(told)

    @rule(node=st.integers(0, 1), turn=st.booleans())
    def season_ends(self, node: int, turn: bool) -> None:
        """For the log at once; one node notices it at its next look."""
        self.season += 1
        self.version += 1
        self.held.clear()
        if turn:
            self.turn(self.nodes[node])

    def turn(self, node: Node) -> None:
        for watched in node.hub.boards.values():
            if watched.season != str(self.season):
                watched.turn(str(self.season))

    # --- a node ----------------------------------------------------------------------------------

    @rule(node=st.integers(0, 1), at=st.integers(0, 9), fate=st.sampled_from(["came", "came", "doubled", "lost"]))
    def record(self, node: int, at: int, fate: str) -> None:
        """A record of the feed comes, in whatever order, or never does."""
        feed = self.nodes[node].feed
        if not feed:
            return
        lines = feed.pop(at % len(feed) if at > 6 else 0)
        if fate == "doubled":
            feed.append(lines)
        if fate != "lost":
            self.nodes[node].hub.move(lines, lines.version[0])

    @rule(node=st.integers(0, 1))
    def resync(self, node: int) -> None:
        self.nodes[node].hub.doubt_everything()

    @rule(node=st.integers(0, 1))
    def look(self, node: int) -> None:
        self.turn(self.nodes[node])
        for watched in self.nodes[node].hub.boards.values():
            watched.look(Position(LOG, {0: self.version}))

    @rule(node=st.integers(0, 1), slow=st.booleans())
    def tick(self, node: int, slow: bool) -> None:
        """A read, and a sweep; slow: something else happens in between."""
        hub = self.nodes[node].hub
        for watched in list(hub.boards.values()):
            if watched.season != str(self.season):
                continue  # what a read of the old season would show is of no matter here
            needs = watched.needs()
            parts = [answer(BOARD, self.held.values(), each).rows for each in needs.questions()]
            top = parts.pop(0) if needs.depth else []
            places = parts.pop(0) if needs.places else []
            position = Position(LOG, {0: self.version})
            if slow and self.nodes[node].feed:
                self.record(node, 0, "came")
            hub.see(watched, needs, Sight(watched.season, len(self.held), position, position, top, places, parts, {}))
        for client in self.all:
            if client.session is not None and client.node.hub is hub:
                self.write(client)

    # --- clients ---------------------------------------------------------------------------------

    @rule(target=clients, node=st.integers(0, 1), me=st.sampled_from(PLAYERS))
    def arrive(self, node: int, me: str) -> Player:
        client = Player(self.nodes[node], me)
        self.all.append(client)
        self.connect(client)
        return client

    @rule(client=clients)
    def leave(self, client: Player) -> None:
        """The network is gone, and with it what was written and not read."""
        if client.session is not None:
            client.node.hub.leave(client.session)
            client.session = None

    @rule(client=clients, node=st.integers(0, 1))
    def come_back(self, client: Player, node: int) -> None:
        self.leave(client)
        client.node = self.nodes[node]
        self.connect(client)

    @rule(client=clients, full=st.booleans())
    def lag(self, client: Player, full: bool) -> None:
        """The client takes nothing for a while, or takes again."""
        if client.session is not None:
            assert isinstance(client.session.outlet, Sink)
            client.session.outlet.full = int(full)
            self.write(client)

    @rule(client=clients, fate=st.sampled_from(["read", "read", "read", "lost", "twice"]))
    def read(self, client: Player, fate: str) -> None:
        """The next frame is read. A socket loses and doubles nothing: a client has to bear it all the same."""
        if client.session is None:
            return
        assert isinstance(client.session.outlet, Sink)
        if client.session.outlet.written:
            frame = client.session.outlet.written.pop(0)
            for _ in range({"read": 1, "lost": 0, "twice": 2}[fate]):
                self.take(client, payload(frame))

    def take(self, client: Player, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            match message["t"]:
                case "ok":
                    client.answered = True
                    if not message["recovered"]:
                        client.model.is_lost = True
                case "snap" | "d":
                    if not client.answered and message["t"] == "d":
                        continue
                    client.model.take(message)
                    if client.model.is_lost and client.answered:
                        self.ask(client)
                case "me":
                    client.rank = message["rank"]

    def connect(self, client: Player) -> None:
        client.session = Session(Sink(), Bucket(10, 20, 20))
        watched = client.node.hub.watch(BOARD, str(self.season))
        client.node.hub.add_me(client.session, watched, client.me)
        self.ask(client)

    def ask(self, client: Player) -> None:
        assert client.session is not None
        client.answered = False
        watched = client.node.hub.watch(BOARD, str(self.season))
        client.node.hub.add_top(client.session, watched, SIZE, 1, client.model.off)
        self.write(client)

    def write(self, client: Player) -> None:
        """What the fan-out does for a socket."""
        session = client.session
        if session is not None and not session.outlet.buffered() and (data := session.take()) is not None:
            session.outlet.write(data)

    # --- what has to hold ------------------------------------------------------------------------

    @invariant()
    def every_state_has_its_label(self) -> None:
        for client in getattr(self, "all", []):
            model = client.model
            if model.off is not None:
                shown = [Row(*row) for row in model.ordered()]
                assert rows.label(BOARD, model.season, model.total, shown) == model.off

    def teardown(self) -> None:
        """Everything calms down; then everyone shows what the board is."""
        if not hasattr(self, "all"):
            return
        for client in self.all:
            if client.session is None:
                self.connect(client)
            assert client.session is not None
            assert isinstance(client.session.outlet, Sink)
            client.session.outlet.full = 0
        for _ in range(3):
            for number in range(2):
                self.look(number)
                self.tick(number, False)
        for client in self.all:
            for _ in range(3):
                self.settle(client)
        expected = answer(BOARD, self.held.values(), Range(0, SIZE)).rows
        for client in self.all:
            shown = [row[:3] for row in client.model.ordered()]
            assert shown == [(row.standing.player_id, row.standing.value, row.standing.reached_at) for row in expected]
            assert (client.model.season, client.model.total) == (str(self.season), len(self.held))
            assert self.told_rank(client) == self.ranks().get(client.me)

    def settle(self, client: Player) -> None:
        """Read all there is; then a `p` says what the client should have."""
        session = client.session
        assert session is not None
        assert isinstance(session.outlet, Sink)
        self.write(client)
        while session.outlet.written:
            self.read(client, "read")
        [off] = session.labels().values()
        if client.model.off != off or not client.answered:
            self.ask(client)
            self.tick(self.nodes.index(client.node), False)

    def told_rank(self, client: Player) -> int | None:
        """The rank that the socket was told last; frames that were lost on purpose apart."""
        assert client.session is not None
        [me] = [each for each in client.session.channels.values() if isinstance(each, Me)]
        assert me.sent is not None
        found = answer(BOARD, self.held.values(), Places([client.me])).rows
        assert me.sent.score == (found[0].standing.value if found else None)
        return me.sent.rank


TestStream = Machine.TestCase
TestStream.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
