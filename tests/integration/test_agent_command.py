"""The command kleinmaelzung-agent: exit codes, sentences, and no secret in what it writes."""

import asyncio
import base64
import sys
from pathlib import Path

from kleinmaelzung_agent.__main__ import COMMANDS
from kleinmaelzung_agent.spool.spool import open_spool
from tests.fakes_gateway import SECRET, FakeGateway
from tests.waiting import until


def written(directory: Path, url: str) -> Path:
    path = directory / "agent.toml"
    path.write_text(f'[agent]\nname = "pi-1"\nurl = "{url}"\nsecret = "{SECRET}"\ndata = "data"\n[instruments]\n')
    path.chmod(0o600)
    return path


async def started(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kleinmaelzung_agent", *arguments, stderr=asyncio.subprocess.PIPE
    )


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str]:
    try:
        async with asyncio.timeout(20):
            _, error = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    return process.returncode, error.decode()


async def said(*arguments: str) -> tuple[int | None, str, str]:
    """Exit code, output, error output."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "kleinmaelzung_agent", *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(60):
        out, error = await process.communicate()
    return process.returncode, out.decode(), error.decode()


async def test_a_wrong_configuration_is_told_and_exits_2(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text('[agent]\nnam = "pi-1"\n')
    code, error = await ended(await started("--config", str(path)))
    assert code == 2
    assert "agent.name" in error
    assert "Traceback" not in error


async def test_help_names_each_command_and_each_has_its_own_help() -> None:
    code, told, _ = await said("--help")
    shown = {line.split()[0]: line for line in told.splitlines() if line.startswith("    ")}
    assert (code, set(COMMANDS) < set(shown), "check" in shown) == (0, True, True)
    for name, (_, meaning) in COMMANDS.items():
        assert meaning.split()[0] in shown[name]
        code, told, _ = await said(name, "--help")
        assert (code, told.startswith(f"usage: kleinmaelzung-agent {name} ")) == (0, True)


async def test_a_command_that_does_not_stand_first_or_does_not_exist_is_refused() -> None:
    for typed, sentence in [
        (("--config", "agent.toml", "ports"), "ports stands first"),
        (("port",), "invalid choice: 'port' (choose from"),
        ((), "the following arguments are required: --config"),
    ]:
        code, out, error = await said(*typed)
        assert (code, out, sentence in error) == (2, "", True), error


async def test_a_data_directory_in_use_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = written(tmp_path, "ws://127.0.0.1:9")
    async with open_spool(tmp_path / "data"):
        code, error = await ended(await started("--config", str(path)))
    assert code == 1
    assert "in use by another agent" in error
    assert len(error.splitlines()) == 1


async def test_it_connects_ends_in_order_and_never_writes_its_secret(tmp_path: Path) -> None:
    async with FakeGateway() as gateway:
        path = written(tmp_path, gateway.url.replace("http", "ws"))
        process = await started("--config", str(path), "--log-level", "debug")
        await until(lambda: gateway.status() is not None, "connected")
        process.terminate()
        code, error = await ended(process)
        status = gateway.status()
    assert code == 0
    assert status is not None
    assert (status.online, status.reason) == (False, "stopped")
    assert SECRET not in error
    assert base64.b64encode(f"pi-1:{SECRET}".encode()).decode() not in error
