"""A configuration that the server's key signed: taken, tried out, given up; and a program handed to its updater."""

import asyncio
import contextlib
import hashlib
import json
import signal
import stat
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_agent import making
from kleinmaelzung_agent.configuration import parts
from kleinmaelzung_agent.drivers.registry import Places
from kleinmaelzung_agent.drivers.settings import InstrumentConfig
from kleinmaelzung_agent.instruments import Instrument, Sink
from kleinmaelzung_agent.orders.carrying_out import FUTURE_US
from kleinmaelzung_agent.orders.orders_held import OrdersHeld
from kleinmaelzung_agent.orders.program_update import NO_UPDATER
from kleinmaelzung_agent.orders.signature import NO_KEY
from kleinmaelzung_agent.spool import disk
from kleinmaelzung_wire import gaps, orders
from kleinmaelzung_wire.messages import Reply
from kleinmaelzung_wire.orders import ITSELF, Order
from tests.fakes_gateway import FakeGateway
from tests.fakes_instruments import Thermometer
from tests.integration.test_reload import epochs, port, recorded_gaps, reloaded, until_more, values
from tests.lifetimes import TUNING, head, living, moved, process, thermometer, thermometers, write
from tests.orders import ServerKey, announce, ordered, send, send_piece
from tests.waiting import until


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as made:
        yield made


@pytest.fixture
async def devices(tmp_path: Path) -> AsyncIterator[dict[str, Thermometer]]:
    with thermometers(tmp_path) as made:
        yield made


@pytest.fixture
def key(tmp_path: Path) -> ServerKey:
    made = ServerKey()
    made.write(tmp_path / "server.pub")
    return made


@pytest.fixture
def path(gateway: FakeGateway, devices: dict[str, Thermometer], tmp_path: Path) -> Path:
    return write(tmp_path / "agent.toml", gateway.url, old(devices))


def old(devices: dict[str, Thermometer]) -> str:
    return thermometer("still", port(devices, "one"))


def new(devices: dict[str, Thermometer]) -> bytes:
    """The old one, and an instrument more."""
    return ("# from afar\n\n" + old(devices) + thermometer("new", port(devices, "two"))).encode()


def told(gateway: FakeGateway) -> dict[str, Any]:
    status = gateway.status()
    assert status
    return status.orders


def last(gateway: FakeGateway) -> dict[str, Any]:
    found: dict[str, Any] = told(gateway).get("last", {})
    return found


async def until_last(gateway: FakeGateway, result: str) -> dict[str, Any]:
    await until(lambda: gateway.status() and last(gateway).get("result") == result, f"the status says {result}")
    return last(gateway)


async def read_back(gateway: FakeGateway) -> tuple[bytes, Reply]:
    """The configuration as the agent tells it, piece by piece."""
    content, reply = b"", await gateway.asked(ITSELF, "configuration")
    while True:
        assert reply.result == "done", reply
        piece: Any = reply.values["piece"]
        content += piece
        if len(content) >= int(str(reply.values["total"])) or not piece:
            return content, reply
        reply = await gateway.asked(ITSELF, "configuration", {"offset": len(content)})


async def test_a_new_configuration_is_applied_live_tried_out_and_told(
    gateway: FakeGateway, devices: dict[str, Thermometer], key: ServerKey, path: Path
) -> None:
    content = new(devices)
    async with living(path):
        await until_more(gateway, "still")
        before, reply = await read_back(gateway)
        assert (before.decode(), reply.values["key"]) == (old(devices), orders.fingerprint(key.public))
        told_sha256: Any = reply.values["sha256"]
        assert told_sha256 == hashlib.sha256(before).digest()
        order = ordered(content, replaces=hashlib.sha256(before).digest())
        reply = await send(gateway, key, order, content)
        assert reply.result == "done", reply
        assert (reply.values["added"], reply.values["unchanged"]) == ("new", "still")
        await until_more(gateway, "new")
        done = await until_last(gateway, "done")
        assert (done["kind"], done["issued"], done["sha256"]) == ("configuration", order.issued, order.sha256.hex())
        await until(lambda: told(gateway)["configuration"] == order.sha256.hex(), "it is the current one")
        assert (await read_back(gateway))[0] == content
    assert path.read_text().startswith(head(gateway.url).rstrip())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert recorded_gaps(gateway, "still") == []
    assert len(epochs(gateway, "still")) == 1
    held = OrdersHeld(path.parent / "data")
    assert (held.trial(), held.announced(), held.size()) == (None, None, 0)
    # On record like any command, but without the bytes of files.
    records = {one["name"]: one for one in gateway.records(ITSELF)}
    assert records["piece"]["arguments"]["content"] == f"{len(content)} bytes"
    assert "piece" not in records["configuration"]["values"]
    assert records["piece"]["values"]["added"] == "new"


