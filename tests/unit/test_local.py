"""The parts of leaderboard/local that need no server."""

import hashlib
import io
import json
import socket
from pathlib import Path

import jgo.maven
import pytest
import requests

from leaderboard.local import kafka_jars
from leaderboard.local.child import LOG_BYTES, last_lines, turn_over
from leaderboard.local.errors import LocalServerError
from leaderboard.local.guard import watched_at_end
from leaderboard.local.kafka_jars import Jar, cache_folder, download, read_lock
from leaderboard.local.ports import choose_ports, is_free
from leaderboard.local.wheel import folder_of

CONTENT = b"the content of a jar"


def jar(sha256: str = hashlib.sha256(CONTENT).hexdigest()) -> Jar:
    return Jar("org.example:example:1.0", len(CONTENT), sha256)


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Maven repository in which every file is CONTENT."""

    def answer(resolver: jgo.maven.PythonResolver, artifact: jgo.maven.Artifact) -> Path:
        file = artifact.cached_path
        assert file is not None
        assert resolver.progress_callback is not None
        file.parent.mkdir(parents=True)
        with resolver.progress_callback(artifact.filename, len(CONTENT)) as arrived:
            file.write_bytes(CONTENT)
            arrived(len(CONTENT))
        return file

    monkeypatch.setattr(jgo.maven.PythonResolver, "download", answer)


def test_the_lock_names_every_jar_once_with_its_checksum() -> None:
    lock = read_lock()
    names = [locked.filename for locked in lock.jars]
    assert f"kafka_2.13-{lock.version}.jar" in names
    assert f"kafka-clients-{lock.version}.jar" in names
    assert len(set(names)) == len(names)
    assert all(len(locked.sha256) == 64 and locked.size > 0 for locked in lock.jars)


@pytest.mark.usefixtures("repository")
def test_a_download_reports_its_bytes_and_leaves_the_jar_alone(tmp_path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    download([jar()], tmp_path, lambda what, done, total: heard.append((what, done, total)))
    assert heard == [("Kafka", len(CONTENT), len(CONTENT))]
    assert [file.name for file in tmp_path.iterdir()] == ["example-1.0.jar"]


@pytest.mark.usefixtures("repository")
def test_a_download_with_a_wrong_checksum_is_deleted_and_reported(tmp_path: Path) -> None:
    with pytest.raises(LocalServerError, match=r"example-1.0.jar as downloaded differs from its checksum"):
        download([jar(sha256="0" * 64)], tmp_path, None)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_the_error_says_what_was_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(resolver: object, artifact: object) -> Path:
        raise requests.ConnectionError

    monkeypatch.setattr(jgo.maven.PythonResolver, "download", unreachable)
    with pytest.raises(LocalServerError, match=r"cannot download example-1.0.jar .*needs the network"):
        download([jar()], tmp_path, None)


@pytest.mark.usefixtures("repository")
def test_a_jar_damaged_in_the_cache_is_downloaded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADERBOARD_CACHE", str(tmp_path))
    monkeypatch.setattr(kafka_jars, "read_lock", lambda: kafka_jars.KafkaLock("1", [jar()]))
    said: list[str] = []
    [file] = kafka_jars.kafka_jars(said.append)
    assert kafka_jars.kafka_jars(said.append) == [file]
    assert len(said) == 1  # the second time it was there
    file.write_bytes(b"damaged")
    kafka_jars.kafka_jars(said.append)
    assert file.read_bytes() == CONTENT


def test_the_cache_is_shared_by_all_checkouts_of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEADERBOARD_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder("4.3.1") == Path("/somewhere/leaderboard/kafka-4.3.1")
    monkeypatch.setenv("LEADERBOARD_CACHE", "/elsewhere")
    assert cache_folder("4.3.1") == Path("/elsewhere/kafka-4.3.1")


def test_ports_are_remembered_while_they_are_free(tmp_path: Path) -> None:
    memory = tmp_path / "ports.json"
    first = choose_ports(memory, {"kafka": 0, "redis": 0})
    assert choose_ports(memory, {"kafka": 0, "redis": 0}) == first
    with socket.create_server(("127.0.0.1", first["redis"])):
        second = choose_ports(memory, {"kafka": 0, "redis": 0})
    assert second["kafka"] == first["kafka"]
    assert second["redis"] != first["redis"]


def test_a_damaged_memory_of_ports_is_no_obstacle(tmp_path: Path) -> None:
    memory = tmp_path / "ports.json"
    memory.write_text("{")
    chosen = choose_ports(memory, {"redis": 0})
    assert json.loads(memory.read_text()) == chosen
    assert is_free(chosen["redis"])


def test_the_guard_is_left_with_what_was_not_forgotten() -> None:
    assert watched_at_end(io.StringIO("11 15\n12 2\n11 0\n13 15\n")) == {12: 2, 13: 15}


def test_a_large_log_is_set_aside_once(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    log.write_bytes(b"x" * (LOG_BYTES + 1))
    turn_over(log)
    assert not log.exists()
    assert (tmp_path / "service.log.1").stat().st_size == LOG_BYTES + 1
    log.write_text("one\ntwo\nthree\n")
    turn_over(log)
    assert last_lines(log, 2) == ["two", "three"]


def test_a_package_that_is_not_installed_says_how_to_install_it() -> None:
    with pytest.raises(LocalServerError, match=r"no_such_package is not installed: run ./quickstart.sh --setup-only"):
        folder_of("no_such_package")
