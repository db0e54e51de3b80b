"""The register from end to end: people, a real gateway and broker, the calibration service and a real database."""

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest

from kleinmaelzung import Lab
from kleinmaelzung_services.calibration.log.entries import Draft
from kleinmaelzung_services.calibration.log.log import Log
from kleinmaelzung_services.calibration.register import asked
from kleinmaelzung_services.calibration.register.register import Register
from kleinmaelzung_services.requests import Asked, RequestRefused
from kleinmaelzung_wire.requests import Request
from tests import laboratories
from tests.brokers import TestBroker
from tests.databases import query
from tests.laboratories import Laboratory, refused
from tests.unit.services.calibration_records import examples
from tests.unit.services.calibration_register.entered import changed
from tests.waiting import LIMIT_S

BALANCE = "pi-1/balance"
WEIGHTS = "WS-E2-01"
PDF = b"%PDF-1.7 " + bytes(range(256)) * 1200
US = 1_000_000


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


async def put(lab: Lab, kind: str, name: str, content: dict[str, Any], **more: Any) -> Any:
    """The entry that came of it."""
    own = {"reason": "a test", "id": secrets.token_hex(8), **more}
    answer = await ask(lab, "register-put", kind=kind, name=name, content=content, **own)
    assert answer["mistakes"] == []
    return answer["entry"]


async def put_weights(lab: Lab, *changes: Any, **more: Any) -> Any:
    return await put(lab, "standard", WEIGHTS, changed("standard", *changes), **more)


async def test_what_is_put_is_found_again(laboratory: Laboratory, carla: Lab) -> None:
    before = time.time_ns() // 1000
    entry = await put_weights(carla)
    assert (entry["kind"], entry["name"], entry["user"], entry["is_retired"]) == ("standard", WEIGHTS, "carla", False)
    assert (entry["due"], entry["is_overdue"], entry["sha256"]) == ("2027-03-01", False, "")
    assert entry["content"]["certified"][0]["U"] == 0.00003
    assert entry["content"]["maker"] == ""  # each key, also what was left out
    assert before <= entry["time"] <= time.time_ns() // 1000
    assert await ask(carla, "register-list", kind="standard") == {"entries": [entry], "more": False}
    assert (await ask(carla, "register-show", kind="standard", name=WEIGHTS))["entry"] == entry
    assert await ask(carla, "register-list", kind="item") == {"entries": [], "more": False}
    with refused("unknown", "the register has no standard WS-9"):
        await ask(carla, "register-show", kind="standard", name="WS-9")
    [row] = await query(laboratory.dsn, "SELECT standard, certificate, due, unit, is_retired FROM reference_standards")
    assert row == (WEIGHTS, "D-K-12345", date(2027, 3, 1), "g", False)


async def test_all_mistakes_are_told_at_once_and_nothing_is_kept(laboratory: Laboratory, carla: Lab) -> None:
    content = changed("standard", (("certified", 0, "k"), ...), (("interval_months",), 0), (("serie",), 1))
    answer = await ask(carla, "register-put", kind="standard", name=WEIGHTS, content=content)
    assert answer["entry"] is None
    [unknown] = answer["mistakes"]
    assert unknown.startswith("serie: unknown key")
    del content["serie"]
    file = {"file_sha256": "0" * 64}
    answer = await ask(carla, "register-put", kind="standard", name=WEIGHTS, content=content, **file)
    assert [one.partition(":")[0] for one in answer["mistakes"]] == ["certified[0].k", "interval_months", "file_sha256"]
    assert answer["mistakes"][2] == "file_sha256: the file 000000000000... is not here, or not all of it; send it first"
    answer = await ask(carla, "register-put", kind="item", name=BALANCE, content=changed("item"), **file)
    [mistake] = answer["mistakes"]
    assert mistake == "file_sha256: of a standard its certificate is kept, of the item nothing; leave it out"
    assert await query(laboratory.dsn, "SELECT count(*) FROM calibration_log") == [(0,)]
    assert await query(laboratory.dsn, "SELECT count(*) FROM calibration_files") == [(0,)]
    with refused("bad-message", "is none of the register"):
        await ask(carla, "register-put", kind="standard", name="WS 1", content=content)
    with refused("bad-message", "kind"):
        await ask(carla, "register-list", kind="weight")


