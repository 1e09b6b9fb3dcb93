"""Reading the catalogue from the boards topic, once or for as long as a service runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from shared.catalogue import Catalogue, fold_catalogue
from shared.log import LogUnavailable, Reader, open_reader
from shared.settings import KafkaSettings, NamingSettings
from shared.watchdog import stop_process

TURNS = 20
"""Reads of half a second before giving up on a topic that says it has more."""
RETRY_AFTER = 0.5

log = structlog.get_logger()


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
                catalogue = fold_catalogue(catalogue, [record for _, record in records])
        raise LogUnavailable(f"boards: {end} records, of which {catalogue.newest + 1} could be read")


class LiveCatalogue:
    """The catalogue as it is now, for as long as a service runs."""

    def __init__(self, now: Catalogue) -> None:
        self.now = now
        self._moved = asyncio.Event()

    async def reach(self, offset: int, timeout: float) -> Catalogue:
        """The catalogue once it contains a record of the boards topic. Raises TimeoutError after so many seconds."""
        async with asyncio.timeout(timeout):
            while self.now.newest < offset:
                self._moved.clear()
                await self._moved.wait()
        return self.now

    async def follow(self, reader: Reader) -> None:
        """Fold in what is read, for ever."""
        while True:
            try:
                records = await reader.read(limit=1_000, wait_ms=1_000)
            except LogUnavailable as error:
                log.warning("catalogue_unavailable", error=str(error))
                await asyncio.sleep(RETRY_AFTER)
                continue
            if records:
                self.now = fold_catalogue(self.now, [record for _, record in records])
                self._moved.set()


@asynccontextmanager
async def open_catalogue(kafka: KafkaSettings, naming: NamingSettings, client_id: str) -> AsyncIterator[LiveCatalogue]:
    """The catalogue, read to its present end and followed from there. Raises LogUnavailable."""
    catalogue = LiveCatalogue(await CatalogueLog(kafka, naming, client_id).read(Catalogue()))
    async with open_reader(kafka, naming, f"{client_id}-boards") as reader:
        reader.assign({("boards", 0): catalogue.now.newest + 1})
        following = asyncio.create_task(catalogue.follow(reader))
        following.add_done_callback(stop_process)
        try:
            yield catalogue
        finally:
            following.remove_done_callback(stop_process)
            following.cancel()
