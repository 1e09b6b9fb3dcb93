"""The floor of a batch: the same records given to aiokafka, acknowledged by every replica, and nothing else."""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

import orjson
import uvloop
from aiokafka import AIOKafkaProducer

from bench.load import Load, load_of
from bench.loading import submission
from bench.workloads import BATCH
from shared.appender import HEADERS
from shared.log import connection_settings
from shared.settings import KafkaSettings
from shared.topics import LARGEST_RECORD, topic_name

Records = Sequence[tuple[bytes, bytes]]
BATCHES = 16
START_WITHIN = 30.0
ANSWER_WITHIN = 30.0


async def load(seconds: float, connections: int, prefix: str) -> Load:
    """So many senders, each with one batch on its way."""
    batches = [[submission(turn * BATCH + number, number + 1) for number in range(BATCH)] for turn in range(BATCHES)]
    topic = topic_name(prefix, "events")
    producer = AIOKafkaProducer(
        **connection_settings(KafkaSettings(), "bench"),
        acks="all",
        enable_idempotence=True,
        max_batch_size=256 * 1024,
        max_request_size=LARGEST_RECORD,
    )
    await asyncio.wait_for(producer.start(), START_WITHIN)
    try:
        used, began = time.process_time(), time.perf_counter()
        senders = (_send(producer, topic, batches[turn:], began + seconds) for turn in range(connections))
        latencies = [each for one in await asyncio.gather(*senders) for each in one]
        took = time.perf_counter() - began
    finally:
        await asyncio.wait_for(producer.stop(), START_WITHIN)
    return replace(load_of(latencies, took, time.process_time() - used, {}), operations=len(latencies) * BATCH)


async def _send(producer: AIOKafkaProducer, topic: str, batches: Sequence[Records], until: float) -> list[float]:
    latencies: list[float] = []
    while (sent := time.perf_counter()) < until:
        records = batches[len(latencies) % len(batches)]
        acknowledged = [await producer.send(topic, value, key, headers=HEADERS) for key, value in records]
        await asyncio.wait_for(asyncio.gather(*acknowledged), ANSWER_WITHIN)
        latencies.append(time.perf_counter() - sent)
    return latencies


def main() -> None:
    """Print the load as a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=3, help="batches on their way")
    parser.add_argument("--prefix", required=True, help="of the topic")
    sys.stdout.buffer.write(orjson.dumps(uvloop.run(load(**vars(parser.parse_args())))) + b"\n")


if __name__ == "__main__":
    main()
