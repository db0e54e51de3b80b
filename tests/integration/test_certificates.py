"""Certificates from end to end: a client, a real gateway and broker, the calibration service and a real database."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from kleinmaelzung import Certificate, Error, Lab, NotIssued, Refused
from kleinmaelzung_services import lookup
from kleinmaelzung_services.calibration.certificates import asked, entries, store
from kleinmaelzung_services.calibration.certificates.asked import Wish
from kleinmaelzung_services.calibration.certificates.store import Made, Place
from kleinmaelzung_services.chain import Link
from tests import laboratories
from tests.brokers import PASSWORD, TestBroker
from tests.databases import query
from tests.laboratories import Laboratory, refused
from tests.terminals import Terminal
from tests.unit.services.calibration_records import examples

BALANCE = "pi-1/balance"
RECORD = examples.changed("balance", (("item", "id"), BALANCE))
OTHER = examples.changed("balance", (("item", "id"), BALANCE), (("item", "asset"), "KM-018"))


@pytest.fixture
async def laboratory(broker: TestBroker, gateway_url: str, dsn: str) -> AsyncIterator[Laboratory]:
    async with laboratories.open_laboratory(broker, gateway_url, dsn) as made:
        yield made


@pytest.fixture
async def carla(laboratory: Laboratory) -> AsyncIterator[Lab]:
    """A calibrator of everything."""
    async with laboratory.lab("carla") as lab:
        yield lab


def short(found: Certificate) -> tuple[str, int, str]:
    return found.number, found.revision, found.replaces


async def test_it_is_issued_numbered_kept_and_known_again(carla: Lab) -> None:
    first = await carla.certificates.issue(RECORD, readings=False)
    assert (first.user, first.item, first.verdict, first.is_specimen) == ("carla", BALANCE, "pass", True)
    assert first.data_sha256 == hashlib.sha256(RECORD).hexdigest()
    pdf = await carla.certificates.pdf(first.number)
    assert pdf.startswith(b"%PDF-")
    assert hashlib.sha256(pdf).hexdigest() == first.sha256
    second = await carla.certificates.issue(OTHER, language="de", readings=False)
    year, _, count = first.number.removeprefix("K-").partition("-")
    assert (len(year), count, second.number) == (4, "0001", f"K-{year}-0002")
    assert await carla.certificates.find() == [second, first]
    assert await carla.certificates.find(limit=1) == [second]
    known = await carla.certificates.known(first.sha256)
    assert (known.same, known.newest) == (first, first)


async def test_what_is_not_known_is_told_from_what_was_changed_or_replaced(carla: Lab) -> None:
    stranger = "0" * 64
    assert (await carla.certificates.known(stranger)).newest is None
    first = await carla.certificates.issue(RECORD, number="LAB-7", readings=False)
    changed = await carla.certificates.known(stranger, "LAB-7")
    assert (changed.same, changed.newest) == (None, first)
    second = await carla.certificates.issue(
        OTHER,
        amends="LAB-7",
        reason="wrong asset number",
        changes=[("asset number", "KM-017", "KM-018")],
        readings=False,
    )
    assert short(second) == ("LAB-7", 2, "LAB-7/1")
    old = await carla.certificates.known(first.sha256)
    assert (old.same, old.newest) == (replace(first, state="superseded"), second)
    assert hashlib.sha256(await carla.certificates.pdf("LAB-7", 1)).hexdigest() == first.sha256
    assert hashlib.sha256(await carla.certificates.pdf("LAB-7")).hexdigest() == second.sha256
    with refused("unknown", "no revision 3, it has 1, 2"):
        await carla.certificates.pdf("LAB-7", 3)


async def test_a_number_is_given_once(carla: Lab) -> None:
    await carla.certificates.issue(RECORD, number="LAB-7", readings=False)
    with refused("conflict", "LAB-7 is issued already"):
        await carla.certificates.issue(OTHER, number="LAB-7", readings=False)
    with refused("unknown", "no certificate LAB-8 to amend"):
        await carla.certificates.issue(OTHER, amends="LAB-8", reason="a", changes=[("a", "b", "c")])
    with refused("bad-message", "exclude each other"):
        await carla.certificates.issue(OTHER, number="LAB-9", amends="LAB-7")


async def test_those_that_come_at_once_get_numbers_without_a_hole(carla: Lab) -> None:
    records = [examples.changed("thermometer", (("item", "asset"), f"A-{place}")) for place in range(2)]
    issued = await asyncio.gather(*(carla.certificates.issue(one, readings=False) for one in records))
    assert sorted(one.number[-4:] for one in issued) == ["0001", "0002"]


async def test_a_request_that_is_sent_again_is_done_once(carla: Lab) -> None:
    first = await carla.certificates.issue(RECORD, id="one", readings=False)
    assert await carla.certificates.issue(RECORD, id="one", readings=False) == first
    assert await carla.certificates.find() == [first]


async def test_all_that_forbids_it_is_told_at_once_and_nothing_is_kept(laboratory: Laboratory, carla: Lab) -> None:
    wrong = examples.changed("balance", (("item", "serial"), ""), (("customer", "name"), ""), (("item", "id"), BALANCE))
    with pytest.raises(NotIssued) as caught:
        await carla.certificates.issue(wrong)
    assert len(caught.value.mistakes) >= 2
    for content in (b"", b"{", b'{"schema": "other"}'):
        with pytest.raises((NotIssued, Refused)):
            await carla.certificates.issue(content)
    unknown = examples.changed("balance", (("template", "version"), 99))
    with pytest.raises(NotIssued, match="template"):
        await carla.certificates.issue(unknown)
    with pytest.raises(NotIssued, match="the template: "):
        await carla.certificates.issue(RECORD, template=b"[")
    assert await query(laboratory.dsn, "SELECT count(*) FROM certificate_register") == [(0,)]
    assert await query(laboratory.dsn, "SELECT count(*) FROM certificate_files") == [(0,)]


async def test_who_may_issue_and_see(laboratory: Laboratory, carla: Lab) -> None:
    await laboratory.add_user("paul", "observer", "pi-1/+")
    issued = await carla.certificates.issue(RECORD, readings=False)
    async with laboratory.lab("anna") as anna, laboratory.lab("olga") as olga, laboratory.lab("paul") as paul:
        with refused("not-permitted", "anna is operator: certificates are issued by"):
            await anna.certificates.issue(RECORD)
        with refused("not-permitted", "olga is not permitted to ask"):
            await olga.certificates.issue(RECORD)
        with refused("not-permitted", "olga is not permitted to ask"):
            await olga.certificates.issue(examples.CONTENT["balance"])  # of no instrument of this system
        assert await olga.certificates.find() == []
        with refused("unknown", "no certificate"):
            await olga.certificates.pdf(issued.number)
        assert (await olga.certificates.known(issued.sha256)).same == issued  # who has the document knows what it says
        assert await paul.certificates.find() == [issued]
        assert await paul.certificates.pdf(issued.number) == await carla.certificates.pdf(issued.number)


async def test_nothing_that_was_issued_can_be_changed_and_who_forces_it_is_found(dsn: str) -> None:
    await registered(dsn, 3)
    for statement in ("UPDATE certificate_register SET username = 'eve'", "DELETE FROM certificate_files"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="what was issued stays"):
            await query(dsn, statement)
    assert await damage(dsn) == ""
    await forced(dsn, "UPDATE certificate_register SET item = 'pi-9/x' WHERE number = 2")
    assert await damage(dsn) == "entry 2 was edited: its hash is not that of what it says"
    await forced(dsn, "DELETE FROM certificate_register WHERE number = 2")
    assert await damage(dsn) == "entry 2 was removed: entry 1 is followed by entry 3"


async def registered(dsn: str, count: int) -> None:
    """Small files in place of certificates: what is tested here does not look into them."""
    made = store.Store(dsn)
    await made.tables.prepare()

    async def draw(place: Place) -> Made:
        pdf = place.number.encode()
        digest = hashlib.sha256(pdf).digest()
        return Made(pdf=pdf, sha256=digest, data_sha256=digest, details={"verdict": "pass"})

    for place in range(count):
        await made.issue(wish(f"id-{place}"), BALANCE, datetime.now(UTC), draw)


def wish(id_: str) -> Wish:
    return Wish(
        user="carla",
        pattern="+/+",
        id=id_,
        record=b"",
        template=None,
        language="en",
        number="",
        amends="",
        reason="",
        changes=(),
        with_readings=False,
    )


async def forced(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET session_replication_role = replica")  # no triggers
        await connection.execute(statement)
    finally:
        await connection.close()


async def damage(dsn: str) -> str:
    queries, last = lookup.read_queries(store.PACKAGE, store.QUERIES), Link()
    async with lookup.open_lookup(dsn, queries) as opened:
        for row in await opened.fetch("find_chain", None, 100):
            if why := entries.damage(last, row):
                return why
            last = Link(row["number"], row["hash"])
    return ""


async def test_a_record_that_unpacks_without_end_is_refused(laboratory: Laboratory, carla: Lab) -> None:
    bomb = asked.packed(bytes(asked.MAX_FILE + 1))
    assert len(bomb) < 20_000
    question: dict[str, Any] = {"record": bomb, "language": "en", "instrument": "+/+"}
    with refused("bad-message", "more than 8 MiB"):
        await carla.request("calibration", "certificate-issue", **question)
    for content, why in ((b"no zlib", "not compressed by zlib"), (asked.packed(RECORD)[:-9], "not whole")):
        with refused("bad-message", why):
            await carla.request("calibration", "certificate-issue", **{**question, "record": content})


async def test_a_record_too_large_to_send_is_refused_here(carla: Lab) -> None:
    noise = bytes(hashlib.sha256(str(place).encode()).digest()[0] for place in range(400_000))
    with pytest.raises(Error, match="KiB go to the server at once"):
        await carla.certificates.issue(noise)


async def test_without_a_service_a_sentence_says_so(gateway_url: str, broker: TestBroker) -> None:
    async with Laboratory(broker, gateway_url, "").lab("anna") as anna:
        with refused("unavailable", "start kleinmaelzung-calibration"):
            await anna.certificates.find()


async def test_from_the_command_line_to_a_document_that_the_server_knows(
    laboratory: Laboratory, carla: Lab, tmp_path: Path
) -> None:
    terminal = Terminal(laboratory.url, PASSWORD, tmp_path)
    terminal.environment["KLEINMAELZUNG_USER"] = "carla"
    record, pdf = tmp_path / "record.json", tmp_path / "LAB-7.pdf"
    record.write_bytes(RECORD)
    issued = await terminal.json("calibration", "issue", str(record), "--number", "LAB-7", "--no-readings")
    assert (issued["number"], issued["is_specimen"]) == ("LAB-7", True)
    assert (await terminal.json("calibration", "list"))["certificates"] == [issued]
    assert (await terminal.run("calibration", "pdf", "LAB-7", "-o", str(pdf)))[0] == 0
    code, out, err = await terminal.run("calibration", "verify", str(pdf))
    assert (code, err) == (0, "")
    assert "-      signature  unsigned copy: the server that issued it vouches for it\n" in out
    assert "ok     known      issued by the server as LAB-7, revision 1, " in out
    await carla.certificates.withdraw("LAB-7", "wrong weights")
    code, out, _ = await terminal.run("calibration", "verify", str(pdf))
    assert code == 1
    assert re.search(r"WRONG  known .* as LAB-7, revision 1, and withdrawn .* by carla: wrong weights\n", out)
    pdf.write_bytes(pdf.read_bytes() + b"\n")
    code, out, _ = await terminal.run("calibration", "verify", str(pdf))
    assert code == 1
    assert "WRONG  known      the server has issued other bytes as LAB-7, revision 1: SHA-256 " in out
    again = await terminal.run("calibration", "issue", str(record), "--number", "LAB-7")
    assert again == (1, "", "kleinmaelzung: certificate LAB-7 is issued already: choose another number, or amend it\n")
    code, _, err = await terminal.run("calibration", "pdf", "LAB-7", "-o", str(pdf))
    assert (code, "exists already" in err) == (1, True)
