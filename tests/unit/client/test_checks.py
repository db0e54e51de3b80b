"""What `kleinmaelzung doctor` makes of what parts say of themselves: facts in, findings out."""

from typing import Any

import pytest

from kleinmaelzung import Instrument, Sample
from kleinmaelzung.commands.checks import agents, instruments, server, services, storage, versions
from kleinmaelzung.commands.checks.agents import Knock, Seen
from kleinmaelzung.commands.checks.reaching import Reached
from kleinmaelzung.commands.checks.services import Service
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.descriptions import Channel, Description
from kleinmaelzung_wire.findings import Finding
from kleinmaelzung_wire.messages import AgentStatus, ServiceStatus, State

NOW = 1_790_000_000_000_000
HOUR_US = 3_600_000_000


# --- server -----------------------------------------------------------------------------------------------------------


def reached(*, server_us: Any = NOW, expires_s: float | None = None) -> Reached:
    health = {"broker": "connected", "time": server_us}
    return Reached(url="http://lab", health=health, asked_us=NOW, answered_us=NOW + 100_000, expires_s=expires_s)


@pytest.mark.parametrize(
    ("server_us", "state"),
    [
        (NOW + 50_000, "ok"),
        (NOW - 4_000_000, "ok"),
        (NOW + 5_100_001, "broken"),
        (NOW - 5_000_001, "broken"),
        ("noon", "unchecked"),
        (None, "unchecked"),
    ],
)
def test_clocks_that_differ_by_more_than_five_seconds(server_us: Any, state: str) -> None:
    assert server.clock(reached(server_us=server_us)).state == state


@pytest.mark.parametrize(("days", "state"), [(None, "ok"), (13.9, "warning"), (14.1, "ok"), (800, "ok")])
def test_a_certificate_that_ends_within_two_weeks(days: float | None, state: str) -> None:
    expires_s = None if days is None else NOW / 1e6 + days * 86_400
    _, certificate = server.reached(reached(expires_s=expires_s), NOW / 1e6)
    assert certificate.state == state


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (426, "headers Upgrade and Connection"),
        (404, "headers Upgrade and Connection"),
        (503, "how many sockets"),
        (421, "names of this server"),
        (None, "look at the gateway's log"),
    ],
)
def test_why_a_socket_does_not_open(status: int | None, remedy: str) -> None:
    assert remedy in server.no_socket("so and so", status).remedy


# --- services ---------------------------------------------------------------------------------------------------------


def service(
    role: str, *, online: bool = True, reason: str = "", silence: str = "", name: str = "", queue: int = 0
) -> dict[str, Service]:
    status = ServiceStatus(role=role, online=online, healthy=not reason, reason=reason, figures={"queue": queue})
    return {name or role: Service(name=name or role, status=status, silence=silence)}


def test_without_a_service_it_is_said_what_is_lost() -> None:
    for role, lost in services.ROLES.items():
        (finding,) = services.of_role(role, {})
        assert (finding.id, finding.state, lost in finding.found) == (role, "broken", True)
        assert finding.remedy == f"start kleinmaelzung-{role}"


def test_of_several_services_one_does_the_work_of_the_others() -> None:
    away, silent = service("logger", name="logger-2", online=False), service("logger", name="logger-3", silence="so")
    found = service("logger") | away | silent | service("history")
    assert [(one.of, one.state) for one in services.of_role("logger", found)] == [
        ("logger", "ok"),
        ("logger-2", "warning"),
        ("logger-3", "warning"),
    ]
    assert [one.state for one in services.of_role("logger", away | silent)] == ["broken", "broken"]


def test_a_logger_that_is_behind() -> None:
    (finding,) = services.of_role("logger", service("logger", queue=5000))
    assert (finding.state, finding.found) == ("warning", "behind: 5000 messages wait to be recorded")
    (finding,) = services.of_role("logger", service("logger", queue=4999))
    assert finding.state == "ok"


def test_one_database_that_is_away_for_all_is_one_fault_with_all_names() -> None:
    reason = "database: [Errno 111] Connect call failed"
    found = service("logger", reason=reason) | service("batches", reason=reason) | service("history")
    (finding,) = services.databases(found)
    assert finding.found == "batches, logger: [Errno 111] Connect call failed"
    assert [one.state for one in services.databases({})] == ["unchecked"]
    assert [one.state for one in services.databases(service("logger"))] == ["ok"]


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("database: its disk is full: could not extend file", "make room"),
        ("database: the database has schema version 99, this software knows up to 10: update", "the same version"),
        ('database: password authentication failed for user "x"', "correct user and password"),
        ('database: database "x" does not exist', "correct the database's and the user's name"),
        ("database: a batch has taken more than 5 s", "look what else"),
        ("database: it does not answer", "frozen or overloaded"),
        ("database: cannot execute INSERT in a read-only transaction", "name the primary"),
        ("database: sorry, too many clients already", "raise max_connections"),
        ("database: the database is PostgreSQL 12, needed is 15 or newer", "use PostgreSQL 15"),
        ("database: something new", "look whether the database is running"),
        ("", "look whether the database is running"),
    ],
)
def test_what_to_do_about_what_a_database_says(reason: str, remedy: str) -> None:
    assert remedy in services.remedy_for(reason)


