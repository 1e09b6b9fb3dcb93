"""A short run of the fuzzer of sockets; the long one is `python -m tests.chaos.socket_fuzz`."""

from tests.chaos.socket_fuzz import fuzzed
from tests.stack import System


async def test_who_behaves_is_served_while_others_send_nonsense(system: System) -> None:
    fuzz = await fuzzed(system, 15)
    assert fuzz.counts["scores seen"] >= 5
    assert fuzz.counts["frames"] > 100
    assert fuzz.counts["requests"] > 100