async def test_who_changed_what_when_and_why(laboratory: Laboratory, carla: Lab) -> None:
    first = await put_weights(carla)
    async with laboratory.lab("admin") as admin:
        second = await put_weights(admin, (("location",), "Safe 2"), reason="moved")
    retired = await ask(carla, "register-retire", kind="standard", name=WEIGHTS, reason="dropped")
    assert (retired["entry"]["is_retired"], retired["entry"]["content"]) == (True, second["content"])
    with refused("conflict", "retired already, by carla"):
        await ask(carla, "register-retire", kind="standard", name=WEIGHTS, reason="dropped again")
    shown = await ask(carla, "register-show", kind="standard", name=WEIGHTS)
    assert [(one["user"], one["kind"], one["reason"]) for one in shown["changes"]] == [
        ("carla", "retired", "dropped"),
        ("admin", "put", "moved"),
        ("carla", "put", "a test"),
    ]
    assert (shown["changes"][1]["before"], shown["changes"][1]["after"]) == ({"location": ""}, {"location": "Safe 2"})
    older = await ask(carla, "register-show", kind="standard", name=WEIGHTS, after=second["number"])
    assert [one["number"] for one in older["changes"]] == [first["number"]]
    again = await put_weights(carla, (("location",), "Safe 2"), reason="it was another one")
    assert again["is_retired"] is False
    with refused("unknown", "no standard WS-9"):
        await ask(carla, "register-retire", kind="standard", name="WS-9", reason="a")
    with refused("bad-message", "say why"):
        await ask(carla, "register-retire", kind="standard", name=WEIGHTS, reason=" ")


async def test_a_change_has_a_reason_and_what_is_the_same_is_no_change(carla: Lab) -> None:
    entry = await put_weights(carla, reason="")
    assert await put_weights(carla, reason="") == entry
    question = {"kind": "standard", "name": WEIGHTS, "content": changed("standard", (("note",), "new box"))}
    answer = await ask(carla, "register-put", **question, reason=" ")
    assert answer == {"entry": None, "mistakes": ["reason: missing; an entry that is there is changed: say why"]}
    assert (await ask(carla, "register-put", **question, reason="new"))["entry"]["content"]["note"] == "new box"


async def test_the_file_of_a_certificate_is_kept_with_it(carla: Lab) -> None:
    sha256 = await carla.register.upload(PDF)
    entry = await put_weights(carla, file_sha256=sha256)
    assert entry["sha256"] == sha256 == hashlib.sha256(PDF).hexdigest()
    found = b""
    while True:
        answer = await ask(carla, "register-file", sha256=sha256, offset=len(found))
        found += answer["content"]
        if len(found) >= answer["total"]:
            break
    assert found == PDF
    assert len(PDF) > asked.PIECE
    moved = await put_weights(carla, (("location",), "Safe 2"))
    assert moved["sha256"] == sha256  # of the same certificate
    renewed = await put_weights(carla, (("certificate", "number"), "D-K-2"))
    assert renewed["sha256"] == ""
    with refused("unknown", "no file 0000"):
        await ask(carla, "register-file", sha256="0" * 64)
    with refused("bad-message", "sha256"):
        await ask(carla, "register-file", sha256="../x")
    with refused("bad-message", "sha256"):
        await put_weights(carla, file_sha256="D-K-2")


async def test_a_request_that_is_sent_again_is_done_once(laboratory: Laboratory, carla: Lab) -> None:
    entry = await put_weights(carla, id="one")
    assert await put_weights(carla, id="one") == entry
    later = await put_weights(carla, (("note",), "new box"), id="two")
    assert await put_weights(carla, id="one") == later  # done before: what holds now is told
    with refused("conflict", "used the id 'one' for another request"):
        await put_weights(carla, (("note",), "other"), id="one")
    with refused("conflict", "used the id 'one' for another request"):
        await put(carla, "standard", "WS-2", changed("standard"), id="one")
    both = [put_weights(carla, (("note",), "at once"), id="three") for _ in range(4)]
    entries = await asyncio.gather(*both)
    assert len({one["number"] for one in entries}) == 1
    assert await query(laboratory.dsn, "SELECT count(*) FROM calibration_log") == [(3,)]