# --- agents -----------------------------------------------------------------------------------------------------------


def of_agent(id_: str, status: AgentStatus, **more: Any) -> Finding:
    (found,) = (one for one in agents.agents(Seen(statuses={"pi-1": status}, **more), NOW) if one.id == id_)
    return found


def online(**more: Any) -> AgentStatus:
    return AgentStatus(online=True, since=NOW - HOUR_US, **({"clock": {"synchronised": True, "ahead_us": 0}} | more))


def test_no_agent_yet_is_no_fault() -> None:
    (finding,) = agents.agents(Seen(), NOW)
    assert finding.state == "ok"


def test_an_agent_that_is_away_says_how_old_its_newest_value_is() -> None:
    finding = of_agent("agent", AgentStatus(online=False), heard_us={"pi-1": NOW - 3 * HOUR_US})
    assert (finding.state, finding.found) == ("broken", "offline, its newest value is 3 h old")


@pytest.mark.parametrize(
    ("clock", "state"),
    [
        ({"synchronised": True, "ahead_us": 0}, "ok"),
        ({"synchronised": True, "ahead_us": None}, "ok"),
        ({"synchronised": False, "ahead_us": 0}, "warning"),
        ({"synchronised": True, "ahead_us": -5_000_001}, "broken"),
        ({"synchronised": False, "ahead_us": 5_000_001}, "broken"),
        ({}, "warning"),
    ],
)
def test_the_clock_of_an_agent(clock: dict[str, Any], state: str) -> None:
    assert of_agent("agent-clock", online(clock=clock)).state == state


@pytest.mark.parametrize(
    ("status", "found", "state"),
    [
        (online(), "empty: all is recorded", "ok"),
        (online(unlogged=12), "12 frames wait", "ok"),
        (online(unlogged=5000), "0% full, 5000 frames wait", "warning"),
        (online(spool={"bytes": 79, "limit": 100}), "empty", "ok"),
        (online(spool={"bytes": 80, "limit": 100}, unlogged=7), "80% full, 7 frames wait", "warning"),
        (online(spool={"bytes": 100, "limit": 100}), "100% full", "broken"),
        (online(spool={"bytes": 0, "limit": 100, "free": 150_000_000}), "its disk has 150 MB left", "warning"),
        (online(spool={"bytes": "x", "limit": None}), "empty", "ok"),
        (online(reason="spool not writable: No space left on device"), "new frames wait in memory", "broken"),
        (online(reason="the spool was damaged (so) and was moved aside"), "was damaged", "warning"),
    ],
)
def test_the_spool_of_an_agent(status: AgentStatus, found: str, state: str) -> None:
    finding = of_agent("agent-spool", status)
    assert (finding.state, found in finding.found) == (state, True), finding


def test_many_frames_wait_while_there_is_no_logger() -> None:
    assert of_agent("agent-spool", online(unlogged=9999), is_logged=False).state == "ok"


def test_what_gateways_tell_of_agents_that_knock() -> None:
    told = {"pi-9": {"reason": "wrong secret", "time": NOW - HOUR_US}, "pi-8": "nonsense"}
    found = agents.knocks([{"knocks": told}, {}, {"knocks": []}])
    assert found == {"pi-9": Knock(reason="wrong secret", time_us=NOW - HOUR_US)}
    known = {"pi-9": AgentStatus(online=False)}
    (finding,) = agents.agents(Seen(statuses=known, knocks=found), NOW)
    assert (finding.of, finding.state, "last 1 h ago" in finding.found) == ("pi-9", "broken", True)
    (finding,) = agents.agents(Seen(knocks=found), NOW)  # a stranger, perhaps
    assert (finding.of, finding.state) == ("pi-9", "warning")


# --- instruments ------------------------------------------------------------------------------------------------------


def balance(state: State | None, *, agent: AgentStatus | None = None, unit: str = "g") -> Instrument:
    sample = Sample(time=NOW, channel="weight", value=1.0, unit=unit, quality="good")
    described = Description(channels=[Channel(name="weight", unit="g")], driver="text")
    latest = {"weight": sample}
    return Instrument(name="pi-1/balance", description=described, state=state, latest=latest, agent=agent or online())


def test_an_instrument_whose_agent_is_away_is_not_its_own_fault() -> None:
    found = balance(State(state="connected", since=NOW), agent=AgentStatus(online=False))
    finding = instruments.instrument(found, NOW)
    assert (finding.state, finding.found) == ("unchecked", "not checked because agent pi-1 is not there")


def test_an_instrument_of_which_nothing_is_said() -> None:
    finding = instruments.instrument(balance(None), NOW)
    assert (finding.state, "has said nothing" in finding.found) == ("broken", True)


