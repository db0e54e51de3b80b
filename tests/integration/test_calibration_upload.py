"""Files of the register in pieces: through a real gateway and broker, into a real database; and as a command."""

import asyncio
import hashlib
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung import Lab
from kleinmaelzung_services.calibration.certificates import store
from kleinmaelzung_services.calibration.log.log import Log
from kleinmaelzung_services.calibration.register import uploads
from kleinmaelzung_services.calibration.register.uploads import Piece, Uploads
from kleinmaelzung_services.requests import RequestRefused
from kleinmaelzung_wire.register import MAX_FILE, MAX_PIECE
from tests import laboratories
from tests.brokers import PASSWORD, TestBroker
from tests.databases import query
from tests.laboratories import Laboratory, refused
from tests.terminals import Terminal
from tests.unit.services.calibration_register.entered import changed

SCAN = b"%PDF-1.7 " + random.Random(1).randbytes(3 * 2**20)
SMALL = SCAN[: 2 * MAX_PIECE + 5]
HOUR = 3_600_000_000
NOW = 1_790_000_000_000_000


@pytest.fixture
async def laboratory(broker: TestBroker, gateway_url: str, dsn: str) -> AsyncIterator[Laboratory]:
    async with laboratories.open_laboratory(broker, gateway_url, dsn) as made:
        yield made


@pytest.fixture
async def taking(dsn: str) -> Uploads:
    """In a database, without a service."""
    await store.tables(dsn).prepare()
    return Uploads(store.tables(dsn))


def piece(content: bytes, offset: int = 0, length: int = MAX_PIECE, **more: Any) -> Piece:
    own = {"sha256": hashlib.sha256(content).digest(), "total": len(content), **more}
    return Piece(offset=offset, content=content[offset : offset + length], **own)


def numbered(number: int) -> bytes:
    return number.to_bytes() * 10


async def unfinished(dsn: str) -> list[tuple[str, int]]:
    rows = await query(dsn, "SELECT username, sum(length(content))::int FROM calibration_uploads GROUP BY 1 ORDER BY 1")
    return [(user, length) for user, length in rows]


async def test_a_scan_of_3_mb_is_kept_and_read_again(laboratory: Laboratory) -> None:
    async with laboratory.lab("carla") as carla:
        told = list[tuple[int, int]]()
        content = changed("standard")
        entry = await carla.register.put("standard", "WS", content, file=SCAN, progress=lambda *one: told.append(one))
        assert entry.sha256 == hashlib.sha256(SCAN).hexdigest()
        assert told[-1] == (len(SCAN), len(SCAN))
        assert [have for have, _ in told] == sorted({have for have, _ in told})
        assert await carla.register.file(entry.sha256) == SCAN
        assert await unfinished(laboratory.dsn) == []
        shown = await carla.register.show("standard", "WS")
        assert shown[1][0].file == entry.sha256


async def test_the_command_sends_a_scan_and_names_it(laboratory: Laboratory, tmp_path: Path) -> None:
    terminal = Terminal(laboratory.url, PASSWORD, tmp_path)
    terminal.environment["KLEINMAELZUNG_USER"] = "carla"
    (tmp_path / "standard.json").write_text(json.dumps(changed("standard")))
    (tmp_path / "scan.pdf").write_bytes(SCAN)
    more = ["--from", tmp_path / "standard.json", "--certificate", tmp_path / "scan.pdf", "--json"]
    code, out, err = await terminal.run("calibration", "standard", "add", "WS", *map(str, more))
    assert (code, err) == (0, "")  # how far it is, is for a terminal
    assert json.loads(out)["sha256"] == hashlib.sha256(SCAN).hexdigest()


async def test_who_may_not_change_the_register_sends_nothing(laboratory: Laboratory) -> None:
    async with laboratory.lab("vera") as vera:
        with refused("not-permitted", "vera is observer: files of the register are sent by one who is calibrator"):
            await vera.register.upload(SMALL)
    assert await unfinished(laboratory.dsn) == []


@pytest.mark.parametrize(
    ("wrong", "code", "sentence"),
    [
        ({"total": MAX_FILE + 1}, "limit", "16.0 MiB, 16 MiB are kept at most"),
        ({"total": 0}, "bad-message", "total is 0"),
        ({"content": bytes(MAX_PIECE + 1)}, "bad-message", "a piece has up to 65536"),
        ({"content": bytes(90), "offset": 20}, "bad-message", "ends at byte 110, behind the file's end: total is 100"),
        ({"offset": 101}, "bad-message", "offset is 101"),
        ({"sha256": "00"}, "bad-message", "sha256 '00' is none"),
        ({"content": "text"}, "bad-message", "content"),
    ],
)
async def test_a_piece_that_is_none_is_refused(
    laboratory: Laboratory, wrong: dict[str, Any], code: str, sentence: str
) -> None:
    question = {"sha256": "0" * 64, "total": 100, "offset": 0, "content": b"", "instrument": "+/+", **wrong}
    async with laboratory.lab("carla") as carla:
        with refused(code, sentence):
            await carla.request("calibration", "register-upload", **question)


