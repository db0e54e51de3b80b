"""What belongs to a certificate beside its PDF: its files, withdrawal, search; and what a run adds. Real parts."""

import hashlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from kleinmaelzung import Lab
from kleinmaelzung_services import lookup, migrate
from kleinmaelzung_services.calibration.certificates import entries, store, verifying
from kleinmaelzung_services.calibration.certificates.asked import Wish
from kleinmaelzung_services.calibration.certificates.entries import Entry
from kleinmaelzung_services.calibration.certificates.issuer import Ending, Issuer
from kleinmaelzung_services.calibration.certificates.making import Reviewed
from kleinmaelzung_services.calibration.certificates.store import Made, Place, Store
from kleinmaelzung_services.calibration.documents.certificate.certificate_reports import Refused
from kleinmaelzung_services.calibration.documents.certificate.issue import Change
from kleinmaelzung_services.calibration.log.entries import Draft, Moved
from kleinmaelzung_services.calibration.log.log import Log
from kleinmaelzung_services.calibration.templates import shipped
from kleinmaelzung_services.chain import Link
from kleinmaelzung_services.requests import RequestRefused
from tests import laboratories
from tests.brokers import TestBroker
from tests.databases import query
from tests.laboratories import Laboratory, refused
from tests.unit.services.calibration_records import examples

BALANCE = "pi-1/balance"
RECORD = examples.changed("balance", (("item", "id"), BALANCE))
OTHER = examples.changed("thermometer", (("item", "id"), "pi-2/probe"), (("item", "serial"), "T-4711"))
FILES = {"dcc.xml", "certificate.json", "record.json", "template.toml"}


@pytest.fixture
async def laboratory(broker: TestBroker, gateway_url: str, dsn: str) -> AsyncIterator[Laboratory]:
    async with laboratories.open_laboratory(broker, gateway_url, dsn) as made:
        yield made


@pytest.fixture
async def carla(laboratory: Laboratory) -> AsyncIterator[Lab]:
    """A calibrator of everything."""
    async with laboratory.lab("carla") as lab:
        yield lab


async def ask(lab: Lab, request: str, /, **question: Any) -> Any:
    return await lab.request("calibration", request, **{"instrument": "+/+", **question})


async def the_file(lab: Lab, number: str, file: str) -> bytes:
    """In as many pieces as it takes."""
    found = b""
    while True:
        answer = await ask(lab, "certificate-file", number=number, file=file, offset=len(found))
        piece: bytes = answer["content"]
        found += piece
        if len(found) >= answer["total"]:
            assert hashlib.sha256(found).hexdigest() == answer["sha256"]
            return found


async def test_the_files_of_a_certificate_are_kept_beside_it(laboratory: Laboratory, carla: Lab) -> None:
    issued = await carla.certificates.issue(RECORD, readings=False)
    kept = await query(laboratory.dsn, "SELECT name FROM certificate_attachments")
    assert {name for (name,) in kept} >= FILES
    assert await the_file(carla, issued.number, "json") == RECORD
    assert await the_file(carla, issued.number, "record.json") == RECORD
    xml = await the_file(carla, issued.number, "xml")
    assert xml == await the_file(carla, issued.number, "dcc.xml")
    assert issued.number.encode() in xml
    told = json.loads(await the_file(carla, issued.number, "certificate.json"))
    assert (told["issue"]["number"], told["verdict"]) == (issued.number, issued.verdict)
    [template] = [one.content for one in shipped.templates() if one.name == "balance"]
    assert await the_file(carla, issued.number, "template.toml") == template
    pdf = await the_file(carla, issued.number, "pdf")
    assert (pdf[:5], hashlib.sha256(pdf).hexdigest()) == (b"%PDF-", issued.sha256)
    with refused(
        "unknown", "has no file 'other.txt', it has pdf, .*certificate.json, dcc.xml, record.json, template.toml"
    ):
        await the_file(carla, issued.number, "other.txt")


async def test_a_file_that_was_changed_in_the_database_is_not_what_the_register_says(
    laboratory: Laboratory, carla: Lab
) -> None:
    issued = await carla.certificates.issue(RECORD, readings=False)
    await forced(laboratory.dsn, "UPDATE certificate_attachments SET content = 'other' WHERE name = 'dcc.xml'")
    answer = await ask(carla, "certificate-file", number=issued.number, file="xml")
    assert hashlib.sha256(answer["content"]).hexdigest() != answer["sha256"]
    await forced(laboratory.dsn, "DELETE FROM certificate_attachments")
    with refused("failed", "the file was removed from the database"):
        await ask(carla, "certificate-file", number=issued.number, file="xml")


