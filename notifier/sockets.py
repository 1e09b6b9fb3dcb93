"""The sockets of this process: what they ask for, whether they are there, and how they end."""

import asyncio
import random
import time

import orjson
import structlog

from notifier import messages, requests
from notifier.fanout import Fanout
from notifier.following import Following
from notifier.frames import PING, text_frame
from notifier.hub import Hub
from notifier.limits import Bucket
from notifier.messages import CLOSE_BAD_REQUEST, CLOSE_RATE, CLOSE_RESTART, CLOSE_SILENT
from notifier.requests import Around, Asked, Hello, Me, Pong, Pos, Top, Unsub
from notifier.sessions import NOWHERE, Outlet, Session
from notifier.sessions import Top as TopChannel
from notifier.streams import SIZES, size_for, top_channel
from notifier.watchers import Watcher, around_channel, me_channel
from notifier.wheel import STEP, Wheel
from shared.boards import Board
from shared.catalogue_log import LiveCatalogue
from shared.clock import now

HELLO_WITHIN = 5.0
PING_EVERY = 25.0
"""Seconds; a tenth more or less, so that sockets that were opened together are not asked together."""
PONG_WITHIN = 10.0
MOST_CHANNELS = 8
RATE, BURST = 10.0, 20.0
"""Objects that a socket may send, a second and at once."""
LARGEST = 4096
"""Bytes of a message."""
BACK_WITHIN = 5.0
"""Seconds over which the clients of a node that stops come back, at least."""
BACK_A_SECOND = 500.0
"""Clients that the other nodes have to take in a second then."""
LIMITS = {
    "subs": MOST_CHANNELS,
    "n": SIZES[-1],
    "k": requests.MOST_AROUND,
    "bytes": LARGEST,
    "rate": int(RATE),
    "burst": int(BURST),
}

log = structlog.get_logger()


