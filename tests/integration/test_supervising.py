"""Services under the supervisor: kept running, stopped in order, gone with their parent."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from leaderboard.local.errors import LocalServerError
from leaderboard.local.guard import Guard
from leaderboard.supervising import Command, Supervisor

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
NOTES_ITS_END = """
import pathlib, signal, sys, time
def end(*_):
    with open('order', 'a') as file: file.write(sys.argv[1] + ' ')
    sys.exit()
signal.signal(signal.SIGTERM, end)
print('up', flush=True)
time.sleep(60)
"""


def python(name: str, code: str) -> Command:
    return Command(name, [sys.executable, "-c", code, name], dict(os.environ))


@contextmanager
def supervised(commands: list[Command], folder: Path, say: Callable[[str], None]) -> Iterator[Supervisor]:
    """Run the commands until the end of the block."""
    until = threading.Event()
    with Guard() as guard:
        supervisor = Supervisor(commands, guard=guard, logs=folder, cwd=folder, say=say)
        thread = threading.Thread(target=supervisor.run, args=[until])
        thread.start()
        try:
            yield supervisor
        finally:
            until.set()
            thread.join(20)
            assert not thread.is_alive()


def wait_for(condition: Callable[[], object], within: float = 10.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ups(log: Path) -> int:
    return log.read_text().count("up") if log.exists() else 0


def test_a_killed_service_is_restarted_and_the_line_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    with supervised([python("projector", SLEEP)], tmp_path, said.append) as supervisor:
        wait_for(lambda: ups(tmp_path / "projector.log") == 1)
        os.kill(supervisor.pids["projector"], signal.SIGKILL)
        wait_for(lambda: ups(tmp_path / "projector.log") == 2)
    assert said[0].startswith("projector exited with code -9 after")
    assert "restarting in 0.2 s" in said[0]


def test_restarts_of_a_service_that_always_fails_come_ever_later(tmp_path: Path) -> None:
    said: list[str] = []
    with supervised([python("notifier", "raise SystemExit(3)")], tmp_path, said.append):
        wait_for(lambda: len(said) == 3)
    assert [line.split("restarting in ")[1].split(" s")[0] for line in said[:3]] == ["0.2", "0.4", "0.8"]


def test_services_stop_in_reverse_order(tmp_path: Path) -> None:
    names = ["first", "second", "third"]
    with supervised([python(name, NOTES_ITS_END) for name in names], tmp_path, print):
        wait_for(lambda: all(ups(tmp_path / f"{name}.log") for name in names))
    assert (tmp_path / "order").read_text().split() == ["third", "second", "first"]


def test_a_service_that_does_not_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leaderboard.supervising.STOP_WITHIN", 0.3)
    with supervised([python("stubborn", STUBBORN)], tmp_path, print) as supervisor:
        wait_for(lambda: ups(tmp_path / "stubborn.log"))
        pid = supervisor.pids["stubborn"]
    assert not psutil.pid_exists(pid)


def test_a_command_that_does_not_exist_is_an_error_and_stops_the_others(tmp_path: Path) -> None:
    missing = Command("missing", [str(tmp_path / "nothing")], {})
    with Guard() as guard:
        supervisor = Supervisor([python("first", SLEEP), missing], guard=guard, logs=tmp_path, cwd=tmp_path, say=print)
        with pytest.raises(LocalServerError, match="missing cannot be started"):
            supervisor.run(threading.Event())
    assert supervisor.pids == {}


def test_when_the_code_changes_what_runs_it_begins_anew(tmp_path: Path) -> None:
    said: list[str] = []
    other = replace(python("web", SLEEP), ours=False)
    with supervised([python("front", SLEEP), other], tmp_path, said.append) as supervisor:
        wait_for(lambda: ups(tmp_path / "front.log") == ups(tmp_path / "web.log") == 1)
        pids = supervisor.pids
        supervisor.code_has_changed()
        wait_for(lambda: ups(tmp_path / "front.log") == 2)
        assert supervisor.pids["web"] == pids["web"]
        assert supervisor.pids["front"] != pids["front"]
    assert said == ["the code has changed: restarting the services"]