async def test_of_two_who_change_what_they_saw_the_second_looks_again(carla: Lab) -> None:
    entry = await put_weights(carla, number=0)
    await put_weights(carla, (("note",), "new box"), number=entry["number"])
    with refused("conflict", "was changed meanwhile, by carla: look at it again"):
        await put_weights(carla, (("note",), "newer box"), number=entry["number"])
    with refused("conflict", "was changed meanwhile"):
        await put_weights(carla, (("note",), "newer box"), number=0)


async def test_those_who_change_at_once_are_all_noted(carla: Lab) -> None:
    notes = [f"note {place}" for place in range(4)]
    await asyncio.gather(*(put_weights(carla, (("note",), note)) for note in notes))
    shown = await ask(carla, "register-show", kind="standard", name=WEIGHTS)
    assert {one["after"]["note"] for one in shown["changes"]} == set(notes)


async def test_who_may_look_and_who_may_change(laboratory: Laboratory, carla: Lab) -> None:
    await put_weights(carla)
    await put(carla, "item", BALANCE, changed("item"))
    own = {"kind": "laboratory", "name": "laboratory", "content": changed("laboratory")}
    with refused("not-permitted", "carla is calibrator: the register's laboratory is changed by an admin"):
        await ask(carla, "register-put", **own)
    async with laboratory.lab("admin") as admin:
        assert (await ask(admin, "register-put", **own))["entry"]["content"]["reviewer"] == "same"
        with refused("bad-message", "a laboratory is not retired"):
            await ask(admin, "register-retire", kind="laboratory", name="laboratory", reason="closed")
    async with laboratory.lab("vera") as vera, laboratory.lab("olga") as olga:
        assert len((await ask(vera, "register-list", kind="standard"))["entries"]) == 1
        assert len((await ask(vera, "register-list", kind="laboratory"))["entries"]) == 1
        with refused("not-permitted", "vera is observer: the register's standard is changed by one who is calibrator"):
            await put_weights(vera)
        theirs = {"kind": "item", "instrument": "pi-2/+"}
        assert (await ask(olga, "register-list", **theirs))["entries"] == []
        for request in ("register-show", "register-retire"):
            with refused("unknown", r"pi-1/balance is not under pi-2/\+"):
                await ask(olga, request, **theirs, name=BALANCE, reason="a")
        await put(olga, "item", "pi-2/probe", changed("item"), instrument="pi-2/+")
        assert len((await ask(olga, "register-list", kind="standard", instrument="pi-2/+"))["entries"]) == 1
        with refused("bad-message", "name them"):
            await olga.request("calibration", "register-list", kind="item")
    assert [one["name"] for one in (await ask(carla, "register-list", kind="item"))["entries"]] == [
        BALANCE,
        "pi-2/probe",
    ]


async def test_who_watches_without_an_account_asks_nothing(dsn: str) -> None:
    registrar = asked.Registrar(Register(Log(dsn)))
    request = Request(name="register-list", arguments={"kind": "standard"})
    anybody = Asked(user="public", role="public", request=request, inbox="", correlation=None, deadline=0.0)
    for handler in registrar.handlers().values():
        with pytest.raises(RequestRefused, match="for those who have signed in"):
            await handler(anybody)


async def test_long_lists_come_in_pages_by_name(laboratory: Laboratory, carla: Lab) -> None:
    log = Log(laboratory.dsn)
    names = sorted(f"WS-{secrets.token_hex(3)}" for _ in range(asked.PAGE + 5))
    content = (await put_weights(carla))["content"]
    for name in reversed(names):
        draft = Draft(kind="put", details={"content": content, "reason": "", "file": ""})
        await log.append(
            f"standard:{name}", [draft], user="carla", request="", expected=0, now_us=time.time_ns() // 1000
        )
    first = await ask(carla, "register-list", kind="standard")
    assert first["more"] is True
    second = await ask(carla, "register-list", kind="standard", after=first["entries"][-1]["name"])
    assert second["more"] is False
    assert [one["name"] for one in first["entries"] + second["entries"]] == sorted([*names, WEIGHTS])


# Due dates, and what a standard was used for


def record(*changes: tuple[tuple[str | int, ...], Any]) -> bytes:
    return examples.changed("balance", (("item", "id"), BALANCE), (("standards", 0, "id"), WEIGHTS), *changes)


