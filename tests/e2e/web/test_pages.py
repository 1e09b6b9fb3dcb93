"""The web app in a real browser, against the running system."""

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Any, Literal

import aiohttp
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Locator, Page, expect

from tests.e2e.test_boards import define
from tests.e2e.test_thread import name, submit
from tests.e2e.web.browsers import DESKTOP, PHONE, WITHIN, Chromium
from tests.e2e.web.conftest import LONG
from tests.stack import System, answers, eventually

PAGES = {"board": f"/?board={LONG}", "player": "/players/player-0007", "operator": "/operator"}
SIZES = {"desktop": DESKTOP, "phone": PHONE}
SERIOUS = ("serious", "critical")
BEYOND_THE_EDGE = """
[...document.querySelectorAll("header *, main *")]
    .filter(each => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .filter(each => !each.closest("[data-scrolls], .overflow-x-auto, .sr-only"))
    .map(each => each.outerHTML.slice(0, 120))
"""
"""What cannot be seen, as it is beyond the right edge of the screen and does not scroll."""
WATCH_FLIGHTS = """
() => {
    window.flown = [];
    const { animate } = Element.prototype;
    Element.prototype.animate = function (path, options) {
        if (path[0].transform) window.flown.push(this.dataset.player);
        return animate.call(this, path, options);
    };
    document.querySelectorAll("tr[data-player]").forEach((row, place) => { row.place = place; });
}
"""
PLACES = """() => [...document.querySelectorAll("tr[data-player]")].map(row => row.place)"""
"""Where each row was when flights began to be watched."""

expect.set_options(timeout=WITHIN)


def row(page: Page, player: str) -> Locator:
    return page.locator(f'tr[data-player="{player}"]')


async def rank(row: Locator) -> str:
    """What a row says of its rank."""
    return (await row.locator("td").first.inner_text()).split()[-1]  # a medal says it, too


async def mark(page: Page) -> None:
    """Leave something on a page that a reload would take away."""
    await page.evaluate("window.notReloaded = true")


async def assert_marked(page: Page) -> None:
    assert await page.evaluate("window.notReloaded === true")


async def send(page: Page, player: str, score: int) -> None:
    form = page.locator("form", has=page.get_by_label("Play as"))
    await form.get_by_label("Play as").fill(player)
    await form.get_by_label("Score", exact=True).fill(str(score))
    await form.get_by_role("button", name="Submit the score").click()


async def test_a_submit_changes_the_own_page_and_another_open_one(system: System, browser: Chromium) -> None:
    board, ann, bob = await define(system), name(), name()
    await submit(system, bob, 500, board)
    own, other = await browser.open(f"/?board={board}"), await browser.open(f"/?board={board}")
    await expect(row(other.page, bob)).to_contain_text("500")
    await mark(own.page)
    await mark(other.page)
    await send(own.page, ann, 900)
    await expect(own.page.get_by_text("counted").first).to_be_visible()
    for tab in (own, other):
        await expect(row(tab.page, ann)).to_contain_text("900")
        assert await rank(row(tab.page, ann)) == "1"
        await expect(row(tab.page, bob).locator("td").first).to_contain_text("2")
        await assert_marked(tab.page)
        assert tab.complaints == []


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
async def test_who_changes_places_flies_there_and_no_element_moves(
    system: System, browser: Chromium, motion: Literal["no-preference", "reduce"]
) -> None:
    board, ann, bob = await define(system), name(), name()
    await submit(system, ann, 500, board)
    await submit(system, bob, 400, board)
    tab = await browser.open(f"/?board={board}", reduced_motion=motion)
    page = tab.page
    await expect(page.locator("header").get_by_text("live").first).to_be_visible()
    await expect(row(page, bob)).to_contain_text("400")
    await page.evaluate(WATCH_FLIGHTS)
    wanted = {ann, bob} if motion == "no-preference" else set()
    # A browser that is kept from drawing may show the next state without the flights of the one before: so again.
    for turn, first in enumerate([bob, ann, bob, ann]):
        await submit(system, first, 900 + turn, board)
        await expect(row(page, first)).to_contain_text(f"{900 + turn}")
        assert await rank(row(page, first)) == "1"
        if {*await page.evaluate("window.flown")} == wanted:
            break
    assert {*await page.evaluate("window.flown")} == wanted
    assert await page.evaluate(PLACES) == [0, 1]
    assert tab.complaints == []


