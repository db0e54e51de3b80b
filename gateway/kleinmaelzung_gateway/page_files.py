"""The built page: a folder, read once at start -> what a GET of one of its files is answered.

Names under assets/ hold a hash of their content, so browsers keep those files for ever. All else they ask for each
time, and are told by an ETag when they have it already. What gets smaller by gzip is packed here, once.
"""

import gzip
import hashlib
import http
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from websockets.datastructures import Headers

BUILT: Final = Path(__file__).with_name("dashboard")  # scripts/page
NOT_BUILT: Final = "the page is not built: scripts/page"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFile:
    content: bytes
    packed: bytes | None  # by gzip, where that is smaller
    content_type: str
    etag: str
    is_lasting: bool

    def answer(self, asked: Headers) -> tuple[http.HTTPStatus, bytes, dict[str, str]]:
        """Status, body and headers for a request with these headers."""
        headers = {
            "Content-Type": self.content_type,
            "Cache-Control": _FOR_EVER if self.is_lasting else "no-cache",
            "ETag": self.etag,
            "Vary": "Accept-Encoding",
        }
        if _holds(asked, self.etag):
            return http.HTTPStatus.NOT_MODIFIED, b"", headers
        if self.packed is None or not _reads_gzip(asked):
            return http.HTTPStatus.OK, self.content, headers
        return http.HTTPStatus.OK, self.packed, headers | {"Content-Encoding": "gzip"}


Files = Mapping[str, PageFile]


def read(directory: Path, *, is_public: bool) -> Files:
    """The files of a page by the path they are asked for; none where there is no page."""
    found = [path for path in sorted(directory.rglob("*")) if path.suffix in _TYPES and path.is_file()]
    files = {f"/{path.relative_to(directory).as_posix()}": _read(path, is_public=is_public) for path in found}
    return files | {"/": files["/index.html"]} if "/index.html" in files else {}


def _read(path: Path, *, is_public: bool) -> PageFile:
    content = path.read_bytes()
    # The page learns that there is a public view without a login that fails.
    if is_public and path.suffix == ".html":
        content = content.replace(b'data-public-view="no"', b'data-public-view="yes"')
    packed = gzip.compress(content, mtime=0)
    return PageFile(
        content=content,
        packed=packed if len(packed) < len(content) else None,
        content_type=_TYPES[path.suffix],
        # Weak: packed or not, it is the same.
        etag=f'W/"{hashlib.sha256(content).hexdigest()[:32]}"',
        is_lasting=path.parent.name == "assets",
    )


def _holds(asked: Headers, etag: str) -> bool:
    known = [each.strip() for value in asked.get_all("If-None-Match") for each in value.split(",")]
    return "*" in known or etag.removeprefix("W/") in (each.removeprefix("W/") for each in known)


def _reads_gzip(asked: Headers) -> bool:
    for value in asked.get_all("Accept-Encoding"):
        for each in value.lower().split(","):
            name, _, quality = each.replace(" ", "").partition(";q=")
            if name == "gzip":
                return quality.strip("0.") != "" or not quality
    return False