async def test_an_item_is_due_its_interval_after_its_last_valid_certificate(laboratory: Laboratory, carla: Lab) -> None:
    simulated = changed("item", (("is_simulated",), True))
    entry = await put(carla, "item", BALANCE, simulated)
    assert (entry["due"], entry["is_overdue"]) == ("", False)
    issued = await carla.certificates.issue(record(), number="LAB-7", readings=False)
    performed = datetime.fromisoformat(examples.VALUES["balance"]["as_found"]["finished"]).date()
    due = performed.replace(year=performed.year + 1)
    assert await due_of(carla) == (due.isoformat(), due < datetime.now(UTC).date())
    [row] = await query(laboratory.dsn, "SELECT certificate, calibrated, due FROM calibrated_items")
    assert row == ("LAB-7", performed, due)
    await put(carla, "item", BALANCE, {**simulated, "interval_months": 1})
    assert await due_of(carla) == ((await dues_in_database(laboratory.dsn))[0].isoformat(), True)
    await put(carla, "item", BALANCE, {**simulated, "is_simulated": False})
    assert await due_of(carla) == ("", False)  # a specimen says nothing of what is not simulated
    assert await dues_in_database(laboratory.dsn) == [None]
    await put(carla, "item", BALANCE, {**simulated, "interval_months": 600})
    assert await due_of(carla) == (performed.replace(year=performed.year + 50).isoformat(), False)
    await ask(carla, "certificate-withdraw", number=issued.number, reason="a test")
    assert await due_of(carla) == ("", False)
    assert await dues_in_database(laboratory.dsn) == [None]


async def test_without_an_interval_in_the_register_that_of_the_template_counts_everywhere(
    laboratory: Laboratory, carla: Lab
) -> None:
    own = {**changed("item", (("is_simulated",), True)), "interval_months": None}
    await put(carla, "item", BALANCE, own)
    await carla.certificates.issue(record(), readings=False)
    finished = datetime.fromisoformat(examples.VALUES["balance"]["as_found"]["finished"]).date()
    for months, expected in ((None, 12), (6, 6)):
        await put(carla, "item", BALANCE, {**own, "interval_months": months})
        [due] = await dues_in_database(laboratory.dsn)
        assert (due.year - finished.year) * 12 + due.month - finished.month == expected
        assert (await due_of(carla))[0] == due.isoformat()
        [listed] = (await ask(carla, "register-list", kind="item"))["entries"]
        assert listed["due"] == due.isoformat()
        await until_told(carla, due.isoformat())


async def until_told(lab: Lab, due: str) -> None:
    """What holds of the instrument is told a moment later."""
    async with asyncio.timeout(LIMIT_S):
        while (holds := await lab.calibration(BALANCE)) is None or holds.due != due:
            await asyncio.sleep(0.01)


async def due_of(lab: Lab) -> tuple[str, bool]:
    entry = (await ask(lab, "register-show", kind="item", name=BALANCE))["entry"]
    return entry["due"], entry["is_overdue"]


async def dues_in_database(dsn: str) -> list[Any]:
    return [due for (due,) in await query(dsn, "SELECT due FROM calibrated_items")]


async def test_an_overdue_standard_is_told_as_such(carla: Lab) -> None:
    entry = await put_weights(carla, (("certificate", "due"), "2026-01-01"))
    assert (entry["due"], entry["is_overdue"]) == ("2026-01-01", True)


