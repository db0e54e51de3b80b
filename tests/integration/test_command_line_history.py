"""`kleinmaelzung history`: files, zips and what may go wrong, against a history service that is a function here."""

import asyncio
import hashlib
import json
import os
import pty
import signal
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_wire import messages, sockets
from kleinmaelzung_wire.requests import Answer
from tests.fakes_client_gateway import NOW_US, FakeGateway
from tests.integration.test_command_line_completeness import logged
from tests.terminals import Terminal
from tests.waiting import until

BALANCE, PH = "pi-1/balance", "pi-2/ph"
GAP = {"since": NOW_US, "until": None, "first": None, "last": None, "reason": "port lost", "detail": ""}


class HistoryService:
    """Answers `export` by the pieces it was given for an instrument; also stands in for the logger's completeness."""

    def __init__(self, pieces: dict[str, list[bytes]]) -> None:
        self.pieces = pieces
        self.asked: list[dict[str, Any]] = []
        self.lost = 0  # so many answers to history-next come to nothing
        self.endless = False

    def answer(self, service: str, body: dict[str, Any], options: dict[str, Any]) -> Answer:
        self.asked.append(body)
        match service, body["request"]:
            case "logger", "completeness":
                return Answer(ok=True, content={"instruments": [logged(BALANCE), logged(PH)], "more": False})
            case "history", "export" if body["instrument"] not in self.pieces:
                return Answer(ok=False, code=sockets.UNKNOWN, sentence=f"nothing of {body['instrument']} was logged")
            case "history", "export":
                return Answer(ok=True, content=self._head(body) | self._piece(body["instrument"], 0))
            case "history", "history-next" if self.lost:
                self.lost -= 1
                return Answer(ok=False, code=sockets.BUSY, sentence="the service has too much to do, ask again later")
            case "history", "history-next":
                return Answer(ok=True, content=self._piece(body["stream"], body["number"]))
            case "history", "history-end":
                return Answer(ok=True, content={})
        return Answer(ok=False, code=sockets.UNKNOWN, sentence="not asked for in this test")

    def _head(self, body: dict[str, Any]) -> dict[str, Any]:
        instrument = body["instrument"]
        channels = [{"name": "mass", "unit": "g", "type": "number"}]
        told = {
            "kind": "file",
            "rows": "samples",
            "width_us": None,
            "channels": channels,
            "gaps": [GAP],
            "more_gaps": 0,
        }
        about = {"instrument": instrument, "from": body["from"] or NOW_US, "to": body["to"] or NOW_US + 9, **told}
        is_stream = len(self.pieces[instrument]) > 1 or self.endless
        return {"stream": instrument if is_stream else None, "expected": 4, **about}

    def _piece(self, stream: str, number: int) -> dict[str, Any]:
        pieces = self.pieces[stream]
        return {
            "piece": pieces[number % len(pieces)],
            "more": self.endless or number + 1 < len(pieces),
            "done": number + 1,
        }

    def requests(self, name: str) -> list[dict[str, Any]]:
        return [body for body in self.asked if body["request"] == name]


@pytest.fixture
def service(fake_gateway: FakeGateway) -> HistoryService:
    status = messages.ServiceStatus(role="history", online=True, healthy=True)
    fake_gateway.retained["_service/history/status"] = status.encode()
    found = HistoryService({BALANCE: [b"time,mass [g]\r\n", b"1,2\r\n", b"3,4\r\n"], PH: [b"time,ph\r\n"]})
    fake_gateway.answer = found.answer
    return found


async def test_one_instrument_goes_to_the_output_byte_for_byte(service: HistoryService, terminal: Terminal) -> None:
    process = await terminal.start("history", BALANCE, "--from", "2026-11-22T08:00:00+01:00", "--to", "2026-11-23")
    assert await process.communicate() == (b"time,mass [g]\r\n1,2\r\n3,4\r\n", b"")
    (asked,) = service.requests("export")
    assert asked.pop("stream")
    assert asked == {
        "request": "export",
        "instrument": BALANCE,
        "from": 1_795_330_800_000_000,
        "to": 1_795_392_000_000_000,
        "channels": None,
        "points": None,
        "format": "csv",
    }
    assert service.requests("history-end") == [{"request": "history-end", "stream": BALANCE}]


