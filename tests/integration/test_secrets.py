"""No password, secret or token in any log, however much is logged and whoever logs in, rightly or wrongly."""

import asyncio
import sys
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

import kleinmaelzung
from kleinmaelzung_local import system
from kleinmaelzung_wire import access
from tests import rude, sockets
from tests.rude import handshake

WRONG = "wrong-and-never-to-be-logged"
TOKEN = "token-and-never-to-be-logged"


async def agent_until(directory: Path, url: str, secret: str, sentence: bytes) -> bytes:
    """What an agent logs for debugging until a sentence comes."""
    config = directory / "agent.toml"
    config.touch(mode=0o600)
    config.write_text(f'[agent]\nname = "pi-1"\nurl = "{url}"\nsecret = "{secret}"\ndata = "spool"\n')
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "kleinmaelzung_agent", "--config", str(config), "--log-level", "debug"),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    logged = b""
    try:
        async with asyncio.timeout(30):
            while sentence not in logged:
                more = await process.stderr.readline()
                assert more, logged
                logged += more
        process.terminate()
        return logged + (await process.communicate())[1]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_nothing_secret_is_logged_even_for_debugging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLEINMAELZUNG_LOG", "DEBUG")
    monkeypatch.setenv("KLEINMAELZUNG_LOG_LEVEL", "debug")
    data, secret = tmp_path / "server", access.make_secret()
    async with system.run(system.Choices(data=data, port=0)) as running:
        password = running.password_file.read_text()
        url = running.url.replace("http://", "ws://")
        async with kleinmaelzung.connect(running.url, user="admin", password=password) as lab:
            answers = await lab.access(access.add_agent("pi-1", secret))
            assert not any("error" in answer for answer in answers), answers
        with pytest.raises(kleinmaelzung.NotLoggedIn) as refused:
            async with kleinmaelzung.connect(running.url, user="admin", password=WRONG):
                pass
        async with sockets.socket(url, "/client", sockets.JSON) as hello:
            await hello.send("hello", {"user": "admin", "password": password})
            await hello.expect("welcome")
        async with rude.connected(url) as one:
            await one.ask("/client", handshake(url) | {"Authorization": f"Bearer {TOKEN}"})
            await one.closing()
        with pytest.raises(InvalidStatus) as query:
            async with sockets.socket(url, f"/client?token={TOKEN}"):
                pass
        logged = await agent_until(tmp_path, running.url, secret, b"connected to the gateway")
        logged += await agent_until(tmp_path, running.url, WRONG, b"does not know agent")
    logged += b"".join(path.read_bytes() for path in (data / "log").iterdir())
    logged += (str(refused.value) + str(query.value) + str(query.value.response)).encode()
    assert b"refused: user admin with a wrong password" in logged
    secrets = {path.name: path.read_text().strip() for path in (data / "secrets").iterdir()}
    assert len(secrets) >= 5
    secrets |= {"agent": secret, "wrong": WRONG, "token": TOKEN}
    encoded = {
        f"{name} in its header": sockets.basic(user, one)["Authorization"].removeprefix("Basic ")
        for name, user, one in (
            ("admin", "admin", password),
            ("wrong", "admin", WRONG),
            ("agent", "pi-1", secret),
            ("wrong agent", "pi-1", WRONG),
        )
    }
    assert [name for name, one in (secrets | encoded).items() if one.encode() in logged] == []
