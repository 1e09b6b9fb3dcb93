"""The floor of a rank: Redis asked directly, by one client that puts all concurrent look-ups into one pipeline."""

import argparse
import random
import sys
import time

import orjson
import uvloop

from bench.load import Load, load_of
from bench.patience import patient
from shared.ranking import applied_key, board_keys
from shared.ranks import ASK
from shared.redis import open_redis
from shared.settings import NamingSettings, RedisSettings


async def load(seconds: float, connections: int, players: int, seed: int) -> Load:
    """The same script as for a request, and the position beside it; nothing is decoded."""
    chance, prefix = random.Random(seed), NamingSettings().prefix
    keys = board_keys(prefix, "classic", "all").all
    latencies: list[float] = []
    async with open_redis(patient(RedisSettings()), "bench") as client:
        await client.script_load(ASK.source)
        used, began = time.process_time(), time.perf_counter()
        while (asked := time.perf_counter()) < began + seconds:
            pipeline = client.pipeline(transaction=False)
            pipeline.hgetall(applied_key(prefix))
            for _ in range(connections):
                player = f"player-{chance.randrange(players)}"
                pipeline.evalsha(ASK.sha, len(keys), *keys, "first_to_reach", "places", 1, player)
            _, *found = await pipeline.execute()
            assert all(found), "Redis does not hold the board"
            latencies += [time.perf_counter() - asked] * connections
        took = time.perf_counter() - began
    return load_of(latencies, took, time.process_time() - used, {})


def main() -> None:
    """Print the load as a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=64, help="look-ups in a pipeline")
    parser.add_argument("--players", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    sys.stdout.buffer.write(orjson.dumps(uvloop.run(load(**vars(parser.parse_args())))) + b"\n")


if __name__ == "__main__":
    main()