async def test_what_was_interrupted_goes_on_where_it_was(laboratory: Laboratory) -> None:
    sha256 = hashlib.sha256(SMALL).hexdigest()
    about: dict[str, Any] = {"sha256": sha256, "total": len(SMALL), "instrument": "+/+"}

    async def send(lab: Lab, offset: int, content: bytes) -> int:
        answer = await lab.request("calibration", "register-upload", **about, offset=offset, content=content)
        assert answer["total"] == len(SMALL)
        return int(answer["have"])

    async with laboratory.lab("carla") as carla:
        assert await send(carla, 0, SMALL[:100]) == 100
        assert await send(carla, 0, SMALL[:100]) == 100  # again
        assert await send(carla, 200, SMALL[200:300]) == 100  # with a hole
    async with laboratory.lab("carla") as carla:
        told = list[int]()
        await carla.register.upload(SMALL, progress=lambda have, _: told.append(have))
        assert told == [100, 100 + MAX_PIECE, len(SMALL)]
        assert await carla.register.file(sha256) == SMALL
        assert await send(carla, 0, SMALL[:100]) == len(SMALL)  # it is kept
    assert await unfinished(laboratory.dsn) == []


async def test_what_has_another_hash_is_not_kept_and_may_be_sent_anew(taking: Uploads, dsn: str) -> None:
    sha256 = hashlib.sha256(SMALL).digest()
    damaged = b"x" + SMALL[1:]
    for offset in (0, MAX_PIECE):
        await taking.take("carla", piece(damaged, offset, sha256=sha256), NOW)
    with pytest.raises(RequestRefused, match="has not the SHA-256") as caught:
        await taking.take("carla", piece(damaged, 2 * MAX_PIECE, sha256=sha256), NOW)
    assert caught.value.code == "bad-message"
    assert await unfinished(dsn) == []
    assert not await taking.is_kept(sha256.hex())
    for offset in (0, MAX_PIECE, 2 * MAX_PIECE):
        have = await taking.take("carla", piece(SMALL, offset), NOW)
    assert have == len(SMALL)
    assert await Log(dsn).file(sha256.hex()) == SMALL


async def test_each_user_has_uploads_of_their_own(taking: Uploads, dsn: str) -> None:
    assert await taking.take("carla", piece(SMALL), NOW) == MAX_PIECE
    assert await taking.take("anna", piece(SMALL, MAX_PIECE), NOW) == 0
    assert await taking.take("anna", piece(SMALL, 0, 7), NOW) == 7
    assert await unfinished(dsn) == [("anna", 7), ("carla", MAX_PIECE)]
    for offset in (MAX_PIECE, 2 * MAX_PIECE):
        have = await taking.take("carla", piece(SMALL, offset), NOW)
    assert have == len(SMALL)
    assert await taking.take("anna", piece(SMALL, 7, 7), NOW) == len(SMALL)  # the other's is there, whole
    assert await unfinished(dsn) == []


async def test_a_file_of_another_length_begins_anew(taking: Uploads) -> None:
    assert await taking.take("carla", piece(SMALL, total=len(SMALL) + 1), NOW) == MAX_PIECE
    assert await taking.take("carla", piece(SMALL), NOW) == MAX_PIECE
    for offset in (MAX_PIECE, 2 * MAX_PIECE):
        have = await taking.take("carla", piece(SMALL, offset), NOW)
    assert have == len(SMALL)


async def test_what_rests_for_a_day_or_is_followed_by_others_goes(taking: Uploads, dsn: str) -> None:
    for number in range(uploads.UNFINISHED + 1):
        await taking.take("carla", piece(numbered(number), 0, 5), NOW + number)
    assert await unfinished(dsn) == [("carla", 5 * uploads.UNFINISHED)]
    assert await taking.take("carla", piece(numbered(0), 0, 0), NOW) == 0
    assert await taking.take("carla", piece(numbered(1), 0, 0), NOW) == 5
    await taking.take("carla", piece(numbered(1), 5, 1), NOW + 2 * HOUR)
    await taking.take("anna", piece(SMALL, 0, 3), NOW + 25 * HOUR)
    assert await unfinished(dsn) == [("anna", 3), ("carla", 6)]
    # A clock that was set back does not make the newest the one that goes.
    for number in range(10, 11 + uploads.UNFINISHED):
        assert await taking.take("carla", piece(numbered(number), 0, 5), NOW + HOUR - number) == 5


async def test_of_the_same_piece_sent_at_once_one_is_taken(taking: Uploads, dsn: str) -> None:
    assert await asyncio.gather(*(taking.take("carla", piece(SMALL), NOW) for _ in range(4))) == [MAX_PIECE] * 4
    assert await unfinished(dsn) == [("carla", MAX_PIECE)]
