"""Which agents are told what is stored of them, and when."""

from dataclasses import replace

from kleinmaelzung_services.logger import telling
from kleinmaelzung_services.logger.telling import Telling
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.messages import AgentStatus

STATUS = AgentStatus(online=True, nonce="n1", epoch=7, spool={"keep_s": 604_800, "asked": 0, "previous": 5})


def see(told: Telling, status: AgentStatus, agent: str = "pi-1") -> None:
    told.see(topics.status(agent), status.encode())


def agents(told: Telling, now_s: float) -> list[str]:
    return [present.agent for present in told.due(now_s)]


def test_an_agent_is_told_once_and_again_after_a_while() -> None:
    told = Telling()
    see(told, STATUS)
    [present] = told.due(0.0)
    assert (present.epochs, present.keep_s, present.reaches_s) == ((7, 5), 604_800, 15 * 86_400.0)
    see(told, replace(STATUS, taken=9))
    assert agents(told, telling.EVERY_S - 1) == []
    assert agents(told, telling.EVERY_S) == ["pi-1"]


def test_whoever_comes_anew_or_asks_is_told_at_once() -> None:
    told = Telling()
    for status in (STATUS, replace(STATUS, nonce="n2"), replace(STATUS, spool={"keep_s": 0, "asked": 1})):
        see(told, status)
        assert agents(told, 1.0) == ["pi-1"]
        assert agents(told, 1.0) == []


def test_a_database_that_was_connected_anew_may_be_another() -> None:
    told = Telling()
    see(told, STATUS)
    assert agents(told, 0.0) == ["pi-1"]
    told.begin()
    assert agents(told, 1.0) == ["pi-1"]


def test_who_does_not_keep_is_told_of_its_own_runs_only() -> None:
    told = Telling()
    see(told, replace(STATUS, spool={"keep_s": 0, "asked": 0}))
    [present] = told.due(0.0)
    assert (present.epochs, present.reaches_s) == ((7, 0), 0.0)


def test_nobody_is_told_who_is_not_there_or_does_not_know_how() -> None:
    told = Telling()
    for status in (replace(STATUS, spool={}), replace(STATUS, spool={"keep_s": "7d", "asked": 0})):
        see(told, status)
        assert agents(told, 0.0) == []
    see(told, STATUS)
    see(told, replace(STATUS, online=False))
    see(told, STATUS, "pi-2")
    told.see(topics.status("pi-2"), b"")
    told.see(topics.status("pi-3"), b"\xc1")
    told.see("kleinmaelzung/pi-1/balance/state", STATUS.encode())
    assert agents(told, 0.0) == []


def test_many_agents_do_not_hold_up_the_writing() -> None:
    told = Telling()
    for number in range(25):
        see(told, STATUS, f"pi-{number}")
    assert [len(told.due(0.0)) for _ in range(4)] == [10, 10, 5, 0]
