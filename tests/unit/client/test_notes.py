"""How notes are asked for by several grants, and put in order."""

from typing import Any

import pytest

from kleinmaelzung import Error, notes


def note(number: int, at: int, **more: Any) -> dict[str, Any]:
    told = {"instrument": "pi-1/balance", "until": None, "text": "x", "user": "anna", "noted": at, "withdrawn": None}
    return {"number": number, "at": at, **told, **more}


async def test_what_several_grants_show_is_put_in_order() -> None:
    pages = {
        ("pi-1/+", None): {"notes": [note(4, 90), note(1, 50)], "more": True},
        ("pi-1/+", 1): {"notes": [note(2, 10)], "more": False},
        ("pi-2/+", None): {"notes": [note(5, 90), note(3, 20)], "more": False},
    }

    async def ask(name: str, question: dict[str, Any]) -> Any:
        assert (name, question["from"]) == ("note-list", 5)
        return pages[question["instrument"], question["after"]]

    found = await notes.find(ask, ["pi-1/+", "pi-2/+"], {"from": 5}, 10)
    assert [one.number for one in found] == [5, 4, 1, 3, 2]
    assert [one.number for one in await notes.find(ask, ["pi-1/+", "pi-2/+"], {"from": 5}, 2)] == [5, 4]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"notes": [note(1, 5)], "more": 1},
        {"notes": [note(1, 5, instrument="x")], "more": False},
        {"notes": [note(1, 5, until="x")], "more": False},
        {"notes": [note(1, 5, withdrawn={"user": "anna"})], "more": False},
    ],
)
async def test_an_answer_that_is_none_is_an_error(answer: Any) -> None:
    async def ask(name: str, question: dict[str, Any]) -> Any:
        return answer

    with pytest.raises(Error, match="is it of another version"):
        await notes.find(ask, ["+/+"], {}, 10)