async def test_only_what_the_servers_key_signed_for_this_agent_is_taken(
    gateway: FakeGateway, devices: dict[str, Thermometer], key: ServerKey, path: Path
) -> None:
    content = new(devices)
    async with living(path):
        await until_more(gateway, "still")
        stranger = await send(gateway, ServerKey(), ordered(content), content)
        assert "not signed by the server key that this agent trusts" in stranger.reason
        other = await send(gateway, key, ordered(content, agent="pi-2"), content)
        assert other.reason == "this order is for agent pi-2, this is pi-1"
        ahead = ordered(content, issued=time.time_ns() // 1000 + 2 * FUTURE_US)
        assert "more than a day ahead" in (await send(gateway, key, ahead, content)).reason
        order = ordered(content).encode()
        changed = replace(Order.decode(order), issued=1).encode()
        forged = await gateway.asked(ITSELF, "order", {"order": changed, "signature": key.sign(order)})
        assert "not signed" in forged.reason
        short = await gateway.asked(ITSELF, "order", {"order": order, "signature": b"x"})
        assert short.reason == "a signature has 64 bytes, found 1"
        garbage = await gateway.asked(ITSELF, "order", {"order": b"\xc1", "signature": key.sign(b"\xc1")})
        replies = [stranger, other, forged, short, garbage]
        assert [reply.result for reply in replies] == ["refused"] * 5
        unasked = await send_piece(gateway, content, 0)
        assert "send the order first" in unasked.reason
        assert last(gateway) == {}
    assert path.read_text() == head(gateway.url) + old(devices)


async def test_an_order_is_carried_out_once_and_none_before_it_afterwards(
    gateway: FakeGateway, devices: dict[str, Thermometer], key: ServerKey, path: Path
) -> None:
    first, second = old(devices).encode() + b"# 1\n", old(devices).encode() + b"# 2\n"
    earlier, order = ordered(second), ordered(first)
    async with living(path):
        await until_more(gateway, "still")
        assert (await send(gateway, key, order, first)).result == "done"
        await until_last(gateway, "done")
    async with living(path):  # what was carried out is known after a restart, too
        await until_more(gateway, "still")
        for content, again in ((first, order), (second, earlier)):
            reply = await send(gateway, key, again, content)
            assert (reply.result, "was carried out already" in reply.reason) == ("refused", True), reply
        wrong = ordered(second, replaces=hashlib.sha256(old(devices).encode()).digest())
        assert "was changed since" in (await send(gateway, key, wrong, second)).reason
        right = ordered(second, replaces=hashlib.sha256(first).digest())
        assert (await send(gateway, key, right, second)).result == "done"


async def test_content_that_is_not_what_was_signed_is_dropped(
    gateway: FakeGateway, devices: dict[str, Thermometer], key: ServerKey, path: Path
) -> None:
    content = new(devices)
    order = ordered(content)
    async with living(path):
        await until_more(gateway, "still")
        assert (await announce(gateway, key, order)).values == {"offset": 0}
        false = {"sha256": order.sha256, "offset": 0, "content": b"x" * len(content)}
        reply = await gateway.asked(ITSELF, "piece", false)
        assert "not what was announced" in reply.reason
        assert "send the order first" in (await send_piece(gateway, content, 0)).reason
        assert (await announce(gateway, key, order)).values == {"offset": 0}
        assert "expected what follows byte 0" in (await send_piece(gateway, content, 5)).reason
        too_long = {"sha256": order.sha256, "offset": 0, "content": content + b"x"}
        assert "is no part of" in (await gateway.asked(ITSELF, "piece", too_long)).reason
        assert (await send(gateway, key, order, content)).result == "done"


async def test_a_transfer_goes_on_where_it_stopped_after_a_restart(
    gateway: FakeGateway, devices: dict[str, Thermometer], key: ServerKey, path: Path
) -> None:
    content = new(devices)
    order = ordered(content)
    async with living(path):
        await until_more(gateway, "still")
        await announce(gateway, key, order)
        half = len(content) // 2
        assert (await send_piece(gateway, content, 0, half)).values == {"offset": half}
    async with living(path):
        await until_more(gateway, "still")
        assert (await announce(gateway, key, order)).values == {"offset": half}
        later = ordered(content)  # signed anew, for the same content
        assert (await announce(gateway, key, later)).values == {"offset": half}
        reply = await send_piece(gateway, content, half)
        assert (reply.result, reply.values["added"]) == ("done", "new"), reply
        await until_more(gateway, "new")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[instruments.new]\nport = 5\nbaud = 3\n", ("instruments.new.port", "instruments.new.baud")),
        ('[agent]\nurl = "http://elsewhere"\n', ("leave it out",)),
        ("[instruments", ("not TOML",)),
        ("[instruments.agent]\nport = 'x'\n", ("agent is the agent itself",)),
        ("\ufeff\n", ("not TOML",)),
    ],
)
async def test_a_wrong_configuration_is_refused_with_its_mistakes_and_told(
    gateway: FakeGateway,
    devices: dict[str, Thermometer],
    key: ServerKey,
    path: Path,
    text: str,
    expected: tuple[str, ...],
) -> None:
    async with living(path):
        await until_more(gateway, "still")
        order = ordered(text.encode())
        reply = await send(gateway, key, order, text.encode())
        assert (reply.result, reply.reason.startswith("nothing was changed: ")) == ("refused", True), reply
        told = f"{reply.reason}\n{reply.values.get('mistakes', '')}"
        refused = await until_last(gateway, "refused")
        assert all(each in told and each in refused["reason"] for each in expected), (reply, refused)
        content = new(devices)  # a refused one does not stand in the way
        assert (await send(gateway, key, ordered(content), content)).result == "done"
    assert parts.rest(path.read_text()).encode() == content