async def test_what_a_standard_was_used_for_is_found(laboratory: Laboratory, carla: Lab) -> None:
    await put_weights(carla)
    log, now_us = Log(laboratory.dsn), time.time_ns() // 1000
    created = {
        "item": {"id": BALANCE},
        "template": {"id": "BALANCE"},
        "standards": [{"used": {"id": WEIGHTS}, "instrument": ""}, {"used": {"id": "OTHER"}, "instrument": ""}],
    }
    [first] = await new_run(log, created, now_us)
    await new_run(log, {**created, "standards": [{"used": {"id": "OTHER"}}]}, now_us)
    [third] = await new_run(log, {**created, "item": {"id": "pi-2/balance"}}, now_us)
    for kind, details in (("began", {}), ("calculated", {"verdict": "fail"}), ("reviewed", {"approve": True})):
        last = (await log.read(third.subject))[-1].number
        draft = Draft(kind=kind, details=details)
        await log.append(third.subject, [draft], user="anna", request="", expected=last, now_us=now_us)
    certificate = await carla.certificates.issue(record(), number="LAB-7", readings=False)
    used = (await ask(carla, "register-impact", name=WEIGHTS))["results"]
    assert {(one["run"], one["certificate"], one["instrument"], one["state"], one["verdict"]) for one in used} == {
        ("", "LAB-7", BALANCE, "issued", "pass"),
        (third.subject.removeprefix("run:"), "", "pi-2/balance", "reviewed", "fail"),
        (first.subject.removeprefix("run:"), "", BALANCE, "created", ""),
    }
    assert [one["time"] for one in used] == sorted((one["time"] for one in used), reverse=True)
    assert {one["revision"] for one in used} == {None, 1}
    assert await impact(carla, instrument="pi-2/+") == [("R", "pi-2/balance")]
    assert len(await impact(carla, **{"from": now_us + 3600 * US})) == 0
    assert len(await impact(carla, to=now_us - 3600 * US)) == 1  # what was sent in was measured long before
    assert await impact(carla, after=1) == [(one["run"][:1], one["instrument"]) for one in used[1:]]
    await ask(carla, "certificate-withdraw", number=certificate.number, reason="the weights were damaged")
    used = (await ask(carla, "register-impact", name=WEIGHTS))["results"]
    assert [one["is_withdrawn"] for one in used if one["certificate"]] == [True]
    with refused("unknown", "no standard WS-9"):
        await impact(carla, name="WS-9")
    runs = await query(laboratory.dsn, "SELECT run, instrument, state, verdict FROM calibration_runs ORDER BY run")
    year = datetime.now(UTC).year
    assert runs == [
        (f"R-{year}-0001", BALANCE, "created", None),
        (f"R-{year}-0002", BALANCE, "created", None),
        (f"R-{year}-0003", "pi-2/balance", "reviewed", "fail"),
    ]


async def new_run(log: Log, created: dict[str, Any], now_us: int) -> Any:
    expected = await log.newest_created()
    draft = Draft(kind="created", details=created)
    return await log.create_run([draft], user="anna", request="", expected=expected, now_us=now_us)


async def impact(lab: Lab, **question: Any) -> list[tuple[str, str]]:
    """Whether it was a run, and of which instrument."""
    found = (await ask(lab, "register-impact", **{"name": WEIGHTS, **question}))["results"]
    return [(one["run"][:1], one["instrument"]) for one in found]


# The log of it


async def test_the_log_is_verified_by_whoever_may_look(laboratory: Laboratory, carla: Lab) -> None:
    await put_weights(carla)
    await put_weights(carla, (("note",), "new box"))
    await carla.certificates.issue(record(), number="LAB-7", readings=False)
    async with laboratory.lab("vera") as vera:
        whole = await ask(vera, "calibration-log")
        assert (whole["checked"], whole["wrong"], whole["first_wrong"], whole["more"]) == (2, "", None, False)
        assert whole["head"]["number"] == 2
        for after in (2, whole["head"]):
            assert (await ask(vera, "calibration-log", after=after))["checked"] == 0
        for after in (-1, "2", {"number": 2}, {"number": 2, "hash": "00"}, True):
            with refused("bad-message", "after|sha256"):
                await ask(vera, "calibration-log", after=after)
    await forced(laboratory.dsn, "UPDATE certificate_register SET item = 'pi-9/x'")
    found = await ask(carla, "calibration-log")
    assert found["wrong"].startswith("the register of certificates: entry 1 was edited")
    altered = json.dumps({"content": {}})
    await forced(laboratory.dsn, f"UPDATE calibration_log SET details = '{altered}' WHERE number = 1")
    found = await ask(carla, "calibration-log")
    assert (found["first_wrong"], found["head"]["number"], found["more"]) == (1, 0, False)
    assert found["wrong"].startswith("entry 1 was edited")


async def forced(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET session_replication_role = replica")  # no triggers
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_clock_set_back_is_refused_with_a_sentence(laboratory: Laboratory, carla: Lab) -> None:
    await put_weights(carla)
    tomorrow = time.time_ns() // 1000 + 24 * 3600 * US
    draft = Draft(kind="noted", details={})
    await Log(laboratory.dsn).append("run:R-1", [draft], user="anna", request="", expected=0, now_us=tomorrow)
    with refused("unavailable", "this computer's clock shows .* put the clock right"):
        await put_weights(carla, (("note",), "new box"))
