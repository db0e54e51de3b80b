"""The built page's files: what a browser may keep, what it asks for again, what comes packed."""

import gzip
import http
from pathlib import Path

import pytest
from websockets.datastructures import Headers

from kleinmaelzung_gateway import page_files

SCRIPT = "const words = 'the same again and again';\n" * 100
INDEX = '<!doctype html><html lang="en" data-public-view="no">'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / "icon.svg").write_text("<svg/>")
    (tmp_path / ".built-from").write_text("0123")
    (tmp_path / "assets" / "index-Ab_1.js").write_text(SCRIPT)
    (tmp_path / "assets" / "font-Cd_2.woff2").write_bytes(bytes(range(64)))
    return tmp_path


def read(folder: Path, *, is_public: bool = False) -> page_files.Files:
    return page_files.read(folder, is_public=is_public)


def asked(**headers: str) -> Headers:
    return Headers({name.replace("_", "-"): value for name, value in headers.items()})


def test_what_the_folder_holds_is_served_by_its_path_and_nothing_else(folder: Path) -> None:
    paths = {"/", "/index.html", "/icon.svg", "/assets/index-Ab_1.js", "/assets/font-Cd_2.woff2"}
    assert read(folder).keys() == paths


def test_a_folder_without_an_index_is_no_page(folder: Path) -> None:
    (folder / "index.html").unlink()
    assert read(folder) == {}
    assert read(folder / "nowhere") == {}


@pytest.mark.parametrize(
    ("path", "content_type", "kept"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/icon.svg", "image/svg+xml", "no-cache"),
        ("/assets/index-Ab_1.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/assets/font-Cd_2.woff2", "font/woff2", "public, max-age=31536000, immutable"),
    ],
)
def test_a_browser_keeps_what_has_a_hash_in_its_name(folder: Path, path: str, content_type: str, kept: str) -> None:
    status, _, headers = read(folder)[path].answer(asked())
    assert status == http.HTTPStatus.OK
    assert (headers["Content-Type"], headers["Cache-Control"]) == (content_type, kept)


@pytest.mark.parametrize("known", ["{etag}", '"other", {etag}', "*", "{strong}"])
def test_what_the_browser_has_already_is_not_sent_again(folder: Path, known: str) -> None:
    file = read(folder)["/"]
    known = known.format(etag=file.etag, strong=file.etag.removeprefix("W/"))
    status, body, headers = file.answer(asked(If_None_Match=known))
    assert (status, body) == (http.HTTPStatus.NOT_MODIFIED, b"")
    assert headers["ETag"] == file.etag


def test_another_content_is_sent(folder: Path) -> None:
    before = read(folder)["/"].etag
    (folder / "index.html").write_text(INDEX + "<p>New")
    status, body, _ = read(folder)["/"].answer(asked(If_None_Match=before))
    assert (status, body) == (http.HTTPStatus.OK, (INDEX + "<p>New").encode())


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP", "deflate, gzip;q=0.5", "gzip ; q=1.0"])
def test_who_reads_gzip_gets_less(folder: Path, accepted: str) -> None:
    _, body, headers = read(folder)["/assets/index-Ab_1.js"].answer(asked(Accept_Encoding=accepted))
    assert headers["Content-Encoding"] == "gzip"
    assert headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(body).decode() == SCRIPT
    assert len(body) < len(SCRIPT) / 10


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip;q=0.000", "x-gzip-2"])
def test_who_does_not_read_gzip_gets_it_plain(folder: Path, accepted: str) -> None:
    _, body, headers = read(folder)["/assets/index-Ab_1.js"].answer(asked(Accept_Encoding=accepted))
    assert body.decode() == SCRIPT
    assert "Content-Encoding" not in headers


def test_what_gzip_does_not_shrink_is_sent_as_it_is(folder: Path) -> None:
    _, body, headers = read(folder)["/assets/font-Cd_2.woff2"].answer(asked(Accept_Encoding="gzip"))
    assert body == bytes(range(64))
    assert "Content-Encoding" not in headers


def test_the_page_is_told_whether_there_is_a_public_view(folder: Path) -> None:
    public, private = (read(folder, is_public=is_public)["/"] for is_public in (True, False))
    assert b'data-public-view="yes"' in public.content
    assert b'data-public-view="no"' in private.content
    assert public.etag != private.etag
