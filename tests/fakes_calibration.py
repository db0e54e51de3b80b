"""A calibration service behind the fake gateway: one run, led by the real service's own pure rules, without any stream.

What waits is captured when a test says so, or at once. Everything is kept in memory: no broker, no database.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from kleinmaelzung_services.calibration.runs import acting, view
from kleinmaelzung_services.calibration.runs.events import Calculated, Commanded
from kleinmaelzung_services.calibration.runs.permitting import Refused
from kleinmaelzung_services.calibration.templates import checking, shipped
from kleinmaelzung_services.calibration.templates.template import Template
from kleinmaelzung_services.requests import RequestRefused
from kleinmaelzung_wire import runs, sockets
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.requests import Answer
from kleinmaelzung_wire.runs import Live, LiveSignal
from tests.calibrating import TEMPLATE
from tests.fakes_client_gateway import FakeGateway, add_service
from tests.unit.services.calibration_runs.guided import HASH, Guided, created

RUN: Final = "R-2026-0001"
BALANCE: Final = "pi-1/balance"
RESULTS: Final[Mapping[str, Any]] = {
    "as_found": {
        "verdict": "pass",
        "measurands": [
            {
                "name": "mass",
                "unit": "g",
                "error_unit": "mg",
                "points": 3,
                "largest_U": 0.31,
                "verdict": "pass",
                "notes": [],
                "results": [
                    {
                        "nominal": 50.0,
                        "direction": "up",
                        "repeats": 1,
                        "reference": 50.0,
                        "indication": 50.0002,
                        "error": 0.2,
                        "U": 0.31,
                        "k": 2.0,
                        "shown": {"error": "0.20", "U": "0.31"},
                        "lower": -1.0,
                        "upper": 1.0,
                        "verdict": "pass",
                    }
                ],
            }
        ],
    },
    "as_left": None,
}


def template(text: str = TEMPLATE) -> Template:
    found = checking.check(text.encode(), shipped.register()).template
    assert found is not None
    return found


def guided(by: str = "anna") -> Guided:
    """A run of the balance by the short template, just created."""
    made = Guided(template())
    first = created(made.template)
    made.events.clear()
    made.append([replace(first, item=replace(first.item, id=BALANCE))], by)
    return made


class FakeCalibration:
    """Answers what is asked about its one run. With `is_quick` a step that is placed is stable at once."""

    def __init__(self, gateway: FakeGateway, *, is_quick: bool = True) -> None:
        self.gateway = gateway
        self.guided = guided()
        self.asked: list[dict[str, Any]] = []
        self.is_quick = is_quick
        self.late = 0  # how often frames are not in the log yet
        self.away = 0  # how often it does not answer, though it does what is asked
        self.mistakes: list[str] = []  # what forbids a run
        self._done: dict[str, Answer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        add_service(gateway, "calibration")
        gateway.answer = self.answer

    @property
    def view(self) -> dict[str, Any]:
        return view.view(self.guided.run)

    def answer(self, service: str, body: dict[str, Any], options: dict[str, Any]) -> Answer:
        self.asked.append(body)
        if self.away:
            self.away -= 1
            if body["request"] == runs.ACT:
                self._done[body["id"]] = self._act(body)  # it is done, and nobody hears of it
            return Answer(ok=False, code=sockets.UNAVAILABLE, sentence="the database cannot be read: connection lost")
        match body["request"]:
            case runs.CREATE if self.mistakes:
                return Answer(ok=True, content={"run": None, "mistakes": self.mistakes})
            case runs.CREATE:
                return Answer(ok=True, content={"run": self.view, "mistakes": []})
            case runs.SHOW if body["run"] == RUN:
                return Answer(ok=True, content={"run": self.view})
            case runs.LIST:
                return Answer(ok=True, content={"runs": [view.summary(self.guided.run)], "more": False})
            case runs.ACT if body["run"] == RUN:
                return self._done.get(body["id"]) or self._act(body)
            case runs.EVENTS:
                events = [
                    {"number": one.number, "time": one.time_us, "user": one.user, "kind": "ticked", "details": {}}
                    for one in self.guided.events
                ]
                return Answer(ok=True, content={"events": [{**one, "hash": HASH} for one in events], "more": False})
        return Answer(ok=False, code=sockets.UNKNOWN, sentence=f"there is no run {body.get('run')}")

    def _act(self, body: dict[str, Any]) -> Answer:
        arguments = {
            key: value for key, value in body.items() if key not in ("request", "instrument", "run", "act", "id")
        }
        try:
            self._do(body["act"], arguments)
        except Refused as refused:
            return Answer(ok=True, content={"run": self.view, "mistakes": list(refused.mistakes)})
        except RequestRefused as refused:
            return Answer(ok=False, code=refused.code, sentence=str(refused))
        except WireError as error:
            return Answer(ok=False, code=sockets.BAD_MESSAGE, sentence=str(error))
        self._done[body["id"]] = done = Answer(ok=True, content={"run": self.view, "mistakes": []})
        return done

    def _do(self, act: str, arguments: dict[str, Any]) -> None:
        match act:
            case "calculate" if self.late:
                self.late -= 1
                raise Refused(
                    sockets.CONFLICT, "frames 7 to 9 are not in the log yet, is the logger running? try again"
                )
            case "calculate":
                made = Calculated(data_sha256=HASH, verdict="pass", results=RESULTS)
                self.guided.act(act, found=acting.Found(calculated=made), **arguments)
            case "command":
                made_of = Commanded(name=arguments["name"], result="done", arguments=arguments["arguments"])
                self.guided.act(act, found=acting.Found(commanded=made_of), **arguments)
            case "review":
                self.guided.act(act, "berta", **arguments)
            case _:
                self.guided.act(act, **arguments)
        if act == "place":
            self._soon(self.stable() if self.is_quick else self.tell("unsteady"))

    async def stable(self) -> None:
        """What waits has become stable and is captured."""
        await self.tell("stable")
        self.guided.capture()
        await self.tell("idle")

    async def give_up(self, reason: str) -> None:
        waiting = self.guided.run.waiting
        assert waiting is not None
        self.guided.append(acting.gave_up(self.guided.run, waiting.step, waiting.attempt, reason), waiting.by)
        await self.tell("idle")

    async def tell(self, status: Any, value: float = 100.0001) -> None:
        run = self.guided.run
        own = LiveSignal(
            role="",
            instrument=BALANCE,
            channel="weight",
            value=value,
            unit="g",
            status=status,
            length_s=0.2,
            window_s=0.4,
        )
        live = Live(
            run=RUN,
            state=run.state,
            phase=run.phase,
            head=run.head,
            step=run.waiting.step if run.waiting else None,
            left_s=4.0 if run.waiting else None,
            signals=[own],
        )
        await self.gateway.publish(f"{BALANCE}/run", live.encode(), retain=True)

    def _soon(self, telling: Any) -> None:
        task = asyncio.get_running_loop().create_task(telling, name="fake-calibration")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
