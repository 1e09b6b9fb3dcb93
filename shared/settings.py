"""Settings: small, frozen, one a concern, from `LEADERBOARD_*` in the environment."""

import os
import socket
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, FilePath, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict


def secrets_folder() -> Path | None:
    """Where a file may hold a setting: `leaderboard_postgres` that of `LEADERBOARD_POSTGRES`, which goes before it.

    By default it is where containers are given their secrets.
    """
    folder = Path(os.environ.get("LEADERBOARD_SECRETS", "/run/secrets"))
    return folder if folder.is_dir() else None


def variables() -> dict[str, str]:
    """The environment, and before it what files hold."""
    folder = secrets_folder()
    files = [each for each in folder.iterdir() if each.is_file()] if folder is not None else []
    held = {each.name.upper(): each.read_text().strip() for each in files if each.name.startswith("leaderboard_")}
    return {**held, **os.environ}


class Settings(BaseSettings):
    """A group of settings. Nothing is read from the environment after it is made."""

    model_config = SettingsConfigDict(
        frozen=True,
        env_prefix="LEADERBOARD_",
        env_ignore_empty=True,  # as compose files set what nobody has set
        populate_by_name=True,
        extra="ignore",
        hide_input_in_errors=True,  # an error must not put a password into a log
        use_attribute_docstrings=True,  # `leaderboard settings` shows them
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given, then the environment, then files."""
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, secrets_folder())


class NamingSettings(Settings):
    """How this installation names its topics, keys and schema, so that several can share a server."""

    prefix: Annotated[str, Field(pattern=r"^([a-z][a-z0-9-]{0,30}-)?$")] = ""
    """Put before every name; ends with a dash, such as `staging-`."""

    @property
    def schema_name(self) -> str:
        """The Postgres schema of projection version 1."""
        return f"{self.prefix}v1"


class KafkaSettings(Settings):
    """Where the log is, and how to reach it."""

    bootstrap: str = Field(validation_alias="LEADERBOARD_KAFKA")
    """Host:port, or several separated by commas."""
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How to speak to it."""
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    """How to log in, with SASL."""
    kafka_username: str | None = None
    """With SASL."""
    kafka_password: SecretStr | None = None
    """With SASL."""
    kafka_tls_ca: FilePath | None = None
    """File with the certificates to trust; the system's when not set."""
    kafka_partitions: Annotated[int, Field(ge=1, le=1024)] = 8
    """Of the events and players topics. Used by `init` when it creates them, and never again."""
    kafka_replication: Annotated[int, Field(ge=1, le=9)] = 1
    """Brokers that keep each partition. Used by `init` when it creates the topics, and never again."""
    erase_within_hours: Annotated[float, Field(ge=0.001, le=8760)] = 72
    """Hours until the name of an erased player, or a former name, is gone from Kafka's disk too. The same for `init`,
    which sets up the topic by it, and for the projectors."""

    @model_validator(mode="after")
    def _log_in_whole(self) -> Self:
        """All that a login needs, and nothing that would silently be of no use."""
        logs_in = self.kafka_security.startswith("SASL")
        for name, given in (("USERNAME", self.kafka_username), ("PASSWORD", self.kafka_password)):
            if logs_in and not given:
                raise ValueError(f"LEADERBOARD_KAFKA_{name} is not set: {self.kafka_security} needs it")
            if given and not logs_in:
                raise ValueError(
                    f"LEADERBOARD_KAFKA_{name} is set, but LEADERBOARD_KAFKA_SECURITY={self.kafka_security} does not "
                    "log in: SASL_SSL or SASL_PLAINTEXT does"
                )
        return self

    @property
    def erase_within_ms(self) -> int:
        """`erase_within_hours` in milliseconds."""
        return int(self.erase_within_hours * 3_600_000)


def _url(value: SecretStr) -> SecretStr:
    """Libraries would quote half a password in what they say of a URL that is not well formed."""
    try:
        parts = urlsplit(value.get_secret_value())
        ports = [host.rpartition(":")[2] for host in parts.netloc.rpartition("@")[2].split(",") if ":" in host]
        known = parts.scheme in ("postgresql", "postgres", "redis", "rediss", "unix")
        is_whole = all(port.isdecimal() or port.endswith("]") for port in ports)
        is_whole = is_whole and "@" not in f"{parts.path}{parts.query}{parts.fragment}"
    except ValueError:
        known, is_whole = True, False
    if not known:
        raise ValueError("does not begin with postgresql://, redis:// or rediss://")
    if not is_whole:
        raise ValueError("is not a URL: in a password write / as %2F, # as %23, ? as %3F, [ as %5B, @ as %40, % as %25")
    return value


Url = Annotated[SecretStr, AfterValidator(_url)]


class PostgresSettings(Settings):
    """Where the tables are."""

    postgres: Url
    """postgresql://user:password@host:port/database; with TLS and `?sslmode=verify-full&sslrootcert=FILE` at its end"""
    postgres_pool: Annotated[int, Field(ge=1, le=200)] = 8
    """Connections a process may open."""


class RedisSettings(Settings):
    """Where the rank indexes are."""

    redis: Url
    """redis://user:password@host:port/database; with TLS rediss://, and `?ssl_ca_certs=FILE` at its end"""
    redis_cluster: bool = False
    """Whether that is a node of a Redis Cluster: the others are found through it."""
    redis_timeout_ms: Annotated[int, Field(ge=10, le=60_000)] = 200
    """Milliseconds to wait for an answer before Redis counts as down."""
    redis_keep_days: Annotated[float, Field(ge=0, le=36_500)] = 30.0
    """Days that the ranks of a season stay in Redis after its end; later questions about it are answered from Postgres.
    The same for every process of a system."""

    @property
    def keep_ms(self) -> int:
        """`redis_keep_days` in milliseconds."""
        return round(self.redis_keep_days * 86_400_000)


class HttpSettings(Settings):
    """Where a service listens."""

    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 is all of them."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """Port to listen on; 0 takes a free one. `leaderboard up` has options for its ports."""
    share_port: bool = False
    """Whether other processes may listen there too: the kernel gives each connection to one of them (SO_REUSEPORT)."""
    stop_after_ms: Annotated[int, Field(ge=0, le=60_000)] = 0
    """Milliseconds from SIGTERM to when it stops: health is 503 meanwhile, so that a balancer sends nobody any more;
    each answer ends its connection, and where others share the port they get the new ones. A rolling restart wants
    1000."""


class MetricsSettings(Settings):
    """Where a process tells Prometheus how it is."""

    metrics_host: str = "127.0.0.1"
    """Address of /metrics; 0.0.0.0 is all of them: where players cannot reach it."""
    metrics_port: Annotated[int, Field(ge=0, le=65_000)] = 0
    """Port of /metrics, for each process its own; 0: none. `leaderboard up` gives its processes this port and those
    after it: projectors first, then services."""


class WebSettings(Settings):
    """The web app that the front process serves."""

    web: Path | None = None
    """Folder with the built app. None: `web/dist` of the checkout."""


class ProjectorSettings(Settings):
    """Who a projector is among those that share the partitions."""

    projector_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")] = Field(
        default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}"
    )
    """Unique among those alive. One that has the same name after a restart takes its partitions up at once; another
    has to wait for the leases of the one before it to end, 10 s."""
    projector_beat: Path | None = None
    """File that is touched every second while Postgres says that this projector is there: for a health check."""


class CommandSettings(Settings):
    """What the command API does with a submission."""

    registration: Literal["open", "required"] = "open"
    """open: a first score makes a player known. required: unknown players are refused (404)."""
    wait_ms: Annotated[int, Field(ge=0, le=30_000)] = 2_000
    """Milliseconds to wait for the outcome before answering 202."""
    append_timeout_ms: Annotated[int, Field(ge=100, le=60_000)] = 5_000
    """Milliseconds to wait for the broker before answering 503."""
    appends_in_flight: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    """Unacknowledged appends before the answer is 429."""
    admin_key: Annotated[SecretStr, Field(min_length=16)] | None = None
    """What `Authorization: Bearer` has to say to define boards and to rule on scores and players; None: nobody may."""
    erased_entries: Literal["anonymous", "removed"] = "anonymous"
    """What becomes of an erased player's rows where the request does not say: they stay without a name, or go."""


class ReadSettings(Settings):
    """What the read side does with a question."""

    wait_ms: Annotated[int, Field(ge=0, le=30_000)] = 2_000
    """Milliseconds that `X-Min-Position` waits before the answer is 409."""
    cursor_key: Annotated[SecretStr, Field(min_length=16)] | None = None
    """Signs cursors; the same for every query API of a system. When not set, it is derived from the log's name."""
    fallback_reads: Annotated[int, Field(ge=1, le=1_000)] = 16
    """Concurrent reads of ranks from Postgres, of a process; more wait for a second, then get 503."""


class LiveSettings(Settings):
    """Who may open sockets."""

    origins: Annotated[str, Field(max_length=8192)] = ""
    """Separated by commas, such as https://play.example: pages of other origins are refused. Empty: any."""
    sockets: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    """Open at once in a process; more get 503."""
    sockets_a_second: Annotated[int, Field(ge=1, le=100_000)] = 1_000
    """Opened in a process; more get 503 and come again."""

    @property
    def allowed_origins(self) -> frozenset[str]:
        """`origins`, apart."""
        return frozenset(each.strip() for each in self.origins.split(",") if each.strip())