def test_an_instrument_that_rests_because_the_spool_is_full() -> None:
    state = State(state="error", since=NOW, reason="the spool is full and this instrument is set to stop")
    assert "see agent-spool" in instruments.instrument(balance(state), NOW).remedy


def test_a_unit_that_is_not_the_described_one() -> None:
    (finding,) = instruments.units([balance(None, unit="kg")], {}, NOW)
    assert (finding.state, finding.found) == ("warning", "weight comes in kg, expected is g")
    (finding,) = instruments.units([balance(None)], {}, NOW)
    assert finding.state == "ok"


@pytest.mark.parametrize(("hours", "state"), [(23, "warning"), (25, "ok")])
def test_a_unit_that_changed_within_a_day(hours: int, state: str) -> None:
    samples = [
        Sample(time=NOW, channel="weight", value=1.0, unit="kg", quality="good"),
        Sample(time=NOW - hours * HOUR_US, channel="weight", value=1.0, unit="g", quality="good"),
    ]
    (finding,) = instruments.units([], {"pi-1/balance": samples}, NOW)
    assert finding.state == state


# --- storage and versions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("free", "days", "state", "found"),
    [
        (90_000_000_000, 900.0, "ok", "growing by 100 MB a day (samples 80 MB); 90 GB are free, enough for 2 years"),
        (2_900_000_000, 29.0, "warning", "enough for 29 d"),
        (200_000_000, 2.0, "broken", "enough for 2 d"),
        (300_000_000, None, "ok", "300 MB are free, enough for all that is kept"),
        (None, None, "ok", "how much room its disk has is not known"),
    ],
)  # fmt: skip
def test_for_how_long_the_disk_will_do(free: int | None, days: float | None, state: str, found: str) -> None:
    tables = [{"name": "frames", "bytes": 0, "per_day": 0}, {"name": "samples", "bytes": 5, "per_day": 80_000_000}]
    answer = {"bytes": 2_000_000_000, "per_day": 100_000_000, "free": free, "days": days, "tables": tables}
    finding = storage.forecast(answer)
    assert (finding.state, found in finding.found) == (state, True), finding


@pytest.mark.parametrize(("free", "state"), [(99_000_000, "warning"), (101_000_000, "ok")])
def test_a_database_too_new_to_say(free: int, state: str) -> None:
    finding = storage.forecast({"bytes": 9_000_000, "per_day": None, "free": free, "days": None, "tables": []})
    assert (finding.state, "too new to say" in finding.found) == (state, True)


@pytest.mark.parametrize("answer", [None, {}, {"bytes": 5, "per_day": 7, "tables": 3}])
def test_an_answer_about_storage_that_is_none(answer: Any) -> None:
    with pytest.raises(WireError):
        storage.forecast(answer)


def test_versions() -> None:
    assert versions.versions("0.2.0", {"agent pi-1": "0.2.0", "logger": ""}).state == "ok"
    finding = versions.versions("0.2.0", {"agent pi-1": "0.1.0", "agent pi-2": "0.1.0", "logger": "0.3.0"})
    assert finding.found.startswith("the gateway has 0.2.0; agent pi-1, agent pi-2 0.1.0, logger 0.3.0")
    assert finding.state == "warning"
    assert finding.remedy.endswith("the server first; agents from here: kleinmaelzung agent update pi-1 pi-2")
    assert versions.versions("1.0.0", {"agent pi-1": "0.9.0"}).state == "broken"
    assert "agent update" not in versions.versions("0.2.0", {"logger": "0.1.0"}).remedy


# --- orders -----------------------------------------------------------------------------------------------------------


def with_order(kind: str, result: str) -> list[Finding]:
    last = {"kind": kind, "issued": NOW, "result": result, "reason": "no port", "time": NOW - 2 * HOUR_US}
    status = AgentStatus(online=True, since=NOW, version="0.2.0", orders={"last": last})
    found = agents.agents(Seen(statuses={"pi-1": status}), NOW)
    return [finding for finding in found if finding.id == "agent-orders"]


@pytest.mark.parametrize(
    ("kind", "result", "remedy"),
    [
        ("configuration", "refused", "kleinmaelzung agent configure pi-1 FILE"),
        ("configuration", "rolled back", "kleinmaelzung agent configure pi-1 FILE"),
        ("program", "refused", "journalctl -u kleinmaelzung-agent-update"),
        ("program", "rolled back", "kleinmaelzung agent update pi-1"),
    ],
)
def test_an_order_that_was_not_carried_out_or_given_up_again(kind: str, result: str, remedy: str) -> None:
    [finding] = with_order(kind, result)
    assert (finding.state, finding.of) == ("warning", "pi-1")
    assert finding.found == f"its last {kind} was {result} 2 h ago: no port"
    assert remedy in finding.remedy


@pytest.mark.parametrize(("kind", "result"), [("program", "done"), ("configuration", "under way"), ("x", "refused")])
def test_an_order_that_went_well_or_cannot_be_read_is_not_told(kind: str, result: str) -> None:
    assert with_order(kind, result) == []
