"""What clients may ask, and what the server says, are as docs/asyncapi.json and docs/live.md have them."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier import messages, requests
from notifier.frames import text_frame
from notifier.rows import Row, WindowRow
from tests.asyncapi import assert_described, document, kind_of

LIVE = Path(__file__).parent.parent.parent / "docs" / "live.md"
ASKED = [each["$ref"].rsplit("/", 1)[1] for each in document()["operations"]["ask"]["messages"]]
TOLD = [each["$ref"].rsplit("/", 1)[1] for each in document()["operations"]["tell"]["messages"]]
ROW = Row("ann", 9, 1, "Ann Ö")
OFF = "m1x0Cq7d_2Aa"


@pytest.mark.parametrize("name", ASKED)
def test_every_example_of_a_request_is_one(name: str) -> None:
    for example in document()["components"]["messages"][name]["examples"]:
        assert_described(example["payload"], name)
        requests.decode(example["payload"])


def test_every_message_of_the_server_is_described() -> None:
    limits = dict.fromkeys(("subs", "n", "k", "bytes", "rate", "burst"), 1)
    about = {"board": "classic", "season": "all", "order": "desc", "ties": "dense", "operator": "sum"}
    at = {"n": 10, "base": 1, "off": OFF, "pos": "1.0123456789abcdef.0-1", "ts": 1, "total": 1}
    told = [
        messages.hi(1, "a", ping=25, tick=0.1, now=1, limits=limits),
        messages.ok(1, "me:classic:ann"),
        messages.ok_top(1, "top:10:classic", 10, True),
        messages.snap({"ch": "top:10:classic", **about, **at}, [ROW]),
        messages.delta("top:10:classic", OFF, OFF, 1, 1, [ROW], ["bob"], "01234567"),
        messages.me("me:classic:ann", "all", 1, None, 3, None, 0),
        messages.around("around:1:classic:ann", "all", 1, 1, 1, [WindowRow(*ROW, 1)]),
        messages.pos(1, "top:10:classic", OFF, "1.0123456789abcdef"),
        messages.ping(1, {"top:10:classic": OFF}),
        messages.err(None, "unknown_op", "no"),
        messages.bye(1),
    ]
    decoded = [orjson.loads(each) for each in told]
    for message in decoded:
        assert_described(message)
    assert {kind_of(message) for message in decoded} == set(TOLD)
    assert_described(orjson.loads(messages.update("ann", 1, None)), "leaderboardUpdate")


def test_the_examples_of_the_page_are_real() -> None:
    lines = [line.removeprefix("C>").removeprefix("S>").strip() for line in LIVE.read_text().splitlines()]
    objects: list[dict[str, Any]] = [
        orjson.loads(line.split("          ")[0]) for line in lines if line.startswith(('{"op"', '{"t"'))
    ]
    assert len(objects) > 10
    for each in objects:
        if "t" in each:
            assert_described(each)
        else:
            requests.decode(each)


@pytest.mark.parametrize("text", [b"", b"x", b"[]", b"1", b'{"op":"pong"}\n', b"\xff"])
def test_what_is_no_object_is_not_ours(text: bytes) -> None:
    with pytest.raises(requests.NotOurs):
        list(requests.objects(text))


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))


@given(st.dictionaries(st.sampled_from(["op", "id", "ch", "board", "n", "k", "player", "off", "ticket"]), JSON))
def test_any_object_is_a_request_or_wrong(fields: dict[str, Any]) -> None:
    refused = None
    try:
        requests.decode(fields)
    except requests.Wrong as wrong:
        refused = wrong
    if refused is not None:
        assert refused.number is None or refused.number == fields["id"]
        assert_described(orjson.loads(messages.err(refused.number, refused.code, refused.detail)))


@pytest.mark.parametrize("field", ["op", "ch"])
def test_deep_nesting_is_wrong_too(field: str) -> None:
    asked = {"op": "sub", "id": 1, field: orjson.loads(b"[" * 1_000 + b"]" * 1_000)}
    with pytest.raises(requests.Wrong) as wrong:
        requests.decode(asked)
    assert (wrong.value.number, wrong.value.code) == (1, "unknown_op")


@given(st.integers(0, 70_000))
def test_a_frame_says_how_long_it_is(size: int) -> None:
    frame = text_frame(b"x" * size)
    header = {True: 2, False: 4 if size < 65_536 else 10}[size < 126]
    said = frame[1] if size < 126 else int.from_bytes(frame[2:header], "big")
    assert (frame[0], said, len(frame)) == (0x81, size, header + size)
