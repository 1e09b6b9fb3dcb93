"""The web app as it was built: every file kept in memory with its compressed forms, and the headers it needs."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cramjam
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

BUILT = Path(__file__).parent.parent / "web" / "dist"
"""Where `npm run build` puts it."""
INDEX = "index.html"
PAGES = re.compile(r"/(operator|players/[^/]+)?")
"""The addresses that the app's router knows (web/src/config/paths.ts)."""
HASHED = "/assets/"
"""Below it a file's name changes with its content."""
SERVICES = ("/api", "/ws")
"""What is not for the app, however unknown it is."""
MEDIA_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".map": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain",
}
"""Of our own: what a system knows of them differs."""
TEXTS = {".html", ".js", ".css", ".svg", ".json", ".webmanifest", ".txt"}
"""What is compressed. Source maps are not: only who debugs asks for them, and they are large."""
WORTH = 1.05
"""How many times smaller a compressed form has to be."""
SMALLEST = 512
"""Bytes below which nothing is compressed."""
BROTLI_LEVEL, GZIP_LEVEL = 9, 9
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
NOT_BUILT = """The web app is not built here. In the checkout, either of

  ./quickstart.sh --setup-only
  cd web && npm ci && npm run build

builds it, and a restart of this process shows it. LEADERBOARD_WEB names another folder with a built app.
The API answers all the same; it is described at /docs.
"""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the app."""

    bodies: Mapping[str, bytes]
    """Content coding → bytes; `identity` is always there."""
    media_type: str
    etag: str


def read_files(folder: Path) -> dict[str, File]:
    """Every file below a folder by its path, such as `/assets/index-1a2b.js`; none when there is no such folder."""
    return {f"/{each.relative_to(folder).as_posix()}": _read(each) for each in folder.rglob("*") if each.is_file()}


class WebApp:
    """Answers with the app where it is asked for, and hands on to `otherwise` what is for the services."""

    def __init__(self, files: Mapping[str, File], otherwise: ASGIApp) -> None:
        self._files = files
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        is_page = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if not is_page or scope["path"].startswith(SERVICES):
            await self._otherwise(scope, receive, send)
            return
        await self._answer(Request(scope))(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        path = request.url.path
        index = self._files.get(f"/{INDEX}")
        if index is None:
            return PlainTextResponse(NOT_BUILT, 200 if path == "/" else 404, HEADERS)
        if path in self._files:
            return _response(request, self._files[path], 200, immutable=path.startswith(HASHED))
        if path.startswith(HASHED):
            return PlainTextResponse("There is no such file.", 404, HEADERS)
        # The app shows the page where its router knows the address, else that there is none.
        return _response(request, index, 200 if PAGES.fullmatch(path) else 404, immutable=False)


def _response(request: Request, file: File, status: int, *, immutable: bool) -> Response:
    headers = {
        **HEADERS,
        "Cache-Control": "public, max-age=31536000, immutable" if immutable else "no-cache",
        "ETag": file.etag,
        "Vary": "Accept-Encoding",
    }
    if status == 200 and file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    coding = _coding(request.headers.get("accept-encoding", ""), file)
    if coding != "identity":
        headers["Content-Encoding"] = coding
    return Response(file.bodies[coding], status, headers, file.media_type)


def _coding(accepted: str, file: File) -> str:
    """The smallest form that a client takes."""
    taken = {
        name.strip()
        for name, _, weight in (each.partition(";") for each in accepted.split(","))
        if not _is_zero(weight)
    }
    return next((coding for coding in ("br", "gzip") if coding in taken and coding in file.bodies), "identity")


def _is_zero(weight: str) -> bool:
    return re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight) is not None


def _read(path: Path) -> File:
    content = path.read_bytes()
    forms = _forms(content) if path.suffix in TEXTS and len(content) >= SMALLEST else {"identity": content}
    media_type = MEDIA_TYPES.get(path.suffix, "application/octet-stream")
    return File(forms, media_type, f'W/"{hashlib.sha256(content).hexdigest()[:16]}"')


def _forms(content: bytes) -> dict[str, bytes]:
    """The content, and what it is compressed where that is worth it."""
    made = {
        "br": bytes(cramjam.brotli.compress(content, BROTLI_LEVEL)),
        "gzip": bytes(cramjam.gzip.compress(content, GZIP_LEVEL)),
    }
    return {"identity": content} | {coding: body for coding, body in made.items() if len(body) * WORTH < len(content)}
