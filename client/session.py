"""The protocol: what to send, and what is known, given what was received. Pure: no socket, no clock."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from client.retrying import Stopped
from client.state import Around, Board, Held, Me, Rank, Row, State, Subscription, Top, Window

CHANNELS: dict[type[Subscription], str] = {Top: "top", Me: "me", Around: "around"}


@dataclass
class Counts:
    """What has happened so far."""

    connections: int = 0
    snaps: int = 0
    deltas: int = 0
    """Applied ones."""
    resumed: int = 0
    """Times that a board was kept over a reconnect or a gap."""
    gaps: int = 0
    """Deltas that did not follow the label held, and labels in a ping that were not it."""
    mismatches: int = 0
    """Checksums that were not those of the rows held."""


@dataclass
class Watched:
    """A subscription, and what is known of it."""

    subscription: Subscription
    held: Held = field(default_factory=Held)
    """Of a `Top`."""
    latest: State | None = None
    """Of the others."""
    awaiting: Literal["ok", "snap"] | None = None
    """What has to come before a delta counts."""


@dataclass(frozen=True)
class Taken:
    """What follows from a message."""

    send: str
    """A message; empty: none."""
    changed: Sequence[Subscription]


class Session:
    """The subscriptions of a stream and their states, over any number of connections."""

    def __init__(self, subscriptions: Sequence[Subscription]) -> None:
        self.counts = Counts()
        self.ping: float | None = None
        """Seconds between pings, on this connection; None: the server has not said hello."""
        self.retry_ms: int | None = None
        """When to come back, as the server has said before it stops."""
        self._watched = {each: Watched(each) for each in subscriptions}
        self._asked: dict[int, Watched] = {}
        self._channels: dict[str, Watched] = {}
        self._skew: float = 0.0
        """Milliseconds that the server's clock is ahead of ours."""
        self._last_id = 0

    def opened(self) -> str:
        """The first message of a connection: it resumes what is held."""
        self.ping = self.retry_ms = None
        self.counts.connections += 1
        self._channels.clear()
        self._asked.clear()
        hello = {"op": "hello", "id": self._next_id()}
        return _joined([hello, *(self._ask(each) for each in self._watched.values())])

    def take(self, message: str, now_ms: float) -> Taken:
        """Take a message in. Raises Stopped where it is not of the protocol or says that something was refused."""
        send: list[dict[str, Any]] = []
        changed: dict[Subscription, None] = {}
        try:
            for line in message.split("\n"):
                self._take(json.loads(line), now_ms, send, changed)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Stopped(None, f"what the server sent is not lb.v1: {error!r}") from error
        return Taken(_joined(send), list(changed))

    def state(self, subscription: Subscription) -> State | None:
        """What is known of it, None before the first answer. Of a board this sorts the rows."""
        watched = self._watched[subscription]
        if not isinstance(subscription, Top) or watched.held.off is None:
            return watched.latest
        held = watched.held
        season, operator = held.about["season"], held.about["operator"]
        return Board(subscription, season, operator, held.total, held.off or "", held.ts, held.behind, held.rows())

    def _take(
        self, frame: Mapping[str, Any], now_ms: float, send: list[dict[str, Any]], changed: dict[Subscription, None]
    ) -> None:
        kind, watched = frame["t"], self._channels.get(frame.get("ch", ""))
        match kind:
            case "hi":
                self.ping, self._skew = frame["ping"], frame["now"] - now_ms
            case "ok" if asked := self._asked.pop(frame["id"], None):
                self._answered(asked, frame)
            case "snap" | "d" if watched:
                before = watched.held.off
                send += self._replace(watched, frame) if kind == "snap" else self._apply(watched, frame)
                if kind == "snap" or watched.held.off not in (None, before):
                    watched.held.behind = self._behind(frame, now_ms)
                    changed[watched.subscription] = None
            case "me" | "around" if watched:
                watched.latest = _latest(watched.subscription, frame, self._behind(frame, now_ms))
                changed[watched.subscription] = None
            case "p":
                send += [{"op": "pong"}, *self._compare(frame["off"])]
            case "bye":
                self.retry_ms = frame["retry_ms"]
            case "err":
                raise Stopped(None, f"{frame['code']}: {frame['detail']}")

    def _answered(self, watched: Watched, ok: Mapping[str, Any]) -> None:
        self._channels[ok["ch"]] = watched
        recovered = ok.get("recovered", True)
        self.counts.resumed += isinstance(watched.subscription, Top) and recovered
        watched.awaiting = None if recovered else "snap"

    def _replace(self, watched: Watched, snap: Mapping[str, Any]) -> list[dict[str, Any]]:
        self.counts.snaps += 1
        watched.held.replace(snap)
        if watched.awaiting == "snap":
            watched.awaiting = None
        return []

    def _apply(self, watched: Watched, delta: Mapping[str, Any]) -> list[dict[str, Any]]:
        held = watched.held
        if watched.awaiting or delta["off"] == held.off:
            return []
        if delta["prev"] != held.off:
            self.counts.gaps += 1
            return [self._ask(watched)]
        self.counts.deltas += 1
        if held.apply(delta):
            return []
        self.counts.mismatches += 1
        held.off = None
        return [self._ask(watched)]

    def _compare(self, labels: Mapping[str, str]) -> Iterable[dict[str, Any]]:
        """Ask for the boards of which another state was sent than the one held."""
        for channel, off in labels.items():
            watched = self._channels.get(channel)
            if watched and not watched.awaiting and off != watched.held.off:
                self.counts.gaps += 1
                yield self._ask(watched)

    def _ask(self, watched: Watched) -> dict[str, Any]:
        number, subscription = self._next_id(), watched.subscription
        self._asked[number] = watched
        watched.awaiting = "ok"
        label = {} if watched.held.off is None else {"off": watched.held.off}
        return {"op": "sub", "id": number, "ch": CHANNELS[type(subscription)], **asdict(subscription), **label}

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _behind(self, frame: Mapping[str, Any], now_ms: float) -> float:
        late: float = now_ms + self._skew - frame["ts"]
        return max(0.0, late) / 1000


def _latest(subscription: Subscription, frame: Mapping[str, Any], behind: float) -> State:
    season, rank, total, ts = frame["season"], frame["rank"], frame["total"], frame["ts"]
    if isinstance(subscription, Me):
        return Rank(subscription, season, rank, frame["old"], frame["score"], total, ts, behind)
    assert isinstance(subscription, Around), subscription
    rows = [Row(place, player, value, reached, name) for player, value, reached, name, place in frame["rows"]]
    return Window(subscription, season, rank, total, ts, behind, rows)


def _joined(objects: Iterable[Mapping[str, Any]]) -> str:
    """One message; empty where there is nothing to say."""
    return "\n".join(json.dumps(each, separators=(",", ":"), ensure_ascii=False) for each in objects)
