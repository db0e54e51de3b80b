"""How the register is asked: pages, files, the log piece by piece."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung import ConnectionLost, Error, NotAccepted, Refused, Register
from kleinmaelzung_wire import sockets
from kleinmaelzung_wire.register import MAX_FILE, MAX_PIECE
from tests.unit.client.test_runs import Answering, Desk


def entry(name: str, **more: Any) -> dict[str, Any]:
    told = {"content": {}, "number": 1, "time": 1, "user": "anna", "is_retired": False, "due": "", "is_overdue": False}
    return {"kind": "standard", "name": name, **told, "sha256": "", **more}


def register(answer: Answering) -> tuple[Register, Desk]:
    desk = Desk(answer)
    return Register(desk), desk  # type: ignore[arg-type]


async def test_pages_of_several_grants_are_joined_each_entry_once() -> None:
    pages = {None: (["A", "B"], True), "B": (["C"], False)}

    def answer(name: str, question: dict[str, Any]) -> Any:
        names, more = pages[question["after"]]
        return {"entries": [entry(one) for one in names], "more": more}

    assert [one.name for one in await register(answer)[0].standards()] == ["A", "B", "C"]


async def test_a_laboratory_that_was_not_entered_yet_is_none() -> None:
    assert await register(lambda name, question: {"entries": [], "more": False})[0].laboratory() is None


async def test_who_changed_what_is_read_to_the_end() -> None:
    def answer(name: str, question: dict[str, Any]) -> Any:
        number = {None: 9, 9: 4}[question["after"]]
        told = {"time": 1, "user": "anna", "kind": "put", "reason": "", "before": {}, "after": {"unit": "g"}}
        return {"entry": entry("A"), "changes": [{"number": number, **told, "file": ""}], "more": number == 9}

    found, changes = await register(answer)[0].show("standard", "A")
    assert (found.name, [change.number for change in changes]) == ("A", [9, 4])


async def test_an_item_is_entered_under_the_grant_that_it_falls_under() -> None:
    def answer(name: str, question: dict[str, Any]) -> Any:
        if question["instrument"] == "pi-1/+":
            raise Refused("pi-2/scale is not under pi-1/+", sockets.UNKNOWN)
        return {"entry": entry("pi-2/scale", kind="item"), "mistakes": []}

    found, desk = register(answer)
    assert (await found.put("item", "pi-2/scale", {"maker": "x"}, id="one")).name == "pi-2/scale"
    assert [question["instrument"] for _, question in desk.asked] == ["pi-1/+", "pi-2/+"]
    assert "file_sha256" not in desk.asked[0][1]


class Taking:
    """Takes a file in pieces as the service does; `lost` counts the pieces whose answers do not arrive."""

    def __init__(self, have: bytes = b"", lost: int = 0) -> None:
        self.have, self.lost = have, lost

    def __call__(self, name: str, question: dict[str, Any]) -> Any:
        if name == "register-put":
            return {"entry": entry("A"), "mistakes": []}
        assert len(question["content"]) <= MAX_PIECE
        if question["offset"] == len(self.have):
            self.have += question["content"]
        if self.lost and question["content"]:
            self.lost -= 1
            raise ConnectionLost("the connection ended")
        return {"have": len(self.have), "total": question["total"]}


CONTENT = bytes(range(256)) * 1000  # four pieces


async def test_a_file_is_sent_in_pieces_before_the_entry_names_it(tmp_path: Path) -> None:
    file = tmp_path / "D-K-1.pdf"
    file.write_bytes(CONTENT)
    for given in (CONTENT, file, str(file)):
        taking, told = Taking(), list[tuple[int, int]]()
        found, desk = register(taking)
        await found.put("standard", "A", {}, file=given, progress=lambda *one, told=told: told.append(one))
        assert taking.have == CONTENT
        assert [name for name, _ in desk.asked] == ["register-upload"] * 5 + ["register-put"]
        assert desk.asked[-1][1]["file_sha256"] == hashlib.sha256(CONTENT).hexdigest()
        assert told == [(place * MAX_PIECE, len(CONTENT)) for place in range(4)] + [(len(CONTENT), len(CONTENT))]


async def test_a_file_goes_on_where_it_was() -> None:
    taking = Taking(have=CONTENT[:MAX_PIECE], lost=2)
    found, desk = register(taking)
    await found.upload(CONTENT)
    assert taking.have == CONTENT
    sent = [question["offset"] for _, question in desk.asked if question["content"]]
    assert sent == [MAX_PIECE, 2 * MAX_PIECE, 3 * MAX_PIECE]
    found, desk = register(Taking(have=CONTENT))
    await found.upload(CONTENT)
    assert len(desk.asked) == 1  # it was there


async def test_a_connection_that_is_lost_again_and_again_is_told() -> None:
    def answer(name: str, question: dict[str, Any]) -> Any:
        raise ConnectionLost("the connection ended")

    with pytest.raises(ConnectionLost):
        await register(answer)[0].upload(CONTENT)


async def test_a_service_that_takes_no_more_of_a_file_is_told() -> None:
    found, _ = register(lambda name, question: {"have": 0, "total": question["total"]})
    with pytest.raises(Error, match="the server takes no more of the file"):
        await found.upload(CONTENT)


async def test_a_file_that_is_too_large_or_empty_is_not_sent(tmp_path: Path) -> None:
    found, desk = register(Taking())
    (large := tmp_path / "large.pdf").write_bytes(bytes(MAX_FILE + 2))
    (empty := tmp_path / "empty.pdf").touch()
    with pytest.raises(Error, match="more than 16 MiB: scan it in grey"):
        await found.put("standard", "A", {}, file=large)
    with pytest.raises(Error, match="is empty: choose another"):
        await found.put("standard", "A", {}, file=empty)
    with pytest.raises(Error, match=r"missing\.pdf cannot be read: No such file"):
        await found.put("standard", "A", {}, file=tmp_path / "missing.pdf")
    assert desk.asked == []


async def test_all_that_is_wrong_with_an_entry_is_raised() -> None:
    found, _ = register(lambda name, question: {"entry": None, "mistakes": ["serial: missing", "unit: missing"]})
    with pytest.raises(NotAccepted, match="serial: missing\nunit: missing"):
        await found.put("standard", "A", {})


async def test_a_file_is_put_together_and_checked() -> None:
    content = b"certificate" * 100

    def answer(name: str, question: dict[str, Any]) -> Any:
        return {"content": content[question["offset"] :][:500], "total": len(content), "sha256": ""}

    found, desk = register(answer)
    assert await found.file(hashlib.sha256(content).hexdigest()) == content
    assert len(desk.asked) == 3
    with pytest.raises(Error, match="did not come as it was stored"):
        await found.file("0" * 64)


async def test_what_a_standard_was_used_for_is_told_once() -> None:
    def answer(name: str, question: dict[str, Any]) -> Any:
        used = {
            "instrument": "pi-1/balance",
            "revision": 1,
            "state": "issued",
            "verdict": "pass",
            "is_withdrawn": False,
        }
        number = question["after"]
        one = {"run": f"R-2026-000{number}", "certificate": "K-1", "time": number, **used}
        return {"results": [one], "more": number == 0}

    found, _ = register(answer)
    assert [one.run for one in await found.impact("A", since=5)] == ["R-2026-0001", "R-2026-0000"]


async def test_the_log_is_followed_from_head_to_head() -> None:
    pieces: dict[Any, Any] = {
        None: {"checked": 200, "wrong": "", "first_wrong": None, "head": {"number": 200, "hash": "aa"}, "more": True},
        200: {"checked": 3, "wrong": "", "first_wrong": None, "head": {"number": 203, "hash": "bb"}, "more": False},
    }
    asked = []

    def answer(name: str, question: dict[str, Any]) -> Any:
        asked.append(question["after"])
        return pieces[question["after"] and question["after"]["number"]]

    check = await register(answer)[0].verify()
    assert (check.is_whole, check.checked, check.head) == (True, 203, "203:bb")
    assert asked == [None, {"number": 200, "hash": "aa"}]
    pieces[200] |= {"checked": 1, "wrong": "entry 202 was edited", "first_wrong": 202}
    damaged = await register(answer)[0].verify()
    assert (damaged.is_whole, damaged.first_wrong, damaged.checked) == (False, 202, 201)
    pieces[200] |= {"wrong": "the register of certificates: entry 1 was edited", "first_wrong": None}
    assert not (await register(answer)[0].verify()).is_whole


async def test_a_server_that_does_not_come_further_is_no_whole_log() -> None:
    piece = {"checked": 0, "wrong": "", "first_wrong": None, "head": {"number": 0, "hash": ""}, "more": True}
    assert not (await register(lambda name, question: piece)[0].verify()).is_whole
