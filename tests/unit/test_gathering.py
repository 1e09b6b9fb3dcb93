"""Requests share calls, and never one that had begun before they came."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from query_api.gathering import Gathering


class Calls:
    """A look-up that goes on when it is told to. Its answers say which call they are of."""

    def __init__(self) -> None:
        self.keys: list[list[str]] = []
        self.answers: asyncio.Queue[type[Exception] | bool] = asyncio.Queue()

    async def look_up(self, keys: Sequence[str]) -> Mapping[str, int] | None:
        self.keys.append(list(keys))
        call = len(self.keys)
        answer = await self.answers.get()
        if not isinstance(answer, bool):
            raise answer("look-up")
        return {key: call for key in keys if key != "nobody"} if answer else None

    def go_on(self, answer: type[Exception] | bool = True) -> None:
        self.answers.put_nowait(answer)


def ask(gathering: Gathering[str, int], *keys: str) -> list[asyncio.Task[int | None]]:
    return [asyncio.create_task(gathering.ask(key)) for key in keys]


async def settle() -> None:
    """Let everything run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_comes_while_a_call_is_on_its_way_shares_the_next() -> None:
    calls = Calls()
    gathering = Gathering(calls.look_up, 10)
    first = ask(gathering, "a")
    await settle()
    later = ask(gathering, "a", "b", "b", "nobody")
    await settle()
    calls.go_on()
    calls.go_on()
    assert await asyncio.gather(*first, *later) == [1, 2, 2, 2, None]
    assert calls.keys == [["a"], ["a", "b", "nobody"]]


async def test_a_call_is_bounded_and_the_rest_waits_its_turn() -> None:
    calls = Calls()
    gathering = Gathering(calls.look_up, 2)
    asked = ask(gathering, *"abcde")
    for _ in range(3):
        calls.go_on()
    assert await asyncio.gather(*asked) == [1, 1, 2, 2, 3]
    assert calls.keys == [["a", "b"], ["c", "d"], ["e"]]


async def test_who_goes_away_does_not_take_the_others_along() -> None:
    calls = Calls()
    gathering = Gathering(calls.look_up, 10)
    gone, stays = ask(gathering, "a", "a")
    await settle()
    gone.cancel()
    await settle()
    calls.go_on()
    assert await stays == 1
    assert gone.cancelled()


@pytest.mark.parametrize("failure", [False, RuntimeError])
async def test_a_call_that_says_nothing_lets_all_go_and_the_next_works(failure: type[Exception] | bool) -> None:
    calls = Calls()
    gathering = Gathering(calls.look_up, 1)
    asked = ask(gathering, *"abc")
    await settle()
    asked += ask(gathering, *"ab")  # a once more, while it is asked
    await settle()
    calls.go_on(failure)
    async with asyncio.timeout(5):
        assert await asyncio.gather(*asked) == [None] * 5
    assert calls.keys == [["a"]]
    calls.go_on()
    assert await gathering.ask("a") == 2
