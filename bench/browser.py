"""Pages of the web app in a real Chromium: when a row shows a value, and how evenly frames come."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Browser, Page, ViewportSize, async_playwright

from bench.errors import BenchFailed
from leaderboard.web import BUILT, INDEX

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
SIZE: ViewportSize = {"width": 1440, "height": 900}
WITHIN = 30_000
"""Milliseconds for anything that a page is waited for."""
FLOOR = Path(__file__).parent / "floor.html"
LISTEN = """
const Socket = window.WebSocket;
window.heard = [];
window.WebSocket = class extends Socket {
    constructor(...given) {
        super(...given);
        this.addEventListener("message", ({ data }) => {
            window.heard.push([performance.timeOrigin + performance.now(), data]);
            window.heard.splice(0, window.heard.length - 50);
        });
    }
};
"""
"""Keeps when the last messages came, and what they were."""
HEARD = """([player, value]) => window.heard.find(([, text]) => text.includes(`["${player}",${value},`))?.[0] ?? null"""
ANSWERED = """() => {
    const found = performance.getEntriesByType("resource").findLast(each => each.name.endsWith("/submit"));
    if (!found?.responseEnd) return false;
    performance.clearResourceTimings();
    return performance.timeOrigin + found.responseEnd;
}"""
"""When the last submission was answered; false while it is not."""
VALUE = """player => {
    const row = document.querySelector(`tr[data-player="${player}"]`);
    return row === null ? null : Number(row.lastElementChild.textContent.replace(/[^0-9-]/g, ""));
}"""
SIGHT = f"""([player, value, within]) => new Promise((resolve, reject) => {{
    const shown = {VALUE};
    const done = () => requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()));
    if (shown(player) === value) return done();
    const observer = new MutationObserver(() => {{
        if (shown(player) !== value) return;
        observer.disconnect();
        done();
    }});
    observer.observe(document.body, {{ subtree: true, childList: true, characterData: true }});
    setTimeout(() => reject(new Error(`${{player}} was not seen with ${{value}}`)), within);
}})"""
"""When the page goes on after it has changed the row, in ms since 1970: the frame that shows it is drawn
now, or has just been. From then on the row has its value, and moves to its place for a quarter of a second."""
SUBMIT = """form => {
    const at = performance.timeOrigin + performance.now();
    form.requestSubmit();
    return at;
}"""
FRAMES = """milliseconds => new Promise(resolve => {
    const gaps = [];
    let last = performance.now();
    const end = last + milliseconds;
    const frame = now => {
        gaps.push(now - last);
        last = now;
        if (now < end) requestAnimationFrame(frame);
        else resolve(gaps);
    };
    requestAnimationFrame(frame);
})"""


@dataclass(frozen=True)
class Watched:
    """A page that shows a board."""

    page: Page

    async def value(self, player: str) -> int | None:
        """What the row of a player shows; None without a row."""
        found: int | None = await self.page.evaluate(VALUE, player)
        return found

    async def sight(self, player: str, value: int) -> float:
        """When the row of a player is first drawn with a value, in ms since 1970."""
        at: float = await self.page.evaluate(SIGHT, [player, value, WITHIN])
        return at

    async def heard(self, player: str, value: int) -> float | None:
        """When a message told of this, in ms since 1970; None: none has lately."""
        at: float | None = await self.page.evaluate(HEARD, [player, value])
        return at

    async def answered(self) -> float:
        """When the last submission of this page was answered, in ms since 1970."""
        found = await self.page.wait_for_function(ANSWERED, timeout=WITHIN)
        at: float = await found.json_value()
        return at

    async def close(self) -> None:
        """With all that it keeps."""
        await self.page.context.close()

    async def frames(self, seconds: float) -> list[float]:
        """The milliseconds between frames, for so long."""
        gaps: list[float] = await self.page.evaluate(FRAMES, seconds * 1_000)
        return gaps[1:]

    async def submit(self, player: str, score: int) -> float:
        """Send a score by the page's form; when that was, in ms since 1970."""
        form = self.page.locator("form", has=self.page.get_by_label("Play as"))
        await form.get_by_label("Play as").fill(player)
        await form.get_by_label("Score", exact=True).fill(str(score))
        at: float = await form.evaluate(SUBMIT)
        return at


@dataclass(frozen=True)
class Chromium:
    """A running browser."""

    browser: Browser
    url: str

    async def watch(self, board: str, player: str) -> Watched:
        """A page of a browser profile of its own, once it shows this player's row on a board."""
        page = await self._page()
        await page.goto(f"/?board={board}")
        await page.locator(f'tr[data-player="{player}"]').wait_for()
        await page.locator("header").get_by_text("live").first.wait_for()
        return Watched(page)

    async def bare(self) -> Watched:
        """A page with nothing but a table of a hundred rows, all of which change as often as a board's may."""
        page = await self._page()
        await page.goto(FLOOR.as_uri())
        return Watched(page)

    async def _page(self) -> Page:
        context = await self.browser.new_context(base_url=self.url, viewport=SIZE)
        context.set_default_timeout(WITHIN)
        await context.add_init_script(LISTEN)
        return await context.new_page()


@asynccontextmanager
async def chromium(url: str) -> AsyncIterator[Chromium]:
    """A browser for pages of an origin. Raises BenchFailed without one, or without a built app."""
    program = next((path for each in PROGRAMS if (path := shutil.which(each))), None)
    if program is None:
        raise BenchFailed("no chromium is installed: apt-get install chromium")
    if not (BUILT / INDEX).exists():
        raise BenchFailed("the web app is not built: ./quickstart.sh --setup-only")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield Chromium(browser, url)
        finally:
            await browser.close()
