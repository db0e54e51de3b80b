"""GET /calibrations/...: a certificate's files, through a real gateway and broker, from a service of the test's own."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from kleinmaelzung_bus import session as bus
from kleinmaelzung_gateway import files
from kleinmaelzung_services.requests import Asked, RequestRefused, Requests
from kleinmaelzung_wire import access, certificates, messages, sockets, topics
from kleinmaelzung_wire.rights import PUBLIC, Rights
from tests import gets
from tests.brokers import PASSWORD, TestBroker
from tests.sockets import basic

PIECE = 50_000


@dataclass
class Register:
    """One certificate of pi-1/balance in two revisions, given out in pieces."""

    content: dict[tuple[int, str], bytes] = field(default_factory=dict)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)  # by whom, in which role, about what
    mute: int = 0  # so many questions are not answered
    is_damaged: bool = False

    async def file(self, asked: Asked) -> Any:
        self.asked.append((asked.user, asked.role, asked.request.instrument))
        if self.mute:
            self.mute -= 1
            await asyncio.Event().wait()
        wire = asked.request.fields()
        if not topics.matches(asked.request.instrument or "", "pi-1/balance") or wire.text("number") != "K-2026-0001":
            raise RequestRefused(sockets.UNKNOWN, f"no certificate {wire.text('number')} of these instruments")
        key = wire.optional_integer("revision") or 2, wire.text("file")
        if key not in self.content:
            raise RequestRefused(sockets.UNKNOWN, f"it has no revision {key[0]}")
        whole, offset = self.content[key], wire.integer("offset", default=0)
        sha256 = hashlib.sha256(whole + (b"x" if self.is_damaged else b"")).hexdigest()
        return {"content": whole[offset : offset + PIECE], "total": len(whole), "sha256": sha256}


@pytest.fixture
async def register(broker: TestBroker) -> AsyncIterator[Register]:
    made = Register(
        {(2, "pdf"): b"%PDF" + bytes(120_000), (1, "pdf"): b"%PDF-1", (2, "xml"): b"<a/>", (2, "json"): b"{}"}
    )
    asked = Requests(certificates.ROLE, {certificates.FILE: made.file})
    status = messages.ServiceStatus(role=certificates.ROLE, online=True, healthy=True).encode()
    own = broker.mosquitto.broker("calibration")
    async with bus.connect(own, client_id="register", on_message=lambda one: take(asked, one)) as session:
        await asked.serve(session)
        await session.publish(topics.service_status("calibration"), status, retained=True)
        running = asyncio.create_task(asked.run())
        try:
            yield made
        finally:
            running.cancel()
            await asyncio.wait((running,))


def take(asked: Requests, message: bus.Message) -> None:
    asked.take(message)


async def get(url: str, path: str, user: str = "otto", password: str = PASSWORD) -> gets.Got:
    return await gets.get(url, f"/calibrations/{path}", basic(user, password))


async def test_each_file_comes_whole_with_its_type_and_name(register: Register, gateway_url: str) -> None:
    for kind in ("pdf", "xml", "json"):
        got = await get(gateway_url, f"K-2026-0001.{kind}")
        assert (got.status, got.headers["content-type"]) == (200, f"application/{kind}"), got.text
        assert got.headers["content-disposition"] == f'attachment; filename="K-2026-0001.{kind}"'
        assert got.headers["cache-control"] == "no-store"
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.body == register.content[2, kind]
    assert register.asked[:3] == [("otto", "observer", "+/+")] * 3, "a piece each"


async def test_an_older_revision_comes_where_it_is_named(register: Register, gateway_url: str) -> None:
    got = await get(gateway_url, "K-2026-0001.pdf?revision=1")
    assert (got.body, got.headers["content-disposition"]) == (b"%PDF-1", 'attachment; filename="K-2026-0001_1.pdf"')
    missing = await get(gateway_url, "K-2026-0001.pdf?revision=7")
    assert (missing.status, missing.text) == (404, "it has no revision 7\n")


async def test_each_grant_is_asked_and_what_is_of_no_grant_is_unknown(
    broker: TestBroker, register: Register, gateway_url: str
) -> None:
    for name, patterns in (("rosa", ("pi-0/+", "pi-1/balance")), ("tom", ("pi-2/+",))):
        rights = Rights(role="observer", instruments=patterns)
        await broker.manage(access.add_user(name, PASSWORD, "observer", patterns))
        async with bus.connect(
            broker.mosquitto.broker("admin"), client_id=f"a-{name}", on_message=lambda message: None
        ) as admin:
            await admin.publish(topics.rights(name), rights.to_json().encode(), retained=True)
    assert (await get(gateway_url, "K-2026-0001.xml", "rosa")).status == 200
    assert [about for user, _, about in register.asked if user == "rosa"] == ["pi-0/+", "pi-1/balance"]
    refused = await get(gateway_url, "K-2026-0001.xml", "tom")
    assert (refused.status, refused.text) == (404, "no certificate K-2026-0001 of these instruments\n")


async def test_who_does_not_sign_in_gets_nothing(register: Register, broker: TestBroker, gateway_url: str) -> None:
    await broker.manage(access.add_account(PUBLIC, PASSWORD, access.user_rules(PUBLIC, Rights(role="public"))))
    for headers in ({}, basic("otto", "wrong"), basic("nobody", PASSWORD)):
        got = await gets.get(gateway_url, "/calibrations/K-2026-0001.pdf", headers)
        assert (got.status, got.headers["www-authenticate"].split()[0]) == (401, "Basic")
        assert b"%PDF" not in got.body
    public = await get(gateway_url, "K-2026-0001.pdf", PUBLIC)
    assert (public.status, "not permitted" in public.text) == (403, True)
    assert register.asked == []


@pytest.mark.parametrize("method", ["HEAD", "POST", "DELETE"])
async def test_nothing_but_get(gateway_url: str, method: str) -> None:
    got = await gets.get(gateway_url, "/calibrations/K-2026-0001.pdf", basic("otto", PASSWORD), method)
    assert (got.status, got.headers["allow"]) == (405, "GET")


async def test_what_is_no_file_or_no_question_is_said(gateway_url: str) -> None:
    assert (await get(gateway_url, "K-2026-0001.doc")).status == 404
    wrong = await get(gateway_url, "K-2026-0001.pdf?revision=x")
    assert (wrong.status, wrong.text) == (400, "revision: 'x' is none, expected one such as 1\n")


async def test_an_answer_that_is_lost_is_asked_for_again(
    register: Register, gateway_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "ASK_TIMEOUT_S", 0.5)
    register.mute = 1
    assert (await get(gateway_url, "K-2026-0001.pdf")).body == register.content[2, "pdf"]
    register.mute = 2
    assert (await get(gateway_url, "K-2026-0001.pdf")).status == 504


async def test_what_did_not_come_as_it_was_issued_is_not_sent(register: Register, gateway_url: str) -> None:
    register.is_damaged = True
    got = await get(gateway_url, "K-2026-0001.pdf")
    assert (got.status, got.text) == (502, "the calibration service answered something unreadable\n")


async def test_what_is_too_large_is_said(register: Register, gateway_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BODY", 100_000)
    got = await get(gateway_url, "K-2026-0001.pdf")
    assert (got.status, len(register.asked)) == (413, 1)


async def test_without_a_service_it_is_said(gateway_url: str) -> None:
    got = await get(gateway_url, "K-2026-0001.pdf")
    assert (got.status, got.text) == (503, "no calibration service is there: is it running?\n")