async def test_a_file_that_may_not_be_written_is_refused_with_what_to_do(
    gateway: FakeGateway, devices: dict[str, Thermometer], key: ServerKey, path: Path
) -> None:
    content = new(devices)
    async with living(path):
        await until_more(gateway, "still")
        (path.parent / "agent.toml.new").mkdir()  # in the way of the new file, also of root
        reply = await send(gateway, key, ordered(content), content)
        assert (reply.result, "run deploy/install-agent again" in reply.reason) == ("refused", True), reply
    assert OrdersHeld(path.parent / "data").trial() is None


async def test_a_new_spool_is_on_trial_in_a_new_run(
    gateway: FakeGateway, devices: dict[str, Thermometer], key: ServerKey, path: Path
) -> None:
    content = ('[spool]\nbytes = "50MB"\n' + old(devices)).encode()
    async with living(path):
        await until_more(gateway, "still")
        reply = await send(gateway, key, ordered(content), content)
        assert (reply.result, reply.values.get("restarted")) == ("done", True), reply
        await until(lambda: len(epochs(gateway, "still")) == 2, "a new run samples")
        await until_last(gateway, "done")


async def test_while_one_is_on_trial_no_other_is_taken_and_a_change_by_hand_ends_the_trial(
    gateway: FakeGateway, devices: dict[str, Thermometer], key: ServerKey, path: Path
) -> None:
    content = new(devices)
    async with living(path, tuning=replace(TUNING, trial_s=3600)):
        await until_more(gateway, "still")
        assert (await send(gateway, key, ordered(content), content)).result == "done"
        assert "still on trial" in (await announce(gateway, key, ordered(content))).reason
        assert (await until_last(gateway, "under way"))["reason"] == "on trial"
        moved(path, old(devices))
        assert (await reloaded(gateway)).values["removed"] == "new"
        done = await until_last(gateway, "done")
        assert "changed here" in done["reason"]
    assert OrdersHeld(path.parent / "data").trial() is None


