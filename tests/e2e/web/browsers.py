"""A real Chromium, and pages of it that remember what went wrong on them."""

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from leaderboard.web import BUILT, INDEX

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
DESKTOP: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 780}, "is_mobile": True, "has_touch": True}
UNRANKED = re.compile(r"/entries/[^/ ]+ .*\(Not Found\)")
"""What Chromium itself says of the answer that a player has no row yet."""
WITHIN = 20_000
"""Milliseconds that a page has to show something: the machine of a test is busy."""


def chromium() -> str:
    """The program. Skips the test where there is none, or no built app; in CI that is a failure."""
    found = next((path for each in PROGRAMS if (path := shutil.which(each))), None)
    missing = "no chromium is installed" if found is None else None
    if not (BUILT / INDEX).exists():
        missing = "the web app is not built: ./quickstart.sh --setup-only"
    if missing is not None:
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    assert found is not None
    return found


@dataclass
class Tab:
    """A page, and what its console and its scripts complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def listen(self) -> "Tab":
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return self

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not UNRANKED.search(f"{message.location['url']} {message.text}"):
            self.complaints.append(f"{message.type}: {message.text}")


@dataclass
class Chromium:
    """A running browser and the origin that its pages are of."""

    browser: Browser
    url: str

    async def open(self, path: str, **options: Any) -> Tab:
        """A page of somebody new, who has nothing stored."""
        context = await self.browser.new_context(base_url=self.url, **(DESKTOP | options))
        context.set_default_timeout(WITHIN)
        tab = Tab(await context.new_page()).listen()
        await tab.page.goto(path)
        return tab


@asynccontextmanager
async def running_chromium(url: str) -> AsyncIterator[Chromium]:
    """A browser for pages of an origin."""
    arguments = ["--no-sandbox", "--disable-dev-shm-usage"]  # a container has neither the rights nor the memory
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=arguments)
        try:
            yield Chromium(browser, url)
        finally:
            await browser.close()
