"""The jars of Kafka: a locked list, downloaded once from Maven's central repository into the user's cache.

kafka.lock is written by `python -m leaderboard.local.kafka_lock`.
"""

import hashlib
import os
import tempfile
import threading
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from leaderboard.local.errors import LocalServerError

LOCK = Path(__file__).with_name("kafka.lock")
AT_ONCE = 12  # downloads side by side: most jars are small, so latency counts rather than bandwidth
TRIES = 2


class Progress(Protocol):
    """Hears how far a download is; called from several threads, one at a time."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """`done` of `total` bytes of `what` have arrived."""


@dataclass(frozen=True)
class Jar:
    """One locked file; its size is in bytes."""

    coordinate: str  # group:artifact:version
    size: int
    sha256: str

    @property
    def filename(self) -> str:
        _group, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


@dataclass(frozen=True)
class KafkaLock:
    """The version of Kafka and all it needs at run time."""

    version: str
    jars: Sequence[Jar]


def read_lock(file: Path = LOCK) -> KafkaLock:
    content = tomllib.loads(file.read_text())
    return KafkaLock(content["version"], [Jar(**jar) for jar in content["jar"]])


def cache_folder(version: str) -> Path:
    """Where the jars are kept for every checkout of this user; LEADERBOARD_CACHE overrides the usual place."""
    own = os.environ.get("LEADERBOARD_CACHE")
    usual = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "leaderboard"
    return (Path(own) if own else usual).absolute() / f"kafka-{version}"


def kafka_jars(say: Callable[[str], None], progress: Progress | None = None) -> list[Path]:
    """The verified jars, downloaded first where they are missing. Raises LocalServerError."""
    locked = read_lock()
    folder = cache_folder(locked.version)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        present = list(pool.map(lambda jar: is_right(folder / jar.filename, jar), locked.jars))
    missing = [jar for jar, here in zip(locked.jars, present, strict=True) if not here]
    if missing:
        megabytes = sum(jar.size for jar in missing) / 1e6
        say(f"downloading Kafka {locked.version}: {len(missing)} files, {megabytes:.0f} MB, once")
        download(missing, folder, progress)
    return [folder / jar.filename for jar in locked.jars]


def is_right(file: Path, jar: Jar) -> bool:
    """Whether the file is there with the locked content; a file with other content is deleted."""
    if not file.exists():
        return False
    with file.open("rb") as content:
        right = hashlib.file_digest(content, "sha256").hexdigest() == jar.sha256
    if not right:
        file.unlink()
    return right


def download(jars: Sequence[Jar], folder: Path, progress: Progress | None) -> None:
    """Download side by side; each file appears in `folder` only when complete and verified."""
    count = ByteCount(sum(jar.size for jar in jars), progress)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="partial-") as partial:
            fetch = Fetch(Path(partial), folder, count)
            with ThreadPoolExecutor(AT_ONCE) as pool, count.cancelled_on_error():
                list(pool.map(fetch, jars))
    except OSError as error:
        message = f"cannot write the cache {folder} ({error.strerror}): choose another with LEADERBOARD_CACHE"
        raise LocalServerError(message) from error


class Fetch:
    """Downloads one jar with jgo, which knows the repository and its layout."""

    def __init__(self, partial: Path, folder: Path, count: "ByteCount") -> None:
        # Imported when there is something to download: it takes longer than Redis to start.
        from jgo.maven import MavenContext, PythonResolver

        self._context = MavenContext(PythonResolver(progress_callback=count.of_file), repo_cache=partial)
        self._folder = folder

    def __call__(self, jar: Jar) -> None:
        """Raises LocalServerError when it cannot be had or is not what was locked."""
        file = self._downloaded(jar)
        if not is_right(file, jar):
            raise LocalServerError(
                f"{jar.filename} as downloaded differs from its checksum in {LOCK.name} and was deleted: try again; "
                "if it stays so, a proxy on the way alters files"
            )
        file.replace(self._folder / jar.filename)

    def _downloaded(self, jar: Jar) -> Path:
        group, artifact, version = jar.coordinate.split(":")
        file = self._context.project(group, artifact).at_version(version).artifact()
        for attempt in range(1, TRIES + 1):
            try:
                return file.resolve()
            except (OSError, RuntimeError) as error:  # requests' errors are OSErrors; jgo's for "not found" is not
                if file.cached_path is not None:
                    file.cached_path.unlink(missing_ok=True)
                if attempt == TRIES:
                    raise cannot_download(jar, error) from error
        raise AssertionError


def cannot_download(jar: Jar, error: Exception) -> LocalServerError:
    return LocalServerError(
        f"cannot download {jar.filename} ({type(error).__name__}): the first start needs the network; "
        "connect and try again, or set LEADERBOARD_KAFKA to a Kafka of yours"
    )


class Cancelled(Exception):
    """Another download failed or the user interrupted; this one need not go on."""


class ByteCount:
    """Counts the bytes of all downloads and tells `progress`."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total = total
        self._done = 0
        self._progress = progress
        self._lock = threading.Lock()
        self._cancelled = False

    @contextmanager
    def cancelled_on_error(self) -> Iterator[None]:
        """Make the other downloads end at their next chunk when one fails."""
        try:
            yield
        except BaseException:
            self._cancelled = True
            raise

    @contextmanager
    def of_file(self, filename: str, size: int) -> Iterator[Callable[[int], None]]:
        """jgo's way to report: a function that is given the bytes of each chunk."""
        yield self._add

    def _add(self, count: int) -> None:
        if self._cancelled:
            raise Cancelled
        with self._lock:
            self._done += count
            if self._progress:
                self._progress("Kafka", self._done, self._total)
