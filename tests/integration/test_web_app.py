"""The front process serves the built app: pages, files, caching, compression, and what it must not hide."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import cramjam
import pytest
from multidict import CIMultiDictProxy

from tests.e2e.test_thread import get, name, submit
from tests.servers import Servers
from tests.stack import System, running

PAGE = b"<!doctype html><title>Leaderboard</title>" + b"<p>a page</p>" * 100
SCRIPT = b"export const app = 1;\n" * 200
FONT = b"wOF2" + bytes(range(256)) * 8


@pytest.fixture(scope="module")
def system(servers: Servers, logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    built = tmp_path_factory.mktemp("dist")
    (built / "assets").mkdir()
    (built / "index.html").write_bytes(PAGE)
    (built / "theme.js").write_bytes(b"1")
    (built / "assets" / "index-1a2b.js").write_bytes(SCRIPT)
    (built / "assets" / "font-3c4d.woff2").write_bytes(FONT)
    with running(servers, logs, LEADERBOARD_WEB=str(built)) as started:
        yield started


async def fetch(
    system: System, path: str, method: str = "GET", **headers: str
) -> tuple[int, CIMultiDictProxy[str], bytes]:
    async with (
        aiohttp.ClientSession(auto_decompress=False) as client,
        client.request(
            method, f"{system.queries}{path}", headers={"Accept-Encoding": "identity"} | headers, allow_redirects=False
        ) as answer,
    ):
        return answer.status, answer.headers, await answer.read()


@pytest.mark.parametrize("path", ["/", "/operator", "/players/ann", "/players/ann.b:1", "/?board=classic"])
async def test_every_address_of_the_router_gets_the_page(system: System, path: str) -> None:
    status, headers, body = await fetch(system, path)
    assert (status, body) == (200, PAGE)
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache"
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_an_unknown_address_gets_the_page_that_says_so_and_unknown_files_a_404(system: System) -> None:
    status, _, body = await fetch(system, "/nothing/here")
    assert (status, body) == (404, PAGE)
    for path in ("/assets/index-0000.js", "/assets/", "/assets/..%2findex.html", "/assets/..%2f..%2f..%2fetc%2fpasswd"):
        status, _, body = await fetch(system, path)
        assert (status, body) == (404, b"There is no such file.")


async def test_hashed_files_are_kept_for_ever_and_others_are_asked_about(system: System) -> None:
    status, headers, body = await fetch(system, "/assets/index-1a2b.js")
    assert (status, body, headers["Content-Type"]) == (200, SCRIPT, "text/javascript; charset=utf-8")
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    _, headers, _ = await fetch(system, "/theme.js")
    assert headers["Cache-Control"] == "no-cache"
    status, _, body = await fetch(system, "/theme.js", **{"If-None-Match": headers["ETag"]})
    assert (status, body) == (304, b"")
    status, headers, body = await fetch(system, "/assets/index-1a2b.js", method="HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(SCRIPT)))


async def test_texts_are_compressed_as_the_client_takes_it_and_fonts_are_not(system: System) -> None:
    path = "/assets/index-1a2b.js"
    _, headers, body = await fetch(system, path, **{"Accept-Encoding": "gzip, deflate, br"})
    assert (headers["Content-Encoding"], bytes(cramjam.brotli.decompress(body))) == ("br", SCRIPT)
    _, headers, body = await fetch(system, path, **{"Accept-Encoding": "gzip, br;q=0"})
    assert (headers["Content-Encoding"], gzip.decompress(body), headers["Vary"]) == ("gzip", SCRIPT, "Accept-Encoding")
    _, headers, body = await fetch(system, "/assets/font-3c4d.woff2", **{"Accept-Encoding": "gzip, br"})
    assert (headers.get("Content-Encoding"), body, headers["Content-Type"]) == (None, FONT, "font/woff2")


async def test_the_services_answer_as_before(system: System) -> None:
    ann = name()
    assert (await submit(system, ann, 5))[0] == 200
    assert (await get(system, f"/api/leaderboard/rank/{ann}"))[0] == 200
    status, problem = await get(system, "/api/v1/nothing")
    assert (status, problem["type"]) == (404, "urn:leaderboard:problem:not-found")
    status, headers, _ = await fetch(system, "/api/leaderboard/top", method="DELETE")
    assert (status, headers["Content-Type"]) == (405, "application/problem+json")
    assert (await fetch(system, "/", method="POST"))[0] == 404
    assert (await fetch(system, "/ws/nothing"))[0] == 404
    assert (await fetch(system, "/openapi.json"))[0] == 200


async def test_without_a_build_the_root_says_how_to_make_one(servers: Servers, logs: Path, tmp_path: Path) -> None:
    with running(servers, logs, LEADERBOARD_WEB=str(tmp_path / "nothing")) as bare:
        status, headers, body = await fetch(bare, "/")
        assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
        assert b"npm run build" in body
        assert (await fetch(bare, "/operator"))[0] == 404