class Sockets:
    """Opens, serves and ends sessions. Nothing here waits for a client."""

    def __init__(self, hub: Hub, fanout: Fanout, following: Following, catalogue: LiveCatalogue) -> None:
        self._hub = hub
        self._fanout = fanout
        self._following = following
        self._catalogue = catalogue
        self._wheel: Wheel[Session] = Wheel()
        self._number = 0
        self._leaving = 0
        """How many there were when this node began to stop."""
        self.open = 0
        """How many there are."""

    def begin(self, outlet: Outlet) -> Session:
        """A socket of lb.v1 is open; it has to say hello."""
        session = Session(outlet, Bucket(RATE, BURST, BURST, time.monotonic()), asked=True)
        return self._begin(session, HELLO_WITHIN)

    def begin_watching(self, outlet: Outlet, player_id: str, board: Board) -> Session:
        """A socket of `/ws/leaderboard/{user_id}` is open."""
        limit = Bucket(BURST, BURST, BURST, time.monotonic())
        session = Session(outlet, limit, watcher=Watcher(player_id, board.board_id), greeted=True)
        self._hub.add_watcher(session, self._following.watch(board))
        self._settle()
        return self._begin(session, _soon())

    def end(self, session: Session) -> None:
        """The connection is gone."""
        if not session.ended:
            session.ended = session.closed = True
            session.outlet = NOWHERE
            self.open -= 1
            self._hub.leave(session)

    def alive(self, session: Session) -> None:
        """The client has been heard of."""
        session.awaited = False

    def receive(self, session: Session, message: bytes | None) -> None:
        """A message has come; None: one that is no text."""
        if session.closed:
            return
        session.awaited = False
        try:
            if message is None:
                raise requests.NotOurs("not a text message")
            if session.watcher is not None:
                self._ignore(session, message)
            else:
                self._serve(session, message)
        except requests.NotOurs as error:
            self.close(session, CLOSE_BAD_REQUEST, str(error)[:100])

    def close(self, session: Session, code: int, reason: str) -> None:
        """End a socket."""
        if not session.closed:
            session.close(code, reason)
            log.info("socket_closed", code=code, reason=reason, socket=session.number)

    def dismiss(self, session: Session) -> None:
        """This node stops: say when to come back."""
        if session.closed:
            return
        self._leaving = max(self._leaving, self.open)
        within = max(BACK_WITHIN, self._leaving / BACK_A_SECOND)
        retry_ms = round(1000 * random.uniform(0, within))  # noqa: S311 - spread
        if session.watcher is None and not session.outlet.buffered():
            session.outlet.write(text_frame(messages.bye(retry_ms)))
        session.close(CLOSE_RESTART, orjson.dumps({"retry_ms": retry_ms}).decode())

    async def run(self) -> None:
        """Ask whether clients are there, for ever."""
        while True:
            await asyncio.sleep(STEP)
            for session in self._wheel.due(time.monotonic()):
                self._check(session)

    def _begin(self, session: Session, first: float) -> Session:
        self._number += 1
        self.open += 1
        session.number = self._number
        self._wheel.add(session, time.monotonic() + first)
        return session

    def _check(self, session: Session) -> None:
        """What is due of a socket: its hello, its pong, or that it is asked."""
        if session.closed:
            return
        if not session.greeted:
            self.close(session, CLOSE_BAD_REQUEST, f"no hello within {HELLO_WITHIN:.0f} s")
        elif session.awaited:
            self.close(session, CLOSE_SILENT, f"no pong within {PONG_WITHIN:.0f} s")
        elif session.asked:
            session.asked = False
            self._wheel.add(session, time.monotonic() + _soon() - PONG_WITHIN)
        else:
            self._ask(session)
            self._wheel.add(session, time.monotonic() + PONG_WITHIN)

    def _ask(self, session: Session) -> None:
        session.asked = True
        if self._fanout.is_free(session):  # one that is not has been asked for more than a pong
            session.awaited = True
            is_ours = session.watcher is None
            session.outlet.write(text_frame(messages.ping(now(), session.labels())) if is_ours else PING)

    def _ignore(self, session: Session, message: bytes) -> None:
        """Nothing is expected on the older socket: JSON is ignored."""
        if not session.limit.take(time.monotonic()):
            self.close(session, CLOSE_RATE, f"more than {BURST:.0f} messages a second")
            return
        try:
            orjson.loads(message)
        except orjson.JSONDecodeError as error:
            raise requests.NotOurs("not a JSON text message; none is needed") from error

    def _serve(self, session: Session, message: bytes) -> None:
        """Answer the requests of a message in one frame."""
        lines: list[bytes] = []
        for fields in requests.objects(message):
            if not session.limit.take(time.monotonic()):
                self.close(session, CLOSE_RATE, f"more than {RATE:.0f} objects a second, {BURST:.0f} at once")
                return
            try:
                lines += self._answer(session, requests.decode(fields))
            except requests.Wrong as wrong:
                lines.append(messages.err(wrong.number, wrong.code, wrong.detail))
        if lines:
            session.outlet.write(text_frame(b"\n".join(lines)))
        self._fanout.serve(session)
        self._settle()

    def _answer(self, session: Session, asked: Asked) -> list[bytes]:
        """What to say at once. Raises NotOurs."""
        if not session.greeted and not isinstance(asked, Hello):
            raise requests.NotOurs("hello is to be the first")
        match asked:
            case Pong():
                return []
            case Hello():
                return [self._greet(session, asked)]
            case Unsub():
                is_gone = self._hub.drop(session, asked.ch)
                return [messages.ok(asked.id, asked.ch) if is_gone else _unknown_channel(asked)]
            case Pos():
                held = session.channels.get(asked.ch)
                if not isinstance(held, TopChannel) or not held.stream.label:
                    return [_unknown_channel(asked)]
                stream = held.stream
                return [messages.pos(asked.id, asked.ch, stream.label, stream.state.position)]
            case Top() | Me() | Around():
                return self._watch(session, asked)

    def _greet(self, session: Session, asked: Hello) -> bytes:
        session.greeted = True
        sid, tick = f"{session.number:x}", self._fanout.tick
        return messages.hi(asked.id, sid, ping=PING_EVERY, tick=tick, now=now(), limits=LIMITS)

    def _watch(self, session: Session, asked: Top | Me | Around) -> list[bytes]:
        board = self._catalogue.now.board(asked.board)
        if board is None:
            return [messages.err(asked.id, "unknown_board", f"there is no board {asked.board}")]
        if len(session.channels) >= MOST_CHANNELS and _channel(asked) not in session.channels:
            return [messages.err(asked.id, "too_many_subs", f"at most {MOST_CHANNELS} channels a socket")]
        watched = self._following.watch(board)
        match asked:
            case Top():
                self._hub.add_top(session, watched, size_for(asked.n), asked.id, asked.off)
                return []
            case Me():
                self._hub.add_me(session, watched, asked.player)
            case Around():
                self._hub.add_around(session, watched, asked.player, asked.k)
        return [messages.ok(asked.id, _channel(asked))]

    def _settle(self) -> None:
        """What can be told now is told, and what has to be read for it is read."""
        self._fanout.flush()
        self._following.wake()


def _channel(asked: Top | Me | Around) -> str:
    match asked:
        case Top():
            return top_channel(asked.board, size_for(asked.n))
        case Me():
            return me_channel(asked.board, asked.player)
        case Around():
            return around_channel(asked.board, asked.player, asked.k)


def _unknown_channel(asked: Unsub | Pos) -> bytes:
    return messages.err(asked.id, "not_subscribed", f"{asked.ch[:100]} is no such channel of this socket")


def _soon() -> float:
    """Seconds until a socket is asked whether it is there."""
    return PING_EVERY * random.uniform(0.9, 1.1)  # noqa: S311 - spread