async def test_a_certificate_is_withdrawn_once_and_stays(laboratory: Laboratory, carla: Lab) -> None:
    issued = await carla.certificates.issue(RECORD, number="LAB-7", readings=False)
    pdf = await carla.certificates.pdf("LAB-7")
    question = {"number": "LAB-7", "reason": "the weights were damaged", "id": "one"}
    told = (await ask(carla, "certificate-withdraw", **question))["certificate"]
    assert (told["number"], told["state"]) == ("LAB-7", "withdrawn")
    assert (told["withdrawn"]["user"], told["withdrawn"]["reason"]) == ("carla", "the weights were damaged")
    assert (await ask(carla, "certificate-withdraw", **question))["certificate"] == told
    with refused("conflict", "LAB-7 was withdrawn by carla on .* cannot be withdrawn again; issue a new one"):
        await ask(carla, "certificate-withdraw", **{**question, "id": "two"})
    with refused("conflict", "cannot be amended"):
        await carla.certificates.issue(RECORD, amends="LAB-7", reason="a", changes=[("a", "b", "c")])
    with refused("conflict", "LAB-7 is issued already"):
        await carla.certificates.issue(RECORD, number="LAB-7")
    with refused("conflict", "used the id 'one' for another request"):
        await carla.certificates.issue(RECORD, id="one", readings=False)
    known = await ask(carla, "certificate-known", sha256=issued.sha256)
    assert known["known"] == known["issued"] == told
    assert await carla.certificates.pdf("LAB-7") == pdf
    assert await verifying.damage(laboratory.dsn) == ""
    [row] = await query(laboratory.dsn, "SELECT revision, withdrawn_by, withdrawn_because FROM certificates")
    assert row == (1, "carla", "the weights were damaged")


async def test_a_withdrawn_certificate_is_so_in_all_its_revisions(carla: Lab) -> None:
    first = await carla.certificates.issue(RECORD, number="LAB-7", readings=False)
    changes = [("asset number", "KM-017", "KM-018")]
    second = await carla.certificates.issue(RECORD, amends="LAB-7", reason="wrong", changes=changes, readings=False)
    assert await states(carla) == [("LAB-7", 2, "valid"), ("LAB-7", 1, "superseded")]
    await ask(carla, "certificate-withdraw", number="LAB-7", reason="wrong again")
    assert await states(carla) == [("LAB-7", 2, "withdrawn"), ("LAB-7", 1, "withdrawn")]
    for one in (first, second):
        assert (await ask(carla, "certificate-known", sha256=one.sha256))["known"]["state"] == "withdrawn"


async def states(lab: Lab, **which: Any) -> list[tuple[str, int, str]]:
    found = (await ask(lab, "certificate-list", **which))["certificates"]
    return [(one["number"], one["revision"], one["state"]) for one in found]


async def test_who_may_withdraw(laboratory: Laboratory, carla: Lab) -> None:
    await carla.certificates.issue(RECORD, number="LAB-7", readings=False)
    async with laboratory.lab("anna") as anna, laboratory.lab("olga") as olga:
        with refused("not-permitted", "anna is operator: certificates are withdrawn by one who is admin or calibrator"):
            await ask(anna, "certificate-withdraw", number="LAB-7", reason="a")
        with refused("unknown", r"no certificate LAB-7 of an instrument under pi-2/\+"):
            await ask(olga, "certificate-withdraw", number="LAB-7", reason="a", instrument="pi-2/+")
    with refused("unknown", "no certificate LAB-8"):
        await ask(carla, "certificate-withdraw", number="LAB-8", reason="a")
    for reason in ("", "  ", "two\nlines"):
        with refused("bad-message", "say why, in one line"):
            await ask(carla, "certificate-withdraw", number="LAB-7", reason=reason)
    assert await states(carla) == [("LAB-7", 1, "valid")]


