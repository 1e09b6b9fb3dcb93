"""Reading the catalogue from the boards topic."""

from shared.catalogue import Catalogue, fold_catalogue
from shared.log import LogUnavailable, open_reader
from shared.settings import KafkaSettings, NamingSettings

TURNS = 20
"""Reads of half a second before giving up on a topic that says it has more."""


class CatalogueLog:
    """Reads the boards topic, when asked, from where a catalogue ends to the end of the topic."""

    def __init__(self, kafka: KafkaSettings, naming: NamingSettings, client_id: str) -> None:
        self._kafka = kafka
        self._naming = naming
        self._client_id = f"{client_id}-catalogue"

    async def read(self, catalogue: Catalogue) -> Catalogue:
        """The catalogue, further on. Raises LogUnavailable."""
        async with open_reader(self._kafka, self._naming, self._client_id) as reader:
            end = (await reader.end("boards"))[0]
            reader.assign({("boards", 0): catalogue.newest + 1})
            for _ in range(TURNS):
                if catalogue.newest + 1 >= end:
                    return catalogue
                records = await reader.read(limit=1_000, wait_ms=500)
                catalogue = fold_catalogue(catalogue, [(record.offset, record.value) for _, record in records])
        raise LogUnavailable(f"boards: {end} records, of which {catalogue.newest + 1} could be read")
