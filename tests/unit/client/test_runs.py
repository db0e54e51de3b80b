"""How calibration runs are asked for and read: the answers are those of the service's own rules."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import pytest

from kleinmaelzung import CalibrationRun, Error, NotAccepted, Refused, RunActs, Runs, RunStep
from kleinmaelzung_services.calibration.runs import view
from kleinmaelzung_wire import codec, sockets
from kleinmaelzung_wire.codec import WireError
from tests.fakes_calibration import guided

Answering = Callable[[str, dict[str, Any]], Any]


class Desk:
    """Grants two patterns, and answers by a function."""

    def __init__(self, answer: Answering) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._answer = answer

    async def granted(self, pattern: str) -> list[str]:
        return ["pi-1/+", "pi-2/+"]

    async def by_one(self, role: str, ask: Callable[[Any], Awaitable[Any]], timeout_s: float) -> Any:
        assert role == "calibration"

        async def asking(name: str, question: dict[str, Any]) -> Any:
            self.asked.append((name, question))
            return codec.unpack(codec.pack(self._answer(name, question)))

        return await ask(asking)


def runs(answer: Answering) -> tuple[Runs, Desk]:
    desk = Desk(answer)
    return Runs(desk, None), desk  # type: ignore[arg-type]


def told() -> dict[str, Any]:
    return view.view(guided().begin().measure(5).run)


async def test_a_run_is_found_under_the_grant_that_shows_it_and_told_whole() -> None:
    def answer(name: str, question: dict[str, Any]) -> Any:
        if question["instrument"] == "pi-1/+":
            raise Refused("there is no run R-2026-0001", sockets.UNKNOWN)
        return {"run": told()}

    found, desk = runs(answer)
    run = await found.show("R-2026-0001")
    assert [question["instrument"] for _, question in desk.asked] == ["pi-1/+", "pi-2/+"]
    plain = codec.unpack(codec.pack(codec.from_json(codec.to_json(asdict(run)))))
    expected = codec.from_json(codec.to_json(told()))
    assert {key: plain[key] for key in expected} == expected  # and nothing of the contract is lost
    step = run.step(2)
    assert isinstance(step, RunStep)
    assert (step.is_done, step.frames[0].epoch, run.is_open) == (True, 7, True)
    test = run.test(0)
    assert test is not None
    assert test.kind == "repeatability"


async def test_what_no_grant_shows_is_unknown() -> None:
    def answer(name: str, question: dict[str, Any]) -> Any:
        raise Refused("there is no run", sockets.UNKNOWN)

    with pytest.raises(Refused, match="there is no run"):
        await runs(answer)[0].show("R-2026-0009")


async def test_what_is_refused_otherwise_is_not_asked_again() -> None:
    def answer(name: str, question: dict[str, Any]) -> Any:
        raise Refused("vera is observer", sockets.NOT_PERMITTED)

    found, desk = runs(answer)
    with pytest.raises(Refused, match="vera is observer"):
        await found.act("R-2026-0001", "begin")
    assert len(desk.asked) == 1


async def test_a_run_is_created_from_a_name_or_from_bytes() -> None:
    found, desk = runs(lambda name, question: {"run": told(), "mistakes": []})
    standards = {"weights": ["WS-1", "WS-2"], "reference@top left": "T-1"}
    await found.create("balance", "pi-1/balance", standards, sensors={"temperature": "pi-1/room/air"}, id="one")
    await found.create("balance", "pi-1/balance", {}, channels={"mass": "weight"})
    await found.create(b"id = 1", "pi-1/balance", {}, received="2026-11-23")
    [(name, first), (_, named), (_, second)] = desk.asked
    assert (name, first["template"], first["id"], first["received"]) == ("run-create", "balance", "one", None)
    assert first["standards"] == [
        {"role": "weights", "name": "WS-1", "position": ""},
        {"role": "weights", "name": "WS-2", "position": ""},
        {"role": "reference", "name": "T-1", "position": "top left"},
    ]
    assert (first["channels"], named["channels"]) == ({}, {"mass": "weight"})
    assert first["sensors"] == {"temperature": "pi-1/room/air"}
    assert isinstance(second["template"], bytes)
    assert len(second["id"]) == 32


async def test_all_that_forbids_it_is_raised() -> None:
    found, _ = runs(lambda name, question: {"run": None, "mistakes": ["WS-1 is overdue", "no sensor"]})
    with pytest.raises(NotAccepted, match="WS-1 is overdue\nno sensor") as caught:
        await found.create("balance", "pi-1/balance", {})
    assert caught.value.mistakes == ("WS-1 is overdue", "no sensor")


async def test_pages_of_events_are_joined() -> None:
    pages = {None: ([1, 2], True), 2: ([7], False)}

    def answer(name: str, question: dict[str, Any]) -> Any:
        numbers, more = pages[question["after"]]
        event = {"time": 1, "user": "anna", "kind": "ticked", "details": {"check": "levelled"}, "hash": "ab"}
        return {"events": [{"number": number, **event} for number in numbers], "more": more}

    assert [event.number for event in await runs(answer)[0].events("R-2026-0001")] == [1, 2, 7]


async def test_runs_of_several_grants_are_put_in_order() -> None:
    summary = view.summary(guided().run)

    def answer(name: str, question: dict[str, Any]) -> Any:
        one = int(question["instrument"][3])
        return {"runs": [{**summary, "run": f"R-2026-000{one}", "created": one}], "more": False}

    assert [one.run for one in await runs(answer)[0].find(is_open=True)] == ["R-2026-0002", "R-2026-0001"]


def test_each_act_by_name_is_taken_by_the_service() -> None:
    """A whole run, by the rules of the service itself."""
    made = guided()

    def act(name: str, arguments: dict[str, Any]) -> None:
        made.act(name, **arguments)

    acts = RunActs(act)
    acts.tick("levelled")
    acts.tick("levelled", undone=True)
    acts.tick("levelled")
    acts.tick("warmed up")
    acts.answer("convection", 0.1, "mg")
    acts.begin()
    acts.place(1)
    acts.lift()
    acts.deviate("no draught shield")
    acts.pause("lunch")
    acts.resume()
    acts.command("tare")
    made.measure(6)
    acts.strike(5, "the door slammed")
    acts.skip(1, "no room")
    made.measure()
    acts.measure_again("too warm")
    acts.strike(9, "too warm")
    made.measure()
    acts.adjust("span", "+1 mg", "0 mg")
    acts.begin()
    made.measure()
    made.calculate()
    made.act("review", "berta", approve=False, text="again")
    acts.abort("it fell down")
    assert made.run.state == "aborted"


@pytest.mark.parametrize(
    ("key", "value"),
    [("state", "new"), ("steps", None), ("acts", [1]), ("instrument", "x"), ("questions", [{}]), ("next", "1")],
)
def test_what_is_no_run_is_refused(key: str, value: Any) -> None:
    with pytest.raises(WireError):
        CalibrationRun.from_map({**told(), key: value})


@pytest.mark.parametrize("answer", [None, {}, {"run": {}, "mistakes": []}, {"run": None, "mistakes": "no"}])
async def test_an_answer_that_is_none_is_an_error(answer: Any) -> None:
    with pytest.raises(Error, match="is it of another version"):
        await runs(lambda name, question: answer)[0].act("R-2026-0001", "begin")
