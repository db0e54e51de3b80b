"""`kleinmaelzung instruments`, `watch`, `send` and `doctor`, and how the command is used at all."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_wire import messages
from tests.fakes_client_gateway import NOW_US, FakeGateway, add_balance, add_logger
from tests.integration.test_client import eventually
from tests.terminals import Terminal

BALANCE = "pi-1/balance"


async def test_instruments_for_people(terminal: Terminal) -> None:
    code, out, err = await terminal.run("instruments")
    assert (code, err) == (0, "")
    assert "pi-1/balance  connected  weight 12.345 g, " in out
    assert "Balance by the window" in out


async def test_instruments_as_json(terminal: Terminal) -> None:
    (balance,) = await terminal.json("instruments")
    assert (balance["instrument"], balance["state"], balance["live"]) == (BALANCE, "connected", True)
    assert balance["latest"]["weight"]["value"] == 12.345


async def test_an_offline_instruments_value_is_marked_as_its_last(
    fake_gateway: FakeGateway, terminal: Terminal
) -> None:
    add_balance(fake_gateway, online=False)
    _, out, _ = await terminal.run("instruments")
    assert "pi-1/balance  offline  (last: weight 12.345 g, " in out


async def test_watch_prints_a_json_line_for_each_sample(fake_gateway: FakeGateway, terminal: Terminal) -> None:
    process = await terminal.start("watch", BALANCE, "--count", "2", "--json")
    await eventually(lambda: f"{BALANCE}/data" in fake_gateway.watched())
    for number in (1, 2, 3):
        await fake_gateway.publish_frame(BALANCE, number)
    out, err = await process.communicate()
    lines = [json.loads(line) for line in out.splitlines()]
    assert (process.returncode, err, len(lines)) == (0, b"", 2)
    assert lines[0] == {
        "instrument": BALANCE,
        "epoch": 7,
        "number": 1,
        "time": NOW_US + 1,
        "channels": {"weight": 12.5},
        "units": {"weight": "g"},
        "quality": {"weight": "good"},
    }


async def test_watch_goes_on_after_a_lost_connection_and_says_so(fake_gateway: FakeGateway, terminal: Terminal) -> None:
    process = await terminal.start("watch", BALANCE, "--count", "1")
    await eventually(lambda: f"{BALANCE}/data" in fake_gateway.watched())
    await fake_gateway.drop()
    await eventually(lambda: f"{BALANCE}/data" in fake_gateway.watched())
    await fake_gateway.publish_frame(BALANCE, 1)
    out, err = await process.communicate()
    assert out.decode() == "2026-09-21 14:13:20.000+00:00  pi-1/balance  weight 12.5 g\n"
    assert b"lost, trying again: broker lost" in err
    assert process.returncode == 0


@pytest.mark.parametrize("closing", [True, False])
async def test_a_closed_pipe_and_ctrl_c_are_quiet(fake_gateway: FakeGateway, terminal: Terminal, closing: bool) -> None:
    process = await terminal.start("watch", BALANCE)
    assert process.stdout is not None
    assert process.stderr is not None
    await eventually(lambda: f"{BALANCE}/data" in fake_gateway.watched())
    if closing:
        process.stdout._transport.close()  # type: ignore[attr-defined]
        number = 0
        while process.returncode is None:  # the first may still find the pipe open
            number += 1
            await fake_gateway.publish_frame(BALANCE, number)
            await asyncio.sleep(0.02)
    else:
        process.send_signal(signal.SIGINT)
    assert await process.stderr.read() == b""
    assert await process.wait() == 0


async def test_watching_a_misspelt_name_says_what_there_is(terminal: Terminal) -> None:
    code, out, err = await terminal.run("watch", "pi-1/balanse")
    assert (code, out) == (1, "")
    assert err == "kleinmaelzung: there is no instrument pi-1/balanse; known are: pi-1/balance\n"


async def test_send_types_its_arguments_and_says_done(fake_gateway: FakeGateway, terminal: Terminal) -> None:
    code, out, err = await terminal.run("send", BALANCE, "set-target", "mass=20", "mode=fast")
    assert (code, out, err) == (0, "set-target done in 0.3 s: mass 20, mode fast\n", "")
    (sent,) = [question for question in fake_gateway.questions if question[0] == "send"]
    assert sent[2:] == [BALANCE, "set-target", {"mass": 20.0, "mode": "fast"}, {"timeout": 3}]


async def test_send_finds_mistakes_before_sending(fake_gateway: FakeGateway, terminal: Terminal) -> None:
    code, _, err = await terminal.run("send", BALANCE, "set-target", "mass=900")
    assert (code, err) == (2, "kleinmaelzung: mass is 900, expected a number from 0 to 200 in g\n")
    assert "send" not in [question[0] for question in fake_gateway.questions]


async def test_a_command_without_answer_fails(fake_gateway: FakeGateway, terminal: Terminal) -> None:
    async def silent(*question: Any) -> messages.Reply:
        return messages.Reply(id="c", name="tare", user="admin", result="timeout")

    fake_gateway.execute = silent
    code, out, err = await terminal.run("send", BALANCE, "tare", "--json")
    assert (code, json.loads(out)["result"]) == (1, "timeout")
    assert err.startswith("tare of pi-1/balance had no answer in time")


async def test_doctor_says_what_is_broken_and_what_to_do(fake_gateway: FakeGateway, terminal: Terminal) -> None:
    add_balance(fake_gateway, state="silent")
    add_logger(fake_gateway, healthy=False, reason="database: its disk is full")
    code, out, _ = await terminal.run("doctor")
    assert code == 1
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "BROKEN database logger: its disk is full" in lines
    assert "-> make room on the database's disk (df -h there); the log goes on by itself then" in lines
    assert any(line.startswith("BROKEN instrument pi-1/balance the port is open, and nothing comes") for line in lines)
    assert lines[-1] == "6 broken, 1 to see to, 11 well, 2 not checked"


async def test_doctor_with_a_wrong_password(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wheat")
    code, out, err = await terminal.run("doctor")
    assert (code, err) == (1, "")
    assert "BROKEN   login  " in out
    assert "-        agent  " in out


async def test_a_server_that_is_not_there(terminal: Terminal, unused_tcp_port: int) -> None:
    terminal.environment["KLEINMAELZUNG_URL"] = f"http://127.0.0.1:{unused_tcp_port}"
    code, out, err = await terminal.run("instruments")
    assert (code, out) == (1, "")
    assert err.startswith("kleinmaelzung: cannot reach http://127.0.0.1:")
    assert err.count("\n") == 1
    code, out, _ = await terminal.run("doctor")
    assert (code, "BROKEN   server" in out) == (1, True)


async def test_no_server_given_is_wrong_usage(terminal: Terminal) -> None:
    del terminal.environment["KLEINMAELZUNG_URL"]
    code, _, err = await terminal.run("instruments")
    assert (code, err.startswith("kleinmaelzung: which server?")) == (2, True)


@pytest.mark.parametrize("typed", [[], ["brew"], ["watch"], ["watch", BALANCE, "--count", "0"], ["agent", "add", "Pi"]])
async def test_wrong_usage(terminal: Terminal, typed: list[str]) -> None:
    code, out, err = await terminal.run(*typed)
    assert (code, out) == (2, "")
    assert err