async def test_certificates_are_searched(carla: Lab) -> None:
    await carla.certificates.issue(RECORD, number="LAB-7", readings=False)
    await carla.certificates.issue(OTHER, number="LAB-8", readings=False)
    first, second = ("LAB-7", 1, "valid"), ("LAB-8", 1, "valid")
    assert await states(carla) == [second, first]
    assert await states(carla, text="t-4711") == [second]
    assert await states(carla, text="lab-7") == [first]
    assert await states(carla, text="PROBE") == [second]
    assert await states(carla, text="PASS", instrument="pi-1/+") == [first]
    assert await states(carla, text="%") == []
    assert await states(carla, instrument="pi-2/+") == [second]
    assert await states(carla, state="withdrawn") == []
    now_us = time.time_ns() // 1000
    hour = 3_600_000_000
    assert await states(carla, **{"from": now_us - hour, "to": now_us + hour}) == [second, first]
    assert await states(carla, **{"from": now_us + hour}) == []
    assert await states(carla, to=now_us - hour) == []
    with refused("bad-message", "state"):
        await states(carla, state="lost")


async def forced(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET session_replication_role = replica")  # no triggers
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


# A database of part one: certificates, and nothing else.


async def of_part_one(dsn: str, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """As the software before made it, with one certificate. Returns that one's PDF."""
    pdf = b"%PDF-1.7 of part one"
    steps = migrate.read_migrations(store.PACKAGE)[:1]
    connection = await asyncpg.connect(dsn)
    try:
        with monkeypatch.context() as context:
            context.setattr(migrate, "read_migrations", lambda package: steps)
            await migrate.migrate(connection, store.PART)
        digest = hashlib.sha256(pdf).digest()
        details = entries.details({"verdict": "pass", "specimen": True, "language": "en", "pages": 7, "replaces": ""})
        entry = Entry(1_790_000_000_000_000, "issued", "K-1", 1, "carla", BALANCE, digest, digest, details, "one")
        await connection.execute("INSERT INTO certificate_files VALUES ($1, $2)", digest, pdf)
        add = lookup.read_queries(store.PACKAGE, store.QUERIES)["add_entry"]
        await connection.execute(add, *entries.row_of(Link(), entry))
    finally:
        await connection.close()
    return pdf


async def test_a_database_of_part_one_keeps_its_certificates(
    broker: TestBroker, gateway_url: str, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pdf = await of_part_one(dsn, monkeypatch)
    async with laboratories.open_laboratory(broker, gateway_url, dsn) as opened, opened.lab("carla") as carla:
        [old] = await carla.certificates.find()
        assert (old.number, old.verdict, old.state) == ("K-1", "pass", "valid")
        assert old.sha256 == hashlib.sha256(pdf).hexdigest()
        assert await the_file(carla, "K-1", "pdf") == pdf
        with refused("unknown", "K-1/1 was issued by an earlier version, which kept the PDF only"):
            await the_file(carla, "K-1", "xml")
        changes = [("asset number", "KM-017", "KM-018")]
        new = await carla.certificates.issue(RECORD, amends="K-1", reason="wrong", changes=changes, readings=False)
        assert (new.number, new.revision, new.replaces) == ("K-1", 2, "K-1/1")
        assert await the_file(carla, "K-1", "json") == RECORD
        await ask(carla, "certificate-withdraw", number="K-1", reason="a test")
        assert await states(carla) == [("K-1", 2, "withdrawn"), ("K-1", 1, "withdrawn")]
    assert await verifying.damage(dsn) == ""


# What a run issues, without a broker.


RUN = "run:R-2026-0001"


class Office:
    """The log of a run that is about to be issued, and what issues it."""

    def __init__(self, dsn: str) -> None:
        self.dsn, self.log = dsn, Log(dsn)
        self.changed: list[str] = []
        self.issuer = Issuer(
            Store(dsn), self.log, attach=lambda prepared, place: {"calibration.json": place.number.encode()},
            changed=self.changed.append,
        )  # fmt: skip

    def wish(self, record: bytes = RECORD, id_: str = "issue-1") -> Wish:
        return Wish(
            user="carla", pattern=BALANCE, id=id_, record=record, template=None, language="en", number="", amends="",
            reason="", changes=(), with_readings=False,
        )  # fmt: skip

    def ending(self, **changes: Any) -> Ending:
        def event(told: dict[str, Any]) -> Draft:
            return Draft(kind="issued", details={key: told[key] for key in ("number", "revision", "sha256", "entry")})

        plain = {"subject": RUN, "first": 1, "expected": 5, "event": event}
        return Ending(**{**plain, **changes})


@pytest.fixture
async def office(dsn: str) -> Office:
    made = Office(dsn)
    await made.log.tables.prepare()
    drafts = [Draft(kind="created" if step == 0 else "captured", details={"step": step}) for step in range(5)]
    before = datetime.now(UTC) - timedelta(hours=1)
    await made.log.append(RUN, drafts, user="anna", request="", expected=0, now_us=lookup.to_time_us(before))
    return made


async def test_a_run_ends_in_the_transaction_that_issues_its_certificate(office: Office) -> None:
    told = await office.issuer.issue_run(office.wish(), office.ending())
    [*_, last] = await office.log.read(RUN)
    assert (last.number, last.kind, last.user) == (6, "issued", "carla")
    assert last.details == {key: told[key] for key in ("number", "revision", "sha256", "entry")}
    assert (told["run"], told["log"]) == ("R-2026-0001", {"number": 6, "hash": last.hash.hex()})
    assert set(told["attachments"]) == {*FILES, "calibration.json"}
    assert office.changed == [BALANCE]
    assert await office.log.open_runs() == []
    assert await office.issuer.issue_run(office.wish(), office.ending()) == told
    assert len(await office.log.read(RUN)) == 6
    await forced(office.dsn, "DELETE FROM calibration_log WHERE number = 6")
    found = await office.log.verify()
    assert (found.first_wrong, found.sentence) == (
        6,
        f"entry 6 was removed: certificate {told['number']}/1 names entry 6",
    )


async def test_a_slow_machine_may_draw_for_longer_than_a_transaction_may_rest(office: Office) -> None:
    permitted = list[str]()

    async def draw(place: Place) -> Made:
        return Made(pdf=b"%PDF", sha256=hashlib.sha256(b"%PDF").digest(), data_sha256=bytes(32), details={})

    async def also(connection: Any, told: dict[str, Any]) -> dict[str, Any]:
        permitted.append(await connection.fetchval("SHOW idle_in_transaction_session_timeout"))
        return {}

    await Store(office.dsn).issue(office.wish(), BALANCE, datetime.now(UTC), draw, also)
    assert permitted == ["2min"]


async def test_a_run_that_moved_meanwhile_is_not_issued_and_nothing_is_kept(office: Office) -> None:
    with pytest.raises(Moved):
        await office.issuer.issue_run(office.wish(), office.ending(expected=4))
    assert await query(office.dsn, "SELECT count(*) FROM certificate_register") == [(0,)]
    assert await query(office.dsn, "SELECT count(*) FROM certificate_attachments") == [(0,)]
    assert len(await office.log.read(RUN)) == 5


async def test_a_run_whose_log_was_edited_is_not_issued(office: Office) -> None:
    await forced(office.dsn, """UPDATE calibration_log SET details = '{"step":9}' WHERE number = 4""")
    with pytest.raises(RequestRefused, match="entry 4 was edited") as caught:
        await office.issuer.issue_run(office.wish(), office.ending())
    assert caught.value.code == "conflict"
    assert await query(office.dsn, "SELECT count(*) FROM certificate_register") == [(0,)]


async def test_what_was_changed_after_its_review_is_not_issued(office: Office) -> None:
    reviewed = Reviewed(sha256="0" * 64)
    with pytest.raises(Refused, match="the record was changed after its review"):
        await office.issuer.issue_run(office.wish(), office.ending(reviewed=reviewed))
    assert len(await office.log.read(RUN)) == 5


async def test_an_amended_certificate_stays_that_of_its_run(office: Office) -> None:
    first = await office.issuer.issue_run(office.wish(), office.ending())
    amending = replace(
        office.wish(examples.changed("balance", (("item", "id"), BALANCE), (("item", "asset"), "KM-018")), "issue-2"),
        amends=first["number"],
        reason="wrong asset number",
    )
    with pytest.raises(Refused, match="changes"):
        await office.issuer.issue_wish(amending)
    changes = (Change(field="asset number", before="KM-017", after="KM-018"),)
    second = await office.issuer.issue_wish(replace(amending, changes=changes))
    assert (second["revision"], second["run"], "log" in second) == (2, "R-2026-0001", False)
