"""`kleinmaelzung batch` at a terminal, with a real gateway, broker, database and service of batches."""

import re
from pathlib import Path

import pytest

from tests.brokers import PASSWORD, TestBroker
from tests.integration.test_batches import BALANCE, KILN, OVEN, Malting, malting
from tests.terminals import Terminal

__all__ = ["malting"]  # a fixture
BEGAN, BEGAN_US = "2021-09-21T14:00:00Z", 1_632_232_800_000_000


@pytest.fixture
def at_terminal(malting: Malting, broker: TestBroker, tmp_path: Path) -> Terminal:
    return Terminal(malting.url, broker.mosquitto.passwords["admin"], tmp_path)


async def run(terminal: Terminal, *typed: str) -> str:
    """What is printed by what must go well."""
    code, out, err = await terminal.run("batch", *typed)
    assert (code, err) == (0, "")
    return out


async def test_a_batch_is_begun_noted_and_ended(at_terminal: Terminal) -> None:
    assert await run(at_terminal, "start", KILN, BALANCE, OVEN, "--at", BEGAN, "--note", "barley\nsieved") == (
        "batch Pilsner 7: began 2021-09-21 14:00:00+00:00\n"
        "no agent has said anything of pi-1/balance yet: is the name right, and pi-1 connected?\n"
        "no agent has said anything of pi-1/oven yet: is the name right, and pi-1 connected?\n"
    )
    marked = await run(at_terminal, "mark", KILN, "germination", "--at", "2021-09-21T18:00:00Z")
    assert marked == "batch Pilsner 7: germination began 2021-09-21 18:00:00+00:00\n"
    await run(at_terminal, "mark", KILN, "steeping", "--at", "2021-09-21T16:00:00Z")
    ended = await run(at_terminal, "end", KILN, "--at", "2021-09-22T02:00:00+02:00")
    assert ended == "batch Pilsner 7: ended 2021-09-22 00:00:00+00:00\n"
    assert (await run(at_terminal, "note", KILN, "judged")).startswith("batch Pilsner 7: noted ")
    assert await run(at_terminal, "add", KILN, "pi-2/scale") == (
        "batch Pilsner 7 is also over pi-2/scale\n"
        "no agent has said anything of pi-2/scale yet: is the name right, and pi-2 connected?\n"
    )
    shown = re.sub(r"(noted )?20(?!21)\d\d-[-0-9: +]{20}", "NOW", await run(at_terminal, "show", KILN))
    assert shown.splitlines() == [
        "Pilsner 7: began 2021-09-21 14:00:00+00:00, ended 2021-09-22 00:00:00+00:00",
        "pi-1/balance pi-1/oven pi-2/scale",
        "2021-09-21 14:00:00+00:00  started      admin  barley",
        "                                               sieved",
        "                                               (NOW)",
        "2021-09-21 16:00:00+00:00  steeping     admin  (NOW)",
        "2021-09-21 18:00:00+00:00  germination  admin  (NOW)",
        "2021-09-22 00:00:00+00:00  ended        admin  (NOW)",
        "NOW  note         admin  judged",
        "NOW  added        admin  pi-2/scale",
    ]


async def test_what_json_says(at_terminal: Terminal) -> None:
    began = await at_terminal.json("batch", "start", KILN, BALANCE, "--at", BEGAN)
    assert (began["kind"], began["time"], began["user"]) == ("started", BEGAN_US, "admin")
    assert (began["instruments"], began["unknown"]) == ([BALANCE], [BALANCE])
    assert (await at_terminal.json("batch", "mark", KILN, "kilning"))["stage"] == "kilning"
    assert (await at_terminal.json("batch", "end", KILN))["kind"] == "ended"
    assert (await at_terminal.json("batch", "reopen", KILN))["kind"] == "reopened"
    shown = await at_terminal.json("batch", "show", KILN)
    assert (shown["name"], shown["began"], shown["ended"], shown["open"]) == (KILN, BEGAN_US, None, True)
    assert [event["kind"] for event in shown["events"]] == ["started", "stage", "ended", "reopened"]
    [listed] = (await at_terminal.json("batch", "list"))["batches"]
    assert listed == {key: value for key, value in shown.items() if key != "events"}