async def test_a_file_is_summed_up(service: HistoryService, terminal: Terminal, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    service.lost = 2
    found = await terminal.json("history", BALANCE, "--channels", "mass,state", "--points", "50", "-o", str(target))
    content = b"time,mass [g]\r\n1,2\r\n3,4\r\n"
    assert target.read_bytes() == content
    (file,) = found["files"]
    assert (found["output"], found["format"]) == (str(target), "parquet")
    assert (file["name"], file["bytes"], file["sha256"]) == (
        "out.parquet",
        len(content),
        hashlib.sha256(content).hexdigest(),
    )
    assert (file["gaps"], file["channels"][0]["unit"]) == ([GAP], "g")
    (asked,) = service.requests("export")
    assert (asked["channels"], asked["points"], asked["format"]) == (["mass", "state"], 50, "parquet")
    assert list(tmp_path.glob("*.part")) == []


async def test_people_are_told_of_gaps(service: HistoryService, terminal: Terminal, tmp_path: Path) -> None:
    code, out, err = await terminal.run("history", BALANCE, "-o", str(tmp_path / "a.csv"))
    assert (code, err) == (0, "")
    assert out == f"{tmp_path}/a.csv: pi-1/balance, 25 B\n    pi-1/balance: 1 gap, named in the file\n"


async def test_several_instruments_go_into_a_zip(service: HistoryService, terminal: Terminal, tmp_path: Path) -> None:
    target = tmp_path / "all.zip"
    found = await terminal.json("history", "+/+", "--from", "7d", "--format", "json", "-o", str(target))
    with zipfile.ZipFile(target) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == ["pi-1/balance.jsonl", "pi-2/ph.jsonl", "manifest.json"]
        manifest = json.loads(packed.read("manifest.json"))
        for file in manifest["files"]:
            content = packed.read(file["name"])
            assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
            assert file["completeness"]["percent"] == 100
            assert file["gaps"] == [GAP]
    assert manifest["files"] == found["files"]
    first, second = service.requests("export")
    assert (first["from"], first["to"], second["to"]) == (second["from"], None, NOW_US + 9), "one end for all"
    assert manifest["software"].startswith("kleinmaelzung ")


async def test_an_instrument_that_is_not_known_leaves_no_file(
    service: HistoryService, terminal: Terminal, tmp_path: Path
) -> None:
    target = tmp_path / "all.zip"
    target.write_bytes(b"from yesterday")
    code, out, err = await terminal.run("history", BALANCE, "pi-1/other", "-o", str(target))
    assert (code, out, err) == (1, "", "kleinmaelzung: nothing of pi-1/other was logged\n")
    assert target.read_bytes() == b"from yesterday"
    assert list(tmp_path.glob("*.part")) == []


async def test_without_a_history_service_it_is_told(terminal: Terminal) -> None:
    code, out, err = await terminal.run("history", BALANCE)
    assert (code, out) == (1, "")
    assert err == "kleinmaelzung: there is no history service at the moment: start kleinmaelzung-history\n"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ([BALANCE, "--from", "1h", "--to", "2h"], "--from is not earlier than --to"),
        ([BALANCE, "--from", "2026-11-22 08:00"], "has no offset from UTC: write 2026-11-22T08:00:00+00:00"),
        ([BALANCE, "--to", "2026-11-23Z"], "'2026-11-23Z' is no time, expected one like 2026-11-22T08:00:00+01:00"),
        ([BALANCE, "--from", "1526-01-01T00:00Z"], "expected one from 2001 to 2286"),
        ([BALANCE, "--points", "0"], "'0' is no number of points, expected 1 to 1000000000"),
        ([BALANCE, "--points", "10000000000"], "is no number of points"),
        ([BALANCE, "--channels", "mass,'; DROP TABLE samples"], "DROP TABLE"),
        ([BALANCE, "--format", "xlsx"], "invalid choice: 'xlsx'"),
        ([BALANCE, PH], "several instruments go into one zip, a file each: -o FILE.zip"),
        (["pi-1/+", "-o", "a.csv"], "several instruments go into one zip"),
        (["balance"], "'balance'"),
        (["../etc/passwd"], "'..'"),
        ([BALANCE, "--json"], "the history itself must go elsewhere: -o FILE"),
    ],
)
async def test_what_is_typed_wrong_is_told_and_nothing_is_asked(
    service: HistoryService, terminal: Terminal, typed: list[str], sentence: str
) -> None:
    code, out, err = await terminal.run("history", *typed)
    assert (code, out) == (2, "")
    assert sentence in err
    assert service.asked == []


@pytest.mark.parametrize("place", ["nowhere/a.csv", "."])
async def test_a_place_that_cannot_be_written_is_told_before_anything_is_asked(
    service: HistoryService, terminal: Terminal, tmp_path: Path, place: str
) -> None:
    code, _, err = await terminal.run("history", BALANCE, "-o", str(tmp_path / place))
    assert code == 1
    assert ("cannot be written" in err) or ("is a folder" in err)
    assert service.asked == []


async def test_ctrl_c_ends_the_query_and_leaves_no_file(
    service: HistoryService, terminal: Terminal, tmp_path: Path
) -> None:
    service.endless = True
    process = await terminal.start("history", BALANCE, "-o", str(tmp_path / "a.csv"))
    await until(lambda: len(service.requests("history-next")) > 5, "some pieces were asked for")
    assert (tmp_path / "a.csv.part").exists()
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        await process.communicate()
    assert process.returncode == 1
    assert service.requests("history-end") == [{"request": "history-end", "stream": BALANCE}]
    assert list(tmp_path.glob("a.csv*")) == []


async def test_a_closed_pipe_ends_the_query_too(service: HistoryService, terminal: Terminal) -> None:
    service.endless = True
    process = await terminal.start("history", BALANCE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"time,mass [g]\r\n"
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
    async with asyncio.timeout(20):
        assert await process.wait() == 0
    assert len(service.requests("history-end")) == 1


async def test_a_terminal_shows_how_far_it_is(service: HistoryService, terminal: Terminal, tmp_path: Path) -> None:
    service.endless = True
    screen, end = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kleinmaelzung", "history", BALANCE, "-o", str(tmp_path / "a.csv")),
        env=terminal.environment,
        stderr=end,
    )
    os.close(end)
    seen = bytearray()
    loop = asyncio.get_running_loop()
    loop.add_reader(screen, lambda: seen.extend(os.read(screen, 1000)))
    try:
        await until(lambda: b"100 %" in seen, "the progress was shown")
    finally:
        loop.remove_reader(screen)
        process.send_signal(signal.SIGINT)
        await process.wait()
        os.close(screen)
    assert b"\rpi-1/balance" in seen
    assert b"/s" in seen
