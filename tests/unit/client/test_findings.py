from kleinmaelzung import Instrument
from kleinmaelzung.commands import findings
from kleinmaelzung_wire.messages import AgentStatus, ServiceStatus, State

NOW = 1_790_000_000_000_000


def test_a_lost_broker_is_broken() -> None:
    running, broker = findings.gateway({"ok": False, "version": "0.1.0", "broker": "lost", "agents": 0, "clients": 0})
    assert running.ok
    assert not broker.ok
    assert "Mosquitto" in broker.remedy


def test_without_a_logger_nothing_is_recorded() -> None:
    other = ServiceStatus(role="history", online=True, healthy=True)
    (finding,) = findings.loggers({"history": other})
    assert not finding.ok
    assert "nothing is recorded" in finding.found


def test_a_logger_without_its_database_is_broken_with_its_reason() -> None:
    status = ServiceStatus(role="logger", online=True, healthy=False, reason="connection refused")
    (finding,) = findings.loggers({"logger": status})
    assert (finding.ok, finding.found) == (False, "cannot record: connection refused")


def test_without_history_nobody_can_look_back() -> None:
    (finding,) = findings.histories({"logger": ServiceStatus(role="logger", online=True, healthy=True)})
    assert (finding.check, finding.ok) == ("history", False)
    assert "kleinmaelzung-history" in finding.remedy


def test_each_history_service_is_told() -> None:
    well = ServiceStatus(role="history", online=True, healthy=True)
    ill = ServiceStatus(role="history", online=True, healthy=False, reason="connection refused")
    found = findings.histories({"history-2": ill, "history": well, "history-3": ServiceStatus.decode(_gone())})
    assert [(finding.check, finding.ok, finding.found) for finding in found] == [
        ("history", True, "answering, the database answers"),
        ("history-2", False, "cannot read: connection refused"),
        ("history-3", False, "not running"),
    ]


def _gone() -> bytes:
    return ServiceStatus(role="history", online=False, healthy=False).encode()


def test_an_agent_that_is_away_is_broken() -> None:
    (finding,) = findings.agents({"pi-1": AgentStatus(online=False)}, NOW)
    assert (finding.check, finding.ok, finding.found) == ("agent pi-1", False, "offline")


def test_no_agent_yet_is_no_fault() -> None:
    (finding,) = findings.agents({}, NOW)
    assert finding.ok


def test_an_instrument_that_was_connected_when_its_agent_left_is_offline() -> None:
    state = State(state="connected", since=NOW)
    agent = AgentStatus(online=False)
    found = Instrument(name="pi-1/balance", description=None, state=state, latest={}, agent=agent)
    finding = findings.instrument(found, NOW)
    assert (finding.ok, finding.found) == (False, "offline, no value yet")


def test_the_report_says_what_to_do_below_what_is_broken() -> None:
    seen = [
        findings.Finding(check="server", ok=True, found="answers"),
        findings.Finding(check="logger", ok=False, found="not running", remedy="start it"),
    ]
    assert findings.report(seen).splitlines() == [
        "ok      server  answers",
        "BROKEN  logger  not running",
        "                -> start it",
    ]


def test_without_batches_none_can_be_begun() -> None:
    (finding,) = findings.batches({"logger": ServiceStatus(role="logger", online=True, healthy=True)})
    assert (finding.check, finding.ok) == ("batches", False)
    assert "kleinmaelzung-batches" in finding.remedy
    (finding,) = findings.batches({"batches": ServiceStatus(role="batches", online=True, healthy=True)})
    assert (finding.check, finding.ok) == ("batches", True)