async def test_a_configuration_is_on_trial_until_there_is_a_gateway(
    gateway: FakeGateway, devices: dict[str, Thermometer], key: ServerKey, path: Path
) -> None:
    content = new(devices)
    async with living(path, tuning=replace(TUNING, trial_s=1.0)):
        await until_more(gateway, "still")
        assert (await send(gateway, key, ordered(content), content)).result == "done"
        await gateway.stop()
        looked = OrdersHeld(path.parent / "data")
        asked = len(devices["one"].asked)
        await until(lambda: len(devices["one"].asked) > asked + 15, "more than the time of the trial has passed")
        assert looked.trial() is not None
        await gateway.start()
        await until_last(gateway, "done")


async def test_a_fault_while_a_configuration_is_applied_brings_the_one_before_back_and_the_agent_begins_anew(
    gateway: FakeGateway,
    devices: dict[str, Thermometer],
    key: ServerKey,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make = making.make

    def faulty(name: str, wanted: InstrumentConfig, sink: Sink, places: Places) -> Instrument:
        if name == "new":
            raise ValueError("a fault")
        return make(name, wanted, sink, places)

    content = new(devices)
    async with living(path):
        await until_more(gateway, "still")
        monkeypatch.setattr(making, "make", faulty)
        order = ordered(content)
        reply = await send(gateway, key, order, content)
        assert (reply.result, "could not be applied: ValueError('a fault')" in reply.reason) == ("refused", True), reply
        await until(lambda: len(epochs(gateway, "still")) == 2, "the agent has begun anew")
        assert (await until_last(gateway, "rolled back"))["issued"] == order.issued
        assert path.read_text() == head(gateway.url) + old(devices)
        path.write_text(head(gateway.url) + content.decode())
        assert "fault in the agent" in (await reloaded(gateway)).reason
        await until(lambda: len(epochs(gateway, "still")) == 3, "the agent has begun anew")
    assert OrdersHeld(path.parent / "data").trial() is None


# --- the process dies ---------------------------------------------------------------------------------------------


PLACES = ("order_kept", "order_trial", "order_written", "order_noted", "order_applied", "order_passed")


@pytest.mark.parametrize("place", PLACES)
async def test_an_agent_that_is_killed_on_the_way_has_one_configuration_or_the_other(
    gateway: FakeGateway, devices: dict[str, Thermometer], key: ServerKey, path: Path, place: str
) -> None:
    content = new(devices)
    order = ordered(content)
    async with process(path, f"agent.{place}") as dying:
        await until_more(gateway, "still")
        sending = asyncio.create_task(send(gateway, key, order, content))
        async with asyncio.timeout(30):
            assert await dying.wait() == -signal.SIGKILL
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending
    async with process(path):
        await until(lambda: len(epochs(gateway, "still")) == 2, "it reads again")
        if place in ("order_kept", "order_trial"):
            reply = await send(gateway, key, order, content)  # nothing of it was done: it may be ordered again
            assert (reply.result, reply.values["added"]) == ("done", "new"), reply
        else:
            assert "was carried out already" in (await announce(gateway, key, order)).reason or (
                "on trial" in last(gateway)["reason"]
            )
        done = await until_last(gateway, "done")
        assert done["issued"] == order.issued
        await until_more(gateway, "new")
    assert parts.rest(path.read_text()).encode() == content
    assert OrdersHeld(path.parent / "data").trial() is None


async def test_a_configuration_with_which_the_agent_ends_twice_is_given_up(
    gateway: FakeGateway, devices: dict[str, Thermometer], key: ServerKey, path: Path
) -> None:
    content = new(devices)
    order = ordered(content)
    async with process(path, "agent.order_on_trial") as dying:
        await until_more(gateway, "still")
        assert (await send(gateway, key, order, content)).result == "done"
        async with asyncio.timeout(30):
            assert await dying.wait() == -signal.SIGKILL
    async with process(path, "agent.order_on_trial") as dying, asyncio.timeout(30):
        assert await dying.wait() == -signal.SIGKILL
    assert parts.rest(path.read_text()).encode() == content
    async with process(path, "agent.order_back") as dying, asyncio.timeout(30):
        assert await dying.wait() == -signal.SIGKILL  # and once more while it goes back
    async with process(path, "agent.order_on_trial"):
        back = await until_last(gateway, "rolled back")
        assert (back["issued"], "ended twice" in back["reason"]) == (order.issued, True)
        before = len(epochs(gateway, "still"))
        await until(lambda: len(epochs(gateway, "still")) >= before, "it reads")
        assert "was carried out already" in (await announce(gateway, key, order)).reason
        assert (await read_back(gateway))[0].decode() == old(devices)
    assert path.read_text() == head(gateway.url) + old(devices)


async def test_a_configuration_that_the_agent_cannot_start_with_any_more_is_given_up_at_once(
    gateway: FakeGateway, devices: dict[str, Thermometer], key: ServerKey, path: Path
) -> None:
    content = new(devices) + f'[instruments.more]\nport = "{path.parent / "four"}"\n'.encode()
    (path.parent / "four").symlink_to("/dev/null")
    async with living(path, tuning=replace(TUNING, trial_s=3600)):
        await until_more(gateway, "still")
        content = content.replace(b"[instruments.more]", b"[instruments.more]\nstream = [{ pattern = '(?P<x>a)' }]")
        content += b"[instruments.more.channels.x]\n"
        reply = await send(gateway, key, ordered(content), content)
        assert reply.result == "done", reply
    (path.parent / "four").unlink()
    (path.parent / "four").symlink_to(port(devices, "one"))  # now two instruments have one port
    async with living(path):
        back = await until_last(gateway, "rolled back")
        assert "cannot start with the new configuration" in back["reason"]
    assert path.read_text() == head(gateway.url) + old(devices)


async def test_commands_to_a_killed_agent_itself_are_on_record_and_its_end_is_a_gap_only_then(
    gateway: FakeGateway, devices: dict[str, Thermometer], key: ServerKey, path: Path
) -> None:
    async with process(path) as running:
        await until_more(gateway, "still")
        running.kill()
        await running.wait()
    async with process(path) as running:
        await until(lambda: len(epochs(gateway, "still")) == 2, "it reads again")
        assert (await gateway.asked(ITSELF, "reload")).result == "done"
        assert recorded_gaps(gateway, ITSELF) == []  # nobody had commanded it: there is nothing to miss
        asked = len(devices["one"].asked)
        await until(lambda: len(devices["one"].asked) > asked + 5, "what is known of this run is on disk")
        running.kill()
        await running.wait()
    async with living(path):
        await until(lambda: recorded_gaps(gateway, ITSELF), "the next run says so")
        await until_more(gateway, "still")
    (gap,) = recorded_gaps(gateway, ITSELF)
    assert gap.reason == gaps.AGENT_DIED
    assert gap.epoch in epochs(gateway, ITSELF)
    assert [one["name"] for one in gateway.records(ITSELF)] == ["reload"]
    async with living(path):
        await until(lambda: len(epochs(gateway, "still")) == 4, "after an orderly end")
        await until_more(gateway, "still")
    assert len(recorded_gaps(gateway, ITSELF)) == 1


# --- programs -----------------------------------------------------------------------------------------------------


async def test_a_program_is_handed_to_the_updater_and_its_word_is_told(
    gateway: FakeGateway, devices: dict[str, Thermometer], key: ServerKey, path: Path
) -> None:
    content, updater = b"a program" * 20_000, path.parent / "updater"
    folder = path.parent / "data" / "orders" / "program"
    async with living(path, updater=updater):
        await until_more(gateway, "still")
        assert (await announce(gateway, key, ordered(content, kind="program"))).reason == NO_UPDATER
        updater.touch()
        order = ordered(content, kind="program")
        reply = await send(gateway, key, order, content)
        assert (reply.result, reply.values["handed_over"]) == ("done", True), reply
        assert (folder / "ready").exists()
        assert (folder / "content").read_bytes() == content
        assert key.sign((folder / "order").read_bytes()) == (folder / "signature").read_bytes()
        assert (await until_last(gateway, "under way"))["kind"] == "program"
        assert "still to be installed" in (await announce(gateway, key, ordered(content, kind="program"))).reason
        (folder / "ready").unlink()  # as the updater does
        said = {"issued": order.issued, "sha256": order.sha256.hex(), "result": "rolled back", "reason": "no gateway"}
        (folder / "result").write_text(json.dumps(said))
        assert (await until_last(gateway, "rolled back"))["reason"] == "no gateway"
    (folder / "result").write_text(json.dumps(said | {"result": "done", "reason": ""}))
    async with living(path, updater=updater):
        await until_last(gateway, "done")  # also what was written while it was away
        assert "was carried out already" in (await announce(gateway, key, order)).reason
        configured = new(devices)
        assert (await send(gateway, key, ordered(configured), configured)).result == "done"
        await until(lambda: last(gateway).get("kind") == "configuration", "the newest order is told")
        await until_last(gateway, "done")
    async with living(path, updater=updater):  # what it heard of the program long ago is no news
        await until_more(gateway, "new")
        (folder / "result").write_text(json.dumps(said | {"issued": order.issued - 1, "result": "refused"}))
        (folder / "result").write_text("[]")
        asked = len(devices["one"].asked)
        await until(lambda: len(devices["one"].asked) > asked + 3, "it has looked meanwhile")
        assert (last(gateway)["kind"], last(gateway)["result"]) == ("configuration", "done")


async def test_an_agent_that_is_killed_while_it_hands_a_program_over_takes_it_again(
    gateway: FakeGateway, devices: dict[str, Thermometer], key: ServerKey, path: Path
) -> None:
    content = b"a program" * 100
    (path.parent / "updater").touch()
    order = ordered(content, kind="program")
    async with process(path, "agent.order_handed") as dying:
        await until_more(gateway, "still")
        sending = asyncio.create_task(send(gateway, key, order, content))
        async with asyncio.timeout(30):
            assert await dying.wait() == -signal.SIGKILL
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending
    assert not (path.parent / "data" / "orders" / "program" / "ready").exists()
    async with process(path):
        await until(lambda: len(epochs(gateway, "still")) == 2, "it reads again")
        assert (await send(gateway, key, order, content)).values.get("handed_over") is True


async def test_what_takes_too_much_room_is_refused(
    gateway: FakeGateway,
    devices: dict[str, Thermometer],
    key: ServerKey,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with living(path):
        await until_more(gateway, "still")
        monkeypatch.setattr(disk, "free_bytes", lambda _: 1_000_000)
        reply = await announce(gateway, key, ordered(new(devices)))
        assert "too little room" in reply.reason


# --- keys ---------------------------------------------------------------------------------------------------------


async def test_without_a_key_that_can_be_used_no_order_is_taken_and_the_agent_reads_on(
    gateway: FakeGateway, devices: dict[str, Thermometer], key: ServerKey, path: Path
) -> None:
    content = new(devices)
    async with living(path):
        await until_more(gateway, "still")
        (path.parent / "server.pub").write_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
        assert "is not the server's key" in (await announce(gateway, key, ordered(content))).reason
        (path.parent / "server.pub").unlink()
        assert "cannot be read" in (await announce(gateway, key, ordered(content))).reason
        assert (await read_back(gateway))[1].values["key"] == ""
        path.write_text(path.read_text().replace('server_key_file = "server.pub"\n', ""))
        assert (await reloaded(gateway)).values["restarted"] is True
        await until(lambda: len(epochs(gateway, "still")) == 2, "a new run samples")
        assert (await announce(gateway, key, ordered(content))).reason == NO_KEY
    assert 1.0 in values(gateway, "still")
