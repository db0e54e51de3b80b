"""The server's key at an enrolment, against gateways that are older or lie: real sockets and the real program."""

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from kleinmaelzung_wire import access, enrolment, orders, sockets
from tests.newcomers import Machine

CODE = "7F3K-9QXD"
PAD = enrolment.keys("pi-9", CODE).pad
KEY = b"k" * 32


@asynccontextmanager
async def gateway(**key: Any) -> AsyncIterator[str]:
    """One that hands over a secret, and this."""
    content = {"agent": "pi-9", "sealed": enrolment.seal(access.make_secret(), PAD), **key}

    async def answer(websocket: ServerConnection) -> None:
        await websocket.recv()
        await websocket.send(sockets.encode(["enrolled", content], sockets.MSGPACK))
        await websocket.close()

    async with serve(answer, "127.0.0.1", 0, subprotocols=[Subprotocol(sockets.MSGPACK)]) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def test_the_key_is_kept_for_all_to_read_and_its_fingerprint_is_shown(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "pi")
    async with gateway(key=enrolment.seal_key(KEY, PAD)) as url:
        done, out, err = await machine.enrol(url, CODE)
    assert (done, err) == (0, "")
    assert orders.fingerprint(KEY) in out
    key_file = machine.config.parent / machine.agent["server_key_file"]
    assert (key_file.name, orders.read_pem(key_file.read_text())) == ("server.pub", KEY)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o644


async def test_a_key_that_somebody_put_in_its_place_ends_the_enrolment_and_nothing_is_kept(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "pi")
    for forged in (enrolment.seal_key(KEY, bytes(len(PAD))), KEY, b"k"):
        async with gateway(key=forged) as url:
            done, out, err = await machine.enrol(url, CODE)
        assert (done, out, "does not fit the code" in err) == (1, "", True)
        assert list((tmp_path / "pi").iterdir()) == []


async def test_by_a_gateway_without_a_key_an_earlier_one_is_no_longer_trusted(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "pi")
    async with gateway(key=enrolment.seal_key(KEY, PAD)) as url:
        await machine.enrol(url, CODE)
    async with gateway() as url:
        done, out, err = await machine.enrol(url, CODE)
    assert (done, err, "nobody configures or updates this agent" in out) == (0, "", True)
    assert "server_key_file" not in machine.agent
    assert not (tmp_path / "pi" / "server.pub").exists()
