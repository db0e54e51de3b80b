import hashlib
import io
import json
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kleinmaelzung import archive
from kleinmaelzung.archive import Entry
from kleinmaelzung_wire.codec import WireError

MADE = datetime(2026, 11, 22, 8, 30, 2, tzinfo=UTC)
GAP = {"since": 5, "until": None, "reason": "port lost", "detail": ""}


def test_what_was_written_is_in_the_zip_and_in_its_manifest() -> None:
    file = io.BytesIO()
    with archive.opened(file, "1.2.3", MADE) as packing:
        for instrument, pieces in (("pi-1/balance", [b"time,mass [g]\r\n", b"1,2\r\n"]), ("pi-2/ph", [])):
            entry = Entry(name=archive.file_name(instrument, "csv"), instrument=instrument, about={"gaps": [GAP]})
            with packing.adding(entry) as write:
                for piece in pieces:
                    write(piece)
            entry.about["completeness"] = {"percent": 99.5}  # known afterwards
    with zipfile.ZipFile(file) as found:
        assert found.testzip() is None
        assert found.namelist() == ["pi-1/balance.csv", "pi-2/ph.csv", "manifest.json"]
        assert found.read("pi-1/balance.csv") == b"time,mass [g]\r\n1,2\r\n"
        assert [one.date_time for one in found.infolist()] == [(2026, 11, 22, 8, 30, 2)] * 3
        manifest = json.loads(found.read("manifest.json"))
    assert (manifest["software"], manifest["made"]) == ("kleinmaelzung 1.2.3", "2026-11-22T08:30:02+00:00")
    assert manifest["files"] == [
        {
            "instrument": "pi-1/balance",
            "name": "pi-1/balance.csv",
            "bytes": 20,
            "sha256": hashlib.sha256(b"time,mass [g]\r\n1,2\r\n").hexdigest(),
            "gaps": [GAP],
            "completeness": {"percent": 99.5},
        },
        {
            "instrument": "pi-2/ph",
            "name": "pi-2/ph.csv",
            "bytes": 0,
            "sha256": hashlib.sha256(b"").hexdigest(),
            "gaps": [GAP],
            "completeness": {"percent": 99.5},
        },
    ]


@pytest.mark.parametrize(
    "instrument", ["../etc/passwd", "pi-1/..", "/balance", "pi-1/a/b", "pi-1\\x/b", "C:/b", "pi-1/+"]
)
def test_a_name_that_would_be_unpacked_elsewhere_is_refused(instrument: str) -> None:
    with pytest.raises(WireError):
        archive.file_name(instrument, "csv")


def test_a_large_file_takes_no_memory(tmp_path: Path) -> None:
    piece = bytes(range(256)) * 400
    tracemalloc.start()
    try:
        with (tmp_path / "a.zip").open("wb") as file, archive.opened(file, "1", MADE) as packing:
            with packing.adding(Entry(name="a/b.csv", instrument="a/b")) as write:
                for _ in range(1000):
                    write(piece)
            assert packing.entries[0].size == 102_400_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * 2**20


def test_an_interrupted_zip_has_no_manifest() -> None:
    file = io.BytesIO()
    entry = Entry(name="a/b.csv", instrument="a/b")

    def pack() -> None:
        with archive.opened(file, "1", MADE) as packing, packing.adding(entry) as write:
            write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack()
    assert b"manifest.json" not in file.getvalue()
