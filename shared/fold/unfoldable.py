"""A record that the fold cannot judge: its partition stops there. Pure."""

from shared.catalogue import Catalogue
from shared.events import UnknownEventType
from shared.records import Received, Record
from shared.topics import Place, TopicName


class Unfoldable(Exception):
    """A record that this build cannot judge: everything behind it in its partition has to wait.

    Either its type is of a newer build (upgrade this one), or the fold has an error (mend it, or void the record).
    """

    def __init__(self, topic: TopicName, record: Record, error: Exception) -> None:
        self.place: Place = topic, record.partition
        self.offset = record.offset
        self.reason = f"{type(error).__name__}: {error}"
        super().__init__(f"{topic}/{record.partition} at offset {record.offset}: {self.reason}")


def is_voided(catalogue: Catalogue, topic: TopicName, received: Received) -> bool:
    """Whether an operator has passed this record. Raises UnknownEventType for one that nobody may judge."""
    record = received.record
    if ((topic, record.partition), record.offset) in catalogue.voided:
        return True
    if received.unknown is not None:
        raise UnknownEventType(f"{received.unknown} is not known to this build: a newer one wrote it")
    return False
