"""`kleinmaelzung completeness`: a logger's answer as text, as JSON and as an exit code."""

from typing import Any

import pytest

from kleinmaelzung_wire import messages
from kleinmaelzung_wire.requests import Answer
from tests.fakes_client_gateway import NOW_US, FakeGateway, add_logger
from tests.terminals import Terminal

BALANCE = "pi-1/balance"


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


def answer_with(fake_gateway: FakeGateway, *instruments: dict[str, Any]) -> None:
    fake_gateway.answer = lambda *_: Answer(ok=True, content={"instruments": [*instruments], "more": False})


def gap(since: int | None, until: int | None, detail: str = "") -> dict[str, Any]:
    return {"since": since, "until": until, "reason": "port lost", "detail": detail}


async def test_nothing_is_missing(fake_gateway: FakeGateway, terminal: Terminal) -> None:
    answer_with(fake_gateway, logged(), logged("pi-1/thermometer"))
    assert await terminal.run("completeness") == (
        0,
        "pi-1/balance      4812 of 4812, no gap\npi-1/thermometer  4812 of 4812, no gap\n",
        "",
    )
    assert (await terminal.json("completeness"))["ok"] is True


async def test_what_is_missing_has_its_reason_or_the_exit_code_says_so(
    fake_gateway: FakeGateway, terminal: Terminal
) -> None:
    gaps = [
        gap(NOW_US + 3_600_000_000, None, "/dev/ttyUSB0 is not there"),
        gap(NOW_US, NOW_US + 250_000_000, "\x1b[2J"),
        gap(NOW_US, NOW_US + 86_400_000_000),
        gap(None, None),
    ]
    answer_with(fake_gateway, logged(missing=12, reason="spool full", gaps=gaps, more_gaps=3))
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
    answer_with(fake_gateway, {**logged(missing=1), "missing": 9, "more_ranges": 4})
    code, out, _ = await terminal.run("completeness")
    assert code == 1
    assert "    frame 17 of run 2026-09-21 14:13:20+00:00: not known yet\n    and 8 frames before these\n" in out


async def test_quarantine_and_conflicts_are_said_by_text_and_exit_code(
    fake_gateway: FakeGateway, terminal: Terminal
) -> None:
    kept = {"epoch": 7, "run_since": NOW_US, "first": 5, "last": 5, "kind": "quarantined"}
    ranges = [{**kept, "reason": "time", "detail": "in 2001"}]
    answer_with(fake_gateway, logged(quarantined=1, received=4811, percent=99.97, ranges=ranges))
    code, out, _ = await terminal.run("completeness")
    assert code == 1
    assert "4811 of 4812, 99.97 %" in out
    assert "    frame 5 of run 2026-09-21 14:13:20+00:00: in quarantine, time (in 2001)" in out
    answer_with(fake_gateway, logged(conflicts=2))
    code, out, _ = await terminal.run("completeness")
    assert code == 1
    assert "    2 frames came with a number that was taken; the first ones stayed" in out


async def test_what_agents_still_have_is_said(fake_gateway: FakeGateway, terminal: Terminal) -> None:
    answer_with(fake_gateway, logged())
    fake_gateway.retained["pi-1/status"] = messages.AgentStatus(online=True, unlogged=12).encode()
    fake_gateway.retained["pi-2/status"] = messages.AgentStatus(online=False).encode()
    _, out, _ = await terminal.run("completeness")
    assert out.splitlines()[1:] == [
        "pi-1: 12 frames are still on the agent",
        "pi-2: offline, so whether it still has frames is not known here",
    ]
    found = await terminal.json("completeness", BALANCE)
    assert found["agents"] == [{"agent": "pi-1", "online": True, "unlogged": 12}]
    assert found["instruments"][0]["runs"][0]["received"] == 4812


async def test_the_question_has_the_times_and_goes_to_a_logger_that_answers(
    fake_gateway: FakeGateway, terminal: Terminal
) -> None:
    add_logger(fake_gateway, healthy=False, name="a-logger")
    add_logger(fake_gateway, name="zweiter")
    asked: list[tuple[str, dict[str, Any]]] = []

    def answer(service: str, body: dict[str, Any], options: dict[str, Any]) -> Answer:
        asked.append((service, body))
        if service != "a-logger":
            return Answer(ok=False, code="unavailable", sentence="it has just gone")
        page = [logged()] if body["after"] is None else [logged("pi-1/thermometer")]
        return Answer(ok=True, content={"instruments": page, "more": body["after"] is None})

    fake_gateway.answer = answer
    times = ("--from", "2026-09-21T14:00:00Z", "--to", "2026-09-22T00:00:00+02:00")
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
    fake_gateway: FakeGateway, terminal: Terminal
) -> None:
    fake_gateway.answer = lambda *_: Answer(ok=False, code="unknown", sentence="nothing of pi-1/x has ever been logged")
    assert await terminal.run("completeness", "pi-1/x") == (
        1,
        "",
        "kleinmaelzung: nothing of pi-1/x has ever been logged\n",
    )
    answer_with(fake_gateway)
    code, out, _ = await terminal.run("completeness")
    assert (code, out[:31]) == (0, "nothing has been logged yet: ha")
    fake_gateway.answer = lambda *_: Answer(ok=True, content={"instruments": [{"instrument": 3}]})
    code, _, err = await terminal.run("completeness")
    assert (code, "is it of another version?" in err) == (1, True)
    del fake_gateway.retained["_service/logger/status"]
    code, _, err = await terminal.run("completeness")
    assert (code, "there is no logger at the moment" in err) == (1, True)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (["pi-1"], "is not a name"),
        (["+/+", "--from", "yesterday"], "'yesterday' is no time, expected one like 2026-11-22T08:00:00+01:00"),
        (["+/+", "--to", "1800-01-01"], "is no time of a measurement"),
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
