"""The command `kleinmaelzung` as a process of its own, against a gateway that speaks the contract."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_wire import messages
from kleinmaelzung_wire.requests import Answer
from tests.fakes_client_gateway import NOW_US, FakeGateway, add_balance, add_logger, running
from tests.integration.test_client import eventually

BALANCE = "pi-1/balance"


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with running(FakeGateway()) as served:
        add_balance(served)
        add_logger(served)
        yield served


class Terminal:
    """Runs `kleinmaelzung` with a home of its own, logged in by the environment."""

    def __init__(self, gateway: FakeGateway, home: Path) -> None:
        self._home = home
        (home / "password").write_text("malt\n")
        self.environment = {
            "HOME": str(home),
            "TZ": "UTC",
            "KLEINMAELZUNG_URL": gateway.url,
            "KLEINMAELZUNG_USER": "admin",
            "KLEINMAELZUNG_PASSWORD_FILE": str(home / "password"),
        }

    async def start(self, *typed: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        command = (sys.executable, "-m", "kleinmaelzung", *typed)
        return await asyncio.create_subprocess_exec(*command, env=self.environment, stdout=pipe, stderr=pipe)

    async def run(self, *typed: str) -> tuple[int, str, str]:
        """Exit code, output, error output."""
        process = await self.start(*typed)
        async with asyncio.timeout(20):
            out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def json(self, *typed: str) -> Any:
        code, out, err = await self.run(*typed, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)


@pytest.fixture
def terminal(gateway: FakeGateway, tmp_path: Path) -> Terminal:
    return Terminal(gateway, tmp_path)


async def test_instruments_for_people(terminal: Terminal) -> None:
    code, out, err = await terminal.run("instruments")
    assert (code, err) == (0, "")
    assert "pi-1/balance  connected  weight 12.345 g, " in out
    assert "Balance by the window" in out


async def test_instruments_as_json(terminal: Terminal) -> None:
    (balance,) = await terminal.json("instruments")
    assert (balance["instrument"], balance["state"], balance["live"]) == (BALANCE, "connected", True)
    assert balance["latest"]["weight"]["value"] == 12.345


async def test_an_offline_instruments_value_is_marked_as_its_last(gateway: FakeGateway, terminal: Terminal) -> None:
    add_balance(gateway, online=False)
    _, out, _ = await terminal.run("instruments")
    assert "pi-1/balance  offline  (last: weight 12.345 g, " in out


async def test_watch_prints_a_json_line_for_each_sample(gateway: FakeGateway, terminal: Terminal) -> None:
    process = await terminal.start("watch", BALANCE, "--count", "2", "--json")
    await eventually(lambda: f"{BALANCE}/data" in gateway.watched())
    for number in (1, 2, 3):
        await gateway.publish_frame(BALANCE, number)
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


async def test_watch_goes_on_after_a_lost_connection_and_says_so(gateway: FakeGateway, terminal: Terminal) -> None:
    process = await terminal.start("watch", BALANCE, "--count", "1")
    await eventually(lambda: f"{BALANCE}/data" in gateway.watched())
    await gateway.drop()
    await eventually(lambda: f"{BALANCE}/data" in gateway.watched())
    await gateway.publish_frame(BALANCE, 1)
    out, err = await process.communicate()
    assert out.decode() == "2026-09-21 14:13:20.000+00:00  pi-1/balance  weight 12.5 g\n"
    assert b"lost, trying again: broker lost" in err
    assert process.returncode == 0


@pytest.mark.parametrize("closing", [True, False])
async def test_a_closed_pipe_and_ctrl_c_are_quiet(gateway: FakeGateway, terminal: Terminal, closing: bool) -> None:
    process = await terminal.start("watch", BALANCE)
    assert process.stdout is not None
    assert process.stderr is not None
    await eventually(lambda: f"{BALANCE}/data" in gateway.watched())
    if closing:
        process.stdout._transport.close()  # type: ignore[attr-defined]
        await gateway.publish_frame(BALANCE, 1)
    else:
        process.send_signal(signal.SIGINT)
    assert await process.stderr.read() == b""
    assert await process.wait() == 0


async def test_watching_a_misspelt_name_says_what_there_is(terminal: Terminal) -> None:
    code, out, err = await terminal.run("watch", "pi-1/balanse")
    assert (code, out) == (1, "")
    assert err == "kleinmaelzung: there is no instrument pi-1/balanse; known are: pi-1/balance\n"


async def test_send_types_its_arguments_and_says_done(gateway: FakeGateway, terminal: Terminal) -> None:
    code, out, err = await terminal.run("send", BALANCE, "set-target", "mass=20", "mode=fast")
    assert (code, out, err) == (0, "set-target done in 0.3 s: mass 20, mode fast\n", "")
    (sent,) = [question for question in gateway.questions if question[0] == "send"]
    assert sent[2:] == [BALANCE, "set-target", {"mass": 20.0, "mode": "fast"}, {"timeout": 3}]


async def test_send_finds_mistakes_before_sending(gateway: FakeGateway, terminal: Terminal) -> None:
    code, _, err = await terminal.run("send", BALANCE, "set-target", "mass=900")
    assert (code, err) == (2, "kleinmaelzung: mass is 900, expected a number from 0 to 200 in g\n")
    assert "send" not in [question[0] for question in gateway.questions]


async def test_a_command_without_answer_fails(gateway: FakeGateway, terminal: Terminal) -> None:
    async def silent(*question: Any) -> messages.Reply:
        return messages.Reply(id="c", name="tare", user="admin", result="timeout")

    gateway.execute = silent
    code, out, err = await terminal.run("send", BALANCE, "tare", "--json")
    assert (code, json.loads(out)["result"]) == (1, "timeout")
    assert err.startswith("tare of pi-1/balance had no answer in time")


async def test_an_agent_is_added_listed_and_removed(gateway: FakeGateway, terminal: Terminal) -> None:
    code, out, _ = await terminal.run("agent", "add", "pi-1")
    assert code == 0
    assert f'[agent]\nname = "pi-1"\nurl = "ws://127.0.0.1:{gateway.port}"\nsecret = "' in out
    assert gateway.passwords["agent:pi-1"] in out
    assert await terminal.json("agent", "list") == [{"agent": "pi-1", "online": True, "since": NOW_US}]
    code, _, err = await terminal.run("agent", "add", "pi-1")
    assert (code, err.split(":")[:2]) == (1, ["kleinmaelzung", " agent pi-1 exists already"])
    assert await terminal.json("agent", "remove", "pi-1") == {"agent": "pi-1", "removed": True}
    code, _, err = await terminal.run("agent", "remove", "pi-1")
    assert (code, "does not exist" in err) == (1, True)


async def test_a_user_is_added_and_gets_another_password(
    gateway: FakeGateway, terminal: Terminal, tmp_path: Path
) -> None:
    added = await terminal.json("user", "add", "otto", "--role", "operator")
    assert gateway.accounts["otto"] == ["user:otto"]
    rights = {"role": "operator", "instruments": ["+/+"]}
    assert added == {"user": "otto", "password": gateway.passwords["otto"], **rights}
    assert gateway.rights == {"otto": rights}
    (tmp_path / "new").write_text("hops\n")
    assert await terminal.json("user", "password", "otto", "--new-password-file", str(tmp_path / "new")) == {
        "user": "otto"
    }
    assert gateway.passwords["otto"] == "hops"
    assert await terminal.json("user", "list") == [{"user": "otto", **rights}]
    await terminal.json("user", "remove", "otto")
    assert (gateway.accounts, gateway.rights) == ({}, {"otto": None})


async def test_a_user_is_kept_to_instruments_and_changed(gateway: FakeGateway, terminal: Terminal) -> None:
    typed = ("--role", "operator", "--instrument", "pi-1/balance", "--instrument", "pi-2/+")
    added = await terminal.json("user", "add", "nele", *typed)
    assert added["instruments"] == ["pi-1/balance", "pi-2/+"]
    _, out, _ = await terminal.run("user", "list")
    assert out == "nele  operator of pi-1/balance, pi-2/+\n"
    changed = await terminal.json("user", "change", "nele", "--role", "observer")
    assert changed == {"user": "nele", "role": "observer", "instruments": ["pi-1/balance", "pi-2/+"]}
    _, out, _ = await terminal.run("user", "change", "nele", "--instrument", "+/+")
    assert out == "user nele is now observer; open sessions have ended\n"
    assert gateway.rights["nele"] == {"role": "observer", "instruments": ["+/+"]}


@pytest.mark.parametrize(
    ("typed", "code", "sentence"),
    [
        (("add", "x", "--role", "observer", "--instrument", "pi-1"), 2, "is no pattern of instruments"),
        (("add", "x", "--role", "admin", "--instrument", "pi-1/+"), 2, "an admin manages all accounts"),
        (("change", "x"), 2, "say what is to change"),
        (("change", "x", "--role", "observer"), 1, "does not exist"),
        (("change", "admin", "--role", "observer"), 1, "nobody changes their own rights"),
    ],
)
async def test_rights_that_cannot_be_are_told(
    terminal: Terminal, typed: tuple[str, ...], code: int, sentence: str
) -> None:
    ended, out, err = await terminal.run("user", *typed)
    assert (ended, out) == (code, "")
    assert sentence in err


async def test_many_accounts_are_listed_in_pages(gateway: FakeGateway, terminal: Terminal) -> None:
    gateway.accounts = {f"agent:pi-{number}": [] for number in range(120)}
    assert len(await terminal.json("agent", "list")) == 120


async def test_accounts_are_for_admins(gateway: FakeGateway, terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("barley")
    code, out, err = await terminal.run("user", "list", "--user", "anna")
    assert (code, out, err) == (1, "", "kleinmaelzung: anna is not permitted to manage accounts\n")


async def test_doctor_finds_all_well(terminal: Terminal) -> None:
    found = await terminal.json("doctor")
    assert found["ok"] is True
    assert [finding["check"] for finding in found["checks"]] == [
        *("server", "login", "gateway", "broker", "logger", "agent pi-1", "pi-1/balance")
    ]


async def test_doctor_says_what_is_broken_and_what_to_do(gateway: FakeGateway, terminal: Terminal) -> None:
    add_balance(gateway, state="silent")
    add_logger(gateway, healthy=False, reason="the disk is full")
    code, out, _ = await terminal.run("doctor")
    assert code == 1
    assert "BROKEN  logger        cannot record: the disk is full\n" in out
    assert "BROKEN  pi-1/balance  silent, " in out
    assert "-> look whether it is switched on" in out


async def test_doctor_with_a_wrong_password(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wheat")
    code, out, err = await terminal.run("doctor")
    assert (code, err) == (1, "")
    assert "BROKEN  login   " in out


async def test_a_server_that_is_not_there(terminal: Terminal, unused_tcp_port: int) -> None:
    terminal.environment["KLEINMAELZUNG_URL"] = f"http://127.0.0.1:{unused_tcp_port}"
    code, out, err = await terminal.run("instruments")
    assert (code, out) == (1, "")
    assert err.startswith("kleinmaelzung: cannot reach http://127.0.0.1:")
    assert err.count("\n") == 1
    code, out, _ = await terminal.run("doctor")
    assert (code, "BROKEN  server" in out) == (1, True)


async def test_no_server_given_is_wrong_usage(terminal: Terminal) -> None:
    del terminal.environment["KLEINMAELZUNG_URL"]
    code, _, err = await terminal.run("instruments")
    assert (code, err.startswith("kleinmaelzung: which server?")) == (2, True)


@pytest.mark.parametrize("typed", [[], ["brew"], ["watch"], ["watch", BALANCE, "--count", "0"], ["agent", "add", "Pi"]])
async def test_wrong_usage(terminal: Terminal, typed: list[str]) -> None:
    code, out, err = await terminal.run(*typed)
    assert (code, out) == (2, "")
    assert err


# completeness


def logged(instrument: str = BALANCE, *, missing: int = 0, reason: str = "", **more: Any) -> dict[str, Any]:
    """What a logger says of an instrument with one run of 4812 frames."""
    expected, epoch, since = 4812, 7, NOW_US
    run = {"epoch": epoch, "first": 1, "last": expected, "received": expected - missing, "missing": missing}
    hole = {"epoch": epoch, "run_since": since, "first": 17, "last": 16 + missing, "kind": "missing", "reason": reason}
    return {
        "instrument": instrument,
        "expected": expected,
        "received": expected - missing,
        "missing": missing,
        "explained": missing if reason else 0,
        "quarantined": 0,
        "conflicts": 0,
        "percent": (expected - missing) * 10_000 // expected / 100,
        "runs": [{**run, "quarantined": 0, "conflicts": 0, "since": since, "until": since + 60_000_000}],
        "ranges": [{**hole, "detail": ""}] if missing else [],
        "gaps": [],
        "more_runs": 0,
        "more_ranges": 0,
        "more_gaps": 0,
        **more,
    }


def answer_with(gateway: FakeGateway, *instruments: dict[str, Any]) -> None:
    gateway.answer = lambda *_: Answer(ok=True, content={"instruments": [*instruments], "more": False})


def gap(since: int | None, until: int | None, detail: str = "") -> dict[str, Any]:
    return {"since": since, "until": until, "reason": "port lost", "detail": detail}


async def test_nothing_is_missing(gateway: FakeGateway, terminal: Terminal) -> None:
    answer_with(gateway, logged(), logged("pi-1/thermometer"))
    assert await terminal.run("completeness") == (
        0,
        "pi-1/balance      4812 of 4812, no gap\npi-1/thermometer  4812 of 4812, no gap\n",
        "",
    )
    assert (await terminal.json("completeness"))["ok"] is True


async def test_what_is_missing_has_its_reason_or_the_exit_code_says_so(
    gateway: FakeGateway, terminal: Terminal
) -> None:
    gaps = [
        gap(NOW_US + 3_600_000_000, None, "/dev/ttyUSB0 is not there"),
        gap(NOW_US, NOW_US + 250_000_000, "\x1b[2J"),
        gap(NOW_US, NOW_US + 86_400_000_000),
        gap(None, None),
    ]
    answer_with(gateway, logged(missing=12, reason="spool full", gaps=gaps, more_gaps=3))
    code, out, err = await terminal.run("completeness", BALANCE)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "pi-1/balance  4800 of 4812, 99.75 %",
        "    frames 17 to 28 of run 2026-09-21 14:13:20+00:00: spool full",
        "    since 2026-09-21 15:13:20+00:00: port lost (/dev/ttyUSB0 is not there)",
        "    2026-09-21 14:13:20+00:00 to 14:17:30+00:00: port lost (\ufffd[2J)",
        "    2026-09-21 14:13:20+00:00 to 2026-09-22 14:13:20+00:00: port lost",
        "    at an unknown time: port lost",
        "    and 3 times before these in which nothing was taken",
    ]
    answer_with(gateway, {**logged(missing=1), "missing": 9, "more_ranges": 4})
    code, out, _ = await terminal.run("completeness")
    assert code == 1
    assert "    frame 17 of run 2026-09-21 14:13:20+00:00: not known yet\n    and 8 frames before these\n" in out


async def test_quarantine_and_conflicts_are_said_by_text_and_exit_code(
    gateway: FakeGateway, terminal: Terminal
) -> None:
    kept = {"epoch": 7, "run_since": NOW_US, "first": 5, "last": 5, "kind": "quarantined"}
    ranges = [{**kept, "reason": "time", "detail": "in 2001"}]
    answer_with(gateway, logged(quarantined=1, received=4811, percent=99.97, ranges=ranges))
    code, out, _ = await terminal.run("completeness")
    assert code == 1
    assert "4811 of 4812, 99.97 %" in out
    assert "    frame 5 of run 2026-09-21 14:13:20+00:00: in quarantine, time (in 2001)" in out
    answer_with(gateway, logged(conflicts=2))
    code, out, _ = await terminal.run("completeness")
    assert code == 1
    assert "    2 frames came with a number that was taken; the first ones stayed" in out


async def test_what_agents_still_have_is_said(gateway: FakeGateway, terminal: Terminal) -> None:
    answer_with(gateway, logged())
    gateway.retained["pi-1/status"] = messages.AgentStatus(online=True, unlogged=12).encode()
    gateway.retained["pi-2/status"] = messages.AgentStatus(online=False).encode()
    _, out, _ = await terminal.run("completeness")
    assert out.splitlines()[1:] == [
        "pi-1: 12 frames are still on the agent",
        "pi-2: offline, so whether it still has frames is not known here",
    ]
    found = await terminal.json("completeness", BALANCE)
    assert found["agents"] == [{"agent": "pi-1", "online": True, "unlogged": 12}]
    assert found["instruments"][0]["runs"][0]["received"] == 4812


async def test_the_question_has_the_times_and_goes_to_a_logger_that_answers(
    gateway: FakeGateway, terminal: Terminal
) -> None:
    add_logger(gateway, healthy=False, name="a-logger")
    add_logger(gateway, name="zweiter")
    asked: list[tuple[str, dict[str, Any]]] = []

    def answer(service: str, body: dict[str, Any], options: dict[str, Any]) -> Answer:
        asked.append((service, body))
        if service != "a-logger":
            return Answer(ok=False, code="unavailable", sentence="it has just gone")
        page = [logged()] if body["after"] is None else [logged("pi-1/thermometer")]
        return Answer(ok=True, content={"instruments": page, "more": body["after"] is None})

    gateway.answer = answer
    times = ("--from", "2026-09-21 14:00", "--to", "2026-09-22T00:00:00+02:00")
    found = await terminal.json("completeness", "pi-1/+", *times)
    assert [one["instrument"] for one in found["instruments"]] == [BALANCE, "pi-1/thermometer"]
    assert [service for service, _ in asked] == ["logger", "zweiter", "a-logger", "a-logger"]
    assert asked[-1][1] == {
        "request": "completeness",
        "instrument": "pi-1/+",
        "from": 1_789_999_200_000_000,
        "to": 1_790_028_000_000_000,
        "after": BALANCE,
    }


async def test_without_a_logger_or_such_an_instrument_a_sentence_says_so(
    gateway: FakeGateway, terminal: Terminal
) -> None:
    gateway.answer = lambda *_: Answer(ok=False, code="unknown", sentence="nothing of pi-1/x has ever been logged")
    assert await terminal.run("completeness", "pi-1/x") == (
        1,
        "",
        "kleinmaelzung: nothing of pi-1/x has ever been logged\n",
    )
    answer_with(gateway)
    code, out, _ = await terminal.run("completeness")
    assert (code, out[:31]) == (0, "nothing has been logged yet: ha")
    gateway.answer = lambda *_: Answer(ok=True, content={"instruments": [{"instrument": 3}]})
    code, _, err = await terminal.run("completeness")
    assert (code, "is it of another version?" in err) == (1, True)
    del gateway.retained["_service/logger/status"]
    code, _, err = await terminal.run("completeness")
    assert (code, "there is no logger at the moment" in err) == (1, True)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (["pi-1"], "is not a name"),
        (["+/+", "--from", "yesterday"], "'yesterday' is no time, expected one like 2026-11-20"),
        (["+/+", "--to", "1800-01-01"], "is too far away"),
        (["+/+", "--from", "2026-11-21", "--to", "2026-11-20"], "--from is later than --to"),
    ],
)
async def test_completeness_used_wrongly(terminal: Terminal, typed: list[str], sentence: str) -> None:
    code, _, err = await terminal.run("completeness", *typed)
    assert code == 2
    assert sentence in err


async def test_the_help_says_what_the_exit_codes_mean(terminal: Terminal) -> None:
    _, out, _ = await terminal.run("completeness", "--help")
    assert "Exit code: 0 when every frame was logged or there is a known reason" in " ".join(out.split())
