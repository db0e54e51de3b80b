"""How a batch over several grants is asked for, and put together again."""

from typing import Any

import pytest

from kleinmaelzung import Error, Refused, batches
from kleinmaelzung_wire import sockets
from kleinmaelzung_wire.rights import Rights

BALANCE, OVEN, SCALE = "pi-1/balance", "pi-1/oven", "pi-2/scale"
EVENT = {"number": 1, "kind": "started", "time": 1, "noted": 2, "user": "anna", "stage": "", "text": ""}


@pytest.mark.parametrize(
    ("granted", "found"),
    [
        (["+/+"], [("+/+", [BALANCE, OVEN, SCALE])]),
        (["pi-1/+", "+/+"], [("+/+", [BALANCE, OVEN, SCALE])]),
        (["pi-1/+", "pi-2/+"], [("pi-1/+", [BALANCE, OVEN]), ("pi-2/+", [SCALE])]),
        ([SCALE, OVEN, BALANCE], [(BALANCE, [BALANCE]), (OVEN, [OVEN]), (SCALE, [SCALE])]),
        (["pi-1/+"], [(SCALE, [SCALE]), ("pi-1/+", [BALANCE, OVEN])]),
    ],
)
def test_instruments_are_asked_for_by_grant_what_nobody_granted_first(granted: list[str], found: Any) -> None:
    assert batches.parts([BALANCE, OVEN, SCALE], granted) == found


class Service:
    """Answers by what was asked, and keeps it."""

    def __init__(self, *refused: str | None, code: str = sockets.UNKNOWN) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._refused = refused
        self._code = code

    async def ask(self, name: str, question: dict[str, Any]) -> Any:
        self.asked.append((name, question))
        if question.get("instrument") in self._refused:
            raise Refused(f"not by {question.get('instrument')}", self._code)
        return {"batch": "a", "event": {**EVENT, "instruments": []}}


async def test_who_began_is_asked_as_that_and_else_by_each_grant() -> None:
    service = Service(None, "pi-1/+")
    await batches.note(service.ask, Rights(role="operator", instruments=("pi-1/+", "pi-2/+")), "batch-end", {"id": "x"})
    assert [question for _, question in service.asked] == [
        {"id": "x"},
        {"id": "x", "instrument": "pi-1/+"},
        {"id": "x", "instrument": "pi-2/+"},
    ]


async def test_of_several_refusals_the_one_that_says_most_is_told() -> None:
    async def ask(name: str, question: dict[str, Any]) -> Any:
        code = sockets.NOT_PERMITTED if question.get("instrument") == "pi-1/+" else sockets.UNKNOWN
        raise Refused(str(question.get("instrument")), code)

    with pytest.raises(Refused, match=r"pi-1/\+"):
        await batches.note(ask, Rights(role="operator", instruments=("pi-1/+", "pi-2/+")), "batch-end", {})
    with pytest.raises(Refused, match=r"\+/\+"):
        await batches.note(Service(None, "+/+").ask, None, "batch-end", {})


async def test_other_refusals_end_it() -> None:
    service = Service(None, code=sockets.CONFLICT)
    with pytest.raises(Refused):
        await batches.note(service.ask, None, "batch-end", {})
    assert len(service.asked) == 1


async def test_without_word_of_grants_all_are_tried_and_then_each() -> None:
    service = Service("+/+", code=sockets.NOT_PERMITTED)
    await batches.start(service.ask, None, {"name": "a", "id": "x" * 64}, [BALANCE, SCALE])
    assert [(name, question["instrument"], question["id"]) for name, question in service.asked] == [
        ("batch-start", "+/+", "x" * 64),
        ("batch-start", BALANCE, "x" * 64),
        ("batch-add", SCALE, "x" * 60 + "+0"),
    ]


async def test_a_batch_over_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="name at least one"):
        await batches.start(Service().ask, None, {"name": "a", "id": "x"}, [])


def head(number: int, *instruments: str) -> dict[str, Any]:
    told = {"name": f"n{number}", "began": 1000 - number, "ended": None, "stage": None, "user": "anna"}
    return {"number": number, **told, "instruments": [*instruments]}


async def test_what_several_grants_show_is_put_together() -> None:
    pages = {
        ("pi-1/+", None): {"batches": [head(1, BALANCE), head(2, OVEN)], "more": True},
        ("pi-1/+", 2): {"batches": [head(4, OVEN)], "more": False},
        ("pi-2/+", None): {"batches": [head(1, SCALE), head(3, SCALE)], "more": False},
    }

    async def ask(name: str, question: dict[str, Any]) -> Any:
        assert (name, question["open"]) == ("batch-list", True)
        return pages[question["instrument"], question["after"]]

    found = await batches.find(ask, ["pi-1/+", "pi-2/+"], 10, is_open=True)
    assert [(batch.number, batch.instruments) for batch in found] == [
        (1, (BALANCE, SCALE)),
        (2, (OVEN,)),
        (3, (SCALE,)),
        (4, (OVEN,)),
    ]
    assert [batch.number for batch in await batches.find(ask, ["pi-1/+", "pi-2/+"], 2, is_open=True)] == [1, 2]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"batch": head(1, BALANCE), "events": [], "more": 1},
        {"batch": head(1, "x"), "events": [], "more": False},
        {"batch": head(1, BALANCE), "events": [{**EVENT, "instruments": [3]}], "more": False},
        {"batch": head(1, BALANCE), "events": [{**EVENT, "kind": "danced", "instruments": []}], "more": False},
    ],
)
async def test_an_answer_that_is_none_is_an_error(answer: Any) -> None:
    async def ask(name: str, question: dict[str, Any]) -> Any:
        return answer

    with pytest.raises(Error, match="is it of another version"):
        await batches.show(ask, ["+/+"], "a")
