"""Write kafka.lock anew: `python -m leaderboard.local.kafka_lock 4.3.1`."""

import hashlib
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from leaderboard.local.kafka_jars import AT_ONCE, LOCK, Jar, KafkaLock

if TYPE_CHECKING:
    from jgo.maven import Artifact, MavenContext


def lock_of(version: str, repository: Path) -> KafkaLock:
    """Resolve Kafka's run-time dependencies, download them to `repository` and take their checksums."""
    from jgo.maven import MavenContext

    artifacts = resolved(MavenContext(repo_cache=repository), version)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jars = list(pool.map(locked, artifacts))
    return KafkaLock(version, sorted(jars, key=lambda jar: jar.coordinate))


def resolved(context: "MavenContext", version: str) -> Sequence["Artifact"]:
    """Kafka, all it needs, and the binding of its logging as in its own distribution."""
    # Resolved alone: jgo lets any further root manage versions, and the parent of log4j's would downgrade Kafka's.
    roots, needed = context.resolver.resolve([context.create_dependency(f"org.apache.kafka:kafka_2.13:{version}")])
    artifacts = [dependency.artifact for dependency in [*roots, *needed]]
    log4j = next(artifact.version for artifact in artifacts if artifact.artifactId == "log4j-core")
    binding = context.project("org.apache.logging.log4j", "log4j-slf4j-impl").at_version(log4j).artifact()
    return [*artifacts, binding]


def locked(artifact: "Artifact") -> Jar:
    content = artifact.resolve().read_bytes()
    coordinate = f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
    return Jar(coordinate, len(content), hashlib.sha256(content).hexdigest())


def as_toml(lock: KafkaLock) -> str:
    lines = [
        "# Written by `python -m leaderboard.local.kafka_lock VERSION`; sizes in bytes.",
        f'version = "{lock.version}"',
    ]
    for jar in lock.jars:
        lines += ["", "[[jar]]", f'coordinate = "{jar.coordinate}"', f"size = {jar.size}", f'sha256 = "{jar.sha256}"']
    return "\n".join(lines) + "\n"


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m leaderboard.local.kafka_lock VERSION, as 4.3.1")
    with tempfile.TemporaryDirectory() as repository:
        LOCK.write_text(as_toml(lock_of(sys.argv[1], Path(repository))))


if __name__ == "__main__":
    main()