async def test_the_list_says_which_there_are(at_terminal: Terminal) -> None:
    assert (await run(at_terminal, "list")).startswith("no batch yet that fits: kleinmaelzung batch start NAME ")
    await run(at_terminal, "start", "first", BALANCE, "--at", BEGAN)
    await run(at_terminal, "end", "first", "--at", "2021-09-21T15:00:00Z")
    await run(at_terminal, "start", "second", BALANCE, OVEN, "--at", "2021-09-21T16:00:00Z")
    await run(at_terminal, "mark", "second", "steeping", "--at", "2021-09-21T16:30:00Z")
    heading, second, first = (await run(at_terminal, "list")).splitlines()
    assert re.split(r"\s{2,}", heading) == ["BATCH", "BEGAN", "ENDED", "STAGE", "BY", "INSTRUMENTS"]
    assert re.split(r"\s{2,}", second)[2:] == ["-", "steeping", "admin", "pi-1/balance pi-1/oven"]
    assert re.split(r"\s{2,}", first)[1:3] == ["2021-09-21 14:00:00+00:00", "2021-09-21 15:00:00+00:00"]
    assert "first" not in await run(at_terminal, "list", "--open")
    assert (await run(at_terminal, "list", "--limit", "1")).splitlines()[-1] == "the newest 1; --limit N shows more"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (["start", "", BALANCE], "1 to 64 printable characters"),
        (["start", "a\x1bb", BALANCE], "1 to 64 printable characters"),
        (["start", "x" * 65, BALANCE], "1 to 64 printable characters"),
        (["start", KILN], "the following arguments are required: INSTRUMENT"),
        (["start", KILN, "balance"], "expected <agent>/<instrument>"),
        (["start", KILN, "pi-1/+"], "is not a name"),
        (["start", KILN, BALANCE, "--at", "2021-09-21 14:00"], "has no offset from UTC"),
        (["start", KILN, BALANCE, "--at", "yesterday"], "is no time"),
        (["start", KILN, BALANCE, "--note", ""], "a note of 0 characters"),
        (["mark", KILN, ""], "stage '' is none"),
        (["note", KILN, " "], "a note of 1 characters"),
        (["list", "--limit", "0"], "is no number of batches"),
        (["export", KILN], "a batch goes into a zip"),
        (["export", KILN, "-o", "x.csv"], "a batch goes into a zip"),
        (["dance", KILN], "invalid choice"),
    ],
)
async def test_wrong_usage_asks_nobody(tmp_path: Path, typed: list[str], sentence: str) -> None:
    terminal = Terminal("http://127.0.0.1:1", "malt", tmp_path)
    code, out, err = await terminal.run("batch", *typed)
    assert (code, out) == (2, "")
    assert sentence in err


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["history", BALANCE, "--batch", KILN, "-o", "x.zip"], "with --batch leave out both"),
        (["history", "--batch", KILN, "--from", "1h", "-o", "x.zip"], "with --batch leave out both"),
        (["history", "--batch", KILN], "a batch goes into a zip"),
        (["history"], "whose history?"),
        (["completeness", BALANCE, "--batch", KILN], "with --batch leave out both"),
    ],
)
async def test_a_batch_has_its_own_instruments_and_times(tmp_path: Path, command: list[str], sentence: str) -> None:
    code, out, err = await Terminal("http://127.0.0.1:1", "malt", tmp_path).run(*command)
    assert (code, out) == (2, "")
    assert sentence in err


async def test_what_the_server_refuses_is_a_sentence(at_terminal: Terminal, tmp_path: Path) -> None:
    await run(at_terminal, "start", KILN, BALANCE, "--at", BEGAN)
    refused = {
        ("start", "pilsner 7", OVEN): "there is a batch Pilsner 7 already",
        ("end", "Pilsner 8"): "there is no batch Pilsner 8 with an instrument under +/+: is the name right?",
        ("show", "Pilsner 8"): "there is no batch Pilsner 8",
        ("mark", KILN, "x", "--at", "2226-01-01T00:00:00Z"): "is in the future",
        ("end", KILN, "--at", "2020-01-01T00:00:00Z"): "is before batch Pilsner 7 began",
        ("export", "Pilsner 8", "-o", str(tmp_path / "x.zip")): "there is no batch Pilsner 8",
    }
    for typed, sentence in refused.items():
        code, out, err = await at_terminal.run("batch", *typed)
        assert (code, out) == (1, "")
        assert sentence in err
    assert list(tmp_path.glob("*.zip*")) == []


async def test_an_observer_may_look_and_no_more(malting: Malting, at_terminal: Terminal, tmp_path: Path) -> None:
    await run(at_terminal, "start", KILN, BALANCE)
    (tmp_path / "home").mkdir()
    otto = Terminal(malting.url, PASSWORD, tmp_path / "home")
    otto.environment["KLEINMAELZUNG_USER"] = "otto"
    assert KILN in await run(otto, "list")
    code, _, err = await otto.run("batch", "end", KILN)
    assert (code, "otto is observer" in err) == (1, True)
