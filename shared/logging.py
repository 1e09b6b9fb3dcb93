"""Logs: JSON lines on standard error, with the id of the request that they belong to."""

import logging
import sys

import structlog

LIBRARY_LINES = 5
"""Lines a second of the Kafka client: it says the same of every request while the broker is away."""


class Sparing(logging.Filter):
    """Lets through a number of lines a second: a library that retries in a loop would fill the disk."""

    def __init__(self, lines: int) -> None:
        super().__init__()
        self._lines = lines
        self._second = 0
        self._count = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if int(record.created) != self._second:
            self._second, self._count = int(record.created), 0
        self._count += 1
        return self._count <= self._lines


def _reason_first(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Why an app has not started, of which its framework says nothing but the traceback."""
    text = str(event["event"]).strip()
    if text.startswith("Traceback "):
        return {**event, "event": "not_started", "reason": text.rpartition("\n")[2], "traceback": text}
    return event


def configure_logging(service: str, *, level: int = logging.INFO) -> None:
    """Send structlog and the standard library's loggers through the same processors."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.dict_tracebacks,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _reason_first],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers, root.level = [handler], level
    sparing = Sparing(LIBRARY_LINES)
    handler.addFilter(lambda record: not record.name.startswith("aiokafka") or sparing.filter(record))
    for noisy in ("aiokafka", "uvicorn.access", "uvicorn.sockets"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service)
