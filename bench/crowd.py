"""Many sockets that receive, and the floor that sends to as many: processes in C that obey and report."""

import resource
import subprocess
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

import orjson
from pydantic import BaseModel

from bench.errors import BenchFailed
from bench.native import built

PATH = "/ws/v1"
SPARE_FILES = 200
"""Files that a process needs besides its sockets."""
ANSWER_WITHIN = 60.0


class Report(BaseModel):
    """What was received since counting began."""

    since: float
    """By the monotonic clock, seconds."""
    until: float
    frames: int
    objects: int
    bytes: int
    pings: int
    untraced: int
    """Arrivals beyond what can be recorded."""
    cpu: float
    """Seconds, of the whole life of the process."""
    kinds: dict[str, int]
    """By the first letter of the kind of object."""
    closed: dict[str, int]
    """Sockets that have ended, in the whole life, by close code; below 1,000: an errno, 0: an end without a code."""
    refused: dict[str, int]
    """Handshakes that failed and were tried again, by HTTP status, or by errno."""


class Sent(BaseModel):
    """What the floor has done."""

    frames: int
    skipped: int
    """Sockets that could not take a frame."""
    cpu: float
    wall: float
    """Seconds in which it was sending."""


@dataclass(frozen=True)
class Arrivals:
    """Every object that came: payload `ids[n]` at `sockets[n]`, `times[n]` by the monotonic clock."""

    payloads: Sequence[bytes]
    times: Sequence[float]
    sockets: Sequence[int]
    ids: Sequence[int]

    def __iter__(self) -> Iterator[tuple[float, int, int]]:
        return zip(self.times, self.sockets, self.ids, strict=True)


class Obedient:
    """A process that is told what to do by lines, and answers by lines."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._name = Path(argv[0]).name
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def tell(self, line: str) -> None:
        """Tell it to do something."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def hear(self, within: float = ANSWER_WITHIN) -> bytes:
        """Its next line. Raises BenchFailed where it ends, or says nothing for so many seconds."""
        assert self._process.stdout is not None
        timer = Timer(within, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            raise BenchFailed(f"{self._name} ended or said nothing for {within:.0f} s")
        return line.rstrip(b"\n")

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


class Crowd(Obedient):
    """Sockets that have subscribed; `report` says what they received since `start` or `count`."""

    ready: Report
    """As they were all open and answered."""

    def start(self) -> None:
        """Record what arrives from now on."""
        self.tell("start")

    def count(self) -> None:
        """Count what arrives from now on, without a record."""
        self.tell("count")

    def report(self, trace: Path | None = None) -> tuple[Report, Arrivals | None]:
        """What was received, each arrival too where it was recorded and there is a file for it."""
        self.tell(f"report {trace or '/dev/null'}")
        report = Report.model_validate_json(self.hear())
        if trace is None:
            return report, None
        self.hear()
        return report, _arrivals(trace, report.since)

    def finish(self) -> Report:
        """Read what the stuck sockets have not read, and end."""
        self.tell("end")
        return Report.model_validate_json(self.hear())


class SendLoop(Obedient):
    """The floor of a broadcast."""

    def send(self, size: int, period: float, rounds: int) -> Sent:
        """Send frames of a size to every socket, one each period (seconds)."""
        self.tell(f"go {size} {round(period * 1000)} {rounds}")
        return Sent.model_validate_json(self.hear(period * rounds + ANSWER_WITHIN))


@contextmanager
def crowd(
    folder: Path, port: int, count: int, subscriptions: Sequence[Mapping[str, object]], *, answers: int, stuck: int = 0
) -> Iterator[Crowd]:
    """Sockets at a port of this machine, once each has had so many answers. "%d" is a socket's number.

    The last `stuck` of them then read no more. Raises BenchFailed.
    """
    require_files(count)
    hello = {"op": "hello", "id": 1}
    asked = [hello, *({"op": "sub", "id": number, **each} for number, each in enumerate(subscriptions, 2))]
    message = b"\n".join(orjson.dumps(each) for each in asked).decode()
    argv = [str(built("live_client", folder)), str(port), PATH, str(count), str(answers), str(stuck), message]
    process = Crowd(argv)
    try:
        process.ready = Report.model_validate_json(process.hear(ANSWER_WITHIN + count / 50))
        process.hear()
        if process.ready.closed:
            raise BenchFailed(f"sockets were closed as they began: {process.ready.closed}")
        yield process
    finally:
        process.end()


@contextmanager
def send_loop(folder: Path, count: int) -> Iterator[SendLoop]:
    """The floor, with as many sockets. Raises BenchFailed."""
    require_files(count)
    process = SendLoop([str(built("send_loop", folder)), str(count)])
    try:
        with crowd(folder, int(process.hear()), count, [], answers=0):
            process.hear()
            yield process
    finally:
        process.end()


def require_files(sockets: int) -> None:
    """Let this process and what it starts open so many. Raises BenchFailed where the system does not allow it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = sockets + SPARE_FILES
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise BenchFailed(f"{sockets:,} sockets need {wanted:,} open files, {hard:,} are allowed: ulimit -Hn {wanted}")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _arrivals(trace: Path, since: float) -> Arrivals:
    flat = array("I")
    flat.frombytes(trace.read_bytes())
    payloads = trace.with_name(f"{trace.name}.payloads").read_bytes().split(b"\n")[:-1]
    times = [since + microseconds / 1e6 for microseconds in flat[0::3]]
    return Arrivals(payloads, times, flat[1::3], flat[2::3])
