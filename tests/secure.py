"""Servers that let in only who speaks TLS, trusts their authority and has the password.

Kafka does both itself. The binaries of Postgres and Redis on this machine are built without TLS: a proxy before each
speaks it in their place, as their protocols have it; passwords are theirs.
"""

import asyncio
import secrets
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from redis import Redis

from leaderboard.local.kafka import Kafka
from leaderboard.local.kafka_jars import kafka_jars
from leaderboard.local.ports import HOST
from leaderboard.local.postgres import NAME
from leaderboard.local.server import Server
from leaderboard.local.servers import local_servers
from tests.chaos.proxy import Proxy, reset
from tests.servers import Servers
from tests.stack import free_port, present

USER = "leaderboard"
SCRAM = "SCRAM-SHA-512"
LISTENER = """
listeners=CLIENT://{host}:{port},CONTROLLER://{host}:{controller_port},SECURE://{host}:{secure_port}
advertised.listeners=CLIENT://{host}:{port},SECURE://{host}:{secure_port}
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location={keystore}
listener.name.secure.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.secure.plain.sasl.jaas.config={java}.plain.PlainLoginModule required user_{user}="{password}";
listener.name.secure.scram-sha-512.sasl.jaas.config={java}.scram.ScramLoginModule required;
"""
JAVA = "org.apache.kafka.common.security"


@dataclass(frozen=True)
class Authority:
    """Issues certificates, in files of its folder."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self._request("ca", "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign")

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.pem"

    def issue(self, name: str) -> Path:
        """A key and its certificate for this machine, one after the other in a file."""
        self._request(
            name,
            *("basicConstraints=critical,CA:FALSE", f"subjectAltName=IP:{HOST},DNS:localhost"),
            by=("-CA", str(self.certificate), "-CAkey", str(self.folder / "ca.key")),
        )
        both = self.folder / f"{name}-both.pem"
        both.write_text((self.folder / f"{name}.key").read_text() + (self.folder / f"{name}.pem").read_text())
        return both

    def _request(self, name: str, *extensions: str, by: tuple[str, ...] = ()) -> None:
        argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        argv += ["-days", "2", "-subj", f"/CN={name} of {self.folder.name}", *by]
        argv += ["-keyout", str(self.folder / f"{name}.key"), "-out", str(self.folder / f"{name}.pem")]
        for extension in extensions:
            argv += ["-addext", extension]
        subprocess.run(argv, check=True, capture_output=True, timeout=30)


@dataclass(frozen=True)
class SecureKafka(Kafka):
    """Kafka with one listener more: SASL_SSL, which alone its clients are told of."""

    keystore: Path = Path()
    password: str = ""
    secure_port: int = field(default_factory=free_port)

    def prepare(self) -> None:
        """As Kafka's; what is said later in its settings holds."""
        super().prepare()
        settings = LISTENER.format(
            host=HOST,
            port=self.port,
            controller_port=self.controller_port,
            java=JAVA,
            user=USER,
            secure_port=self.secure_port,
            keystore=self.keystore,
            password=self.password,
        )
        with (self.home / "server.properties").open("a") as properties:
            properties.write(settings)

    def allow_scram(self) -> None:
        """Tell the running broker the password for SCRAM, too."""
        change = ["--alter", "--entity-type", "users", "--entity-name", USER]
        change += ["--add-config", f"{SCRAM}=[password={self.password}]"]
        argv = self._java(main=["kafka.admin.ConfigCommand", "--bootstrap-server", self.url, *change])
        subprocess.run(argv, cwd=self.home, check=True, capture_output=True, timeout=60)


class PostgresProxy(Proxy):
    """TLS begins when a client of Postgres has asked for it."""

    def __init__(self, port: int, tls: ssl.SSLContext) -> None:
        super().__init__(port)
        self._begun = tls

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readexactly(8)
            if request[4:] != b"\x04\xd2\x16\x2f":  # SSLRequest
                raise ConnectionError("a client that does not ask for TLS")
            client.write(b"S")
            await client.start_tls(self._begun)
        except (OSError, EOFError):
            reset(client)
            return
        await super()._accept(reader, client)


@dataclass(frozen=True)
class Secure:
    """The servers, and what our processes have to be told to be let in."""

    servers: Servers
    settings: Mapping[str, str]
    passwords: Mapping[str, str]
    """Of each server."""
    stranger: Path
    """The certificate of an authority that has issued none of theirs."""


@contextmanager
def secure_servers(folder: Path) -> Iterator[Secure]:
    """Start them; stopped at the end."""
    ours, other = Authority(folder / "authority"), Authority(folder / "stranger")
    passwords = {each: secrets.token_hex(12) for each in ("kafka", "postgres", "redis")}
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(ours.issue("proxy"))
    with local_servers(folder / "servers", parts=frozenset({"postgres", "redis"}), say=print) as local:
        home, log = folder / "servers" / "kafka", folder / "servers" / "logs" / "kafka.out"
        engine = SecureKafka(
            home, free_port(), free_port(), kafka_jars(print), keystore=ours.issue("kafka"), password=passwords["kafka"]
        )
        postgres, redis = present(local.postgres), present(local.redis)
        with _started(Server(engine, log, local.guard)) as kafka, PostgresProxy(postgres.port, tls) as to_postgres:
            engine.allow_scram()
            asyncio.run(_require_password(postgres, passwords["postgres"], folder / "servers" / "postgres"))
            with Redis.from_url(redis.url) as client, Proxy(redis.port, tls) as to_redis:
                client.config_set("requirepass", passwords["redis"])
                settings = {
                    "LEADERBOARD_KAFKA": f"localhost:{engine.secure_port}",
                    "LEADERBOARD_KAFKA_SECURITY": "SASL_SSL",
                    "LEADERBOARD_KAFKA_USERNAME": USER,
                    "LEADERBOARD_KAFKA_PASSWORD": passwords["kafka"],
                    "LEADERBOARD_KAFKA_TLS_CA": str(ours.certificate),
                    "LEADERBOARD_POSTGRES": f"postgresql://{NAME}:{passwords['postgres']}@localhost:{to_postgres.port}"
                    f"/{NAME}?sslmode=verify-full&sslrootcert={ours.certificate}",
                    "LEADERBOARD_REDIS": f"rediss://:{passwords['redis']}@localhost:{to_redis.port}"
                    f"/0?ssl_ca_certs={ours.certificate}",
                    "LEADERBOARD_REDIS_TIMEOUT_MS": "1000",
                }
                yield Secure(Servers(kafka, postgres, redis), settings, passwords, other.certificate)


@contextmanager
def _started(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


async def _require_password(postgres: Server, password: str, home: Path) -> None:
    """Let nobody in without the password from now on."""
    connection = await asyncpg.connect(postgres.url)
    try:
        await connection.execute(f"alter role {NAME} password '{password}'")
        (home / "pg_hba.conf").write_text(f"host all all {HOST}/32 scram-sha-256\n")
        await connection.execute("select pg_reload_conf()")
    finally:
        await connection.close()