async def test_what_the_server_would_refuse_is_said_before_it_is_sent(system: System, browser: Chromium) -> None:
    board = await define(system, minimum=10, maximum=20)
    tab = await browser.open(f"/?board={board}")
    await send(tab.page, name(), 21)
    await expect(tab.page.get_by_label("Score", exact=True)).to_have_attribute("aria-invalid", "true")
    assert tab.complaints == []


async def test_filters_are_in_the_address(browser: Chromium) -> None:
    tab = await browser.open("/")
    page = tab.page
    await page.get_by_label("Game mode").select_option("sprint")
    await expect(page).to_have_url(re.compile(r"board=sprint"))
    await expect(row(page, "ada")).to_contain_text("61,000")
    await page.reload()
    await expect(row(page, "ada")).to_contain_text("61,000")
    await page.go_back()
    await expect(row(page, "ada")).to_contain_text("4,000")
    assert tab.complaints == []


async def test_row_1000_is_reached_by_scrolling_and_few_rows_are_in_the_page(browser: Chromium) -> None:
    tab = await browser.open(f"/?board={LONG}")
    page = tab.page
    await expect(row(page, "player-0000")).to_be_visible()
    wanted = row(page, "player-0999")
    for _ in range(120):
        if await wanted.count():
            break
        await page.mouse.wheel(0, 1_500)
        await page.wait_for_timeout(60)
    await expect(wanted).to_have_attribute("aria-rowindex", "1001")
    assert await rank(wanted) == "1,000"
    assert await page.locator("tr[data-player]").count() < 300
    assert tab.complaints == []


async def test_a_player_is_searched_for_and_the_rows_around_are_shown(browser: Chromium) -> None:
    tab = await browser.open(f"/?board={LONG}")
    page = tab.page
    await page.get_by_role("combobox", name="Find a player").first.fill("player-060")
    await page.get_by_role("option", name="player-0605").click()
    await expect(page).to_have_url(re.compile("player=player-0605"))
    for near in ("player-0604", "player-0605", "player-0606"):
        await expect(row(page, near)).to_be_visible()
    assert tab.complaints == []


async def test_a_page_says_that_the_front_is_gone_and_misses_nothing(system: System, browser: Chromium) -> None:
    board, ann, bob = await define(system), name(), name()
    await submit(system, bob, 500, board)
    other = system.serve("command-api", "other-commands")
    await asyncio.to_thread(eventually, lambda: answers(f"{other}/openapi.json"), 45, "the other command API")
    page = (await browser.open(f"/?board={board}")).page
    connection = page.locator("header").get_by_text("Connection:").locator("..")
    await expect(connection).to_contain_text("live")
    await mark(page)
    system.kill("front")
    await expect(connection).to_contain_text(re.compile("stale|offline"))
    for player, score in ((ann, 900), (bob, 950), (ann, 1_000)):
        await submit_to(other, player, score, board)
    await expect(row(page, bob)).to_contain_text("500")
    front = [sys.executable, "-m", "leaderboard", "front", "--port", str(system.ports["front"])]
    system.start("front", argv=front)
    await expect(connection).to_contain_text("live", timeout=60_000)
    await expect(row(page, ann)).to_contain_text("1,000")
    await expect(row(page, bob)).to_contain_text("950")
    assert [await rank(row(page, each)) for each in (ann, bob)] == ["1", "2"]
    await assert_marked(page)


async def submit_to(url: str, player: str, score: int, mode: str) -> None:
    body = {"user_id": player, "score": score, "game_mode": mode}
    async with aiohttp.ClientSession() as client, client.post(f"{url}/api/leaderboard/submit", json=body) as answer:
        assert answer.status == 200, await answer.text()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shown", PAGES)
async def test_every_page_is_accessible_and_is_pictured(
    browser: Chromium, shown: str, size: str, theme: Literal["dark", "light"]
) -> None:
    tab = await browser.open(PAGES[shown], color_scheme=theme, reduced_motion="reduce", **SIZES[size])
    page = tab.page
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await page.wait_for_load_state("networkidle")
    found: dict[str, Any] = (await Axe().run(page)).response
    serious = [(each["id"], each["nodes"][0]["html"]) for each in found["violations"] if each["impact"] in SERIOUS]
    assert serious == []
    assert tab.complaints == []
    assert await page.evaluate(BEYOND_THE_EDGE) == []
    await picture(page, f"{shown}-{size}-{theme}")


async def picture(page: Page, called: str) -> None:
    """Where LEADERBOARD_SCREENSHOTS says so."""
    folder = os.environ.get("LEADERBOARD_SCREENSHOTS")
    if folder:
        await page.screenshot(path=Path(folder) / f"{called}.png")
