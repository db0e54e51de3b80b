"""A short run of the fault harness, and the same with agents that trust the broker: it must find their losses.

The long run is `scripts/chaos`.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults import chaos, experiment
from tests.faults.experiment import Settings
from tests.faults.laboratory import Load
from tests.faults.schedule import Fault
from tests.faults.verdict import Verdict, to_text

LOAD = Load(agents=2, streams=1, polled=2)


def faults(*wanted: tuple[float, str, str, float]) -> list[Fault]:
    """Those of them that this machine allows: (at, kind, target, lasts)."""
    possible = {kind.name for kind in chaos.possible_kinds()[0]}
    every = [Fault(at_s=at_s, kind=kind, target=target, lasts_s=lasts_s) for at_s, kind, target, lasts_s in wanted]
    return [fault for fault in every if fault.kind in possible]


async def run(directory: Path, seconds: float, these: Sequence[Fault], *, trust_broker: bool = False) -> Verdict:
    keep = directory / "kept"
    settings = Settings(
        seed=0,
        seconds=seconds,
        faults=these,
        load=LOAD,
        trust_broker=trust_broker,
        may_miss_kinds=True,
        keep=keep,
    )
    return await experiment.run(settings, print)


async def test_every_value_is_logged_once_through_a_short_schedule_of_faults(tmp_path: Path) -> None:
    these = faults(
        (0.5, "kill gateway", "gateway", 0.5),
        (2.0, "fill disk", "pi-2", 6.0),
        (2.5, "stop database", "database", 2.0),
        (5.5, "cut network", "network", 2.5),
        (6.0, "clock back", "pi-1", 3.0),
        (7.0, "kill logger", "logger", 0.5),
        (9.0, "forget broker", "broker", 0.5),
        (10.0, "kill agent", "pi-1", 0.5),
        (12.0, "kill database", "database", 0.5),
        (13.0, "clock forward", "pi-1", 2.0),
        (14.0, "reset network", "network", 1.5),
        (16.0, "freeze broker", "broker", 2.0),
        (17.0, "stop agent", "pi-1", 1.0),
    )
    found = await run(tmp_path, 25, these)
    assert found.ok, to_text(found)
    assert len(found.faults) == len(these)
    assert found.taken > 1000


async def test_agents_that_trust_the_broker_lose(tmp_path: Path) -> None:
    these = faults(
        (1.0, "kill logger", "logger", 3.0),
        (5.5, "stop logger", "logger", 2.0),
        (8.0, "kill broker", "broker", 0.5),
    )
    found = await run(tmp_path, 12, these, trust_broker=True)
    assert found.missing > 0, to_text(found)
    assert not found.ok


@pytest.mark.parametrize("arguments", [["--for", "1"], ["--seed", "x"], ["--for", "inf"]])
def test_wrong_usage_is_told(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["chaos", *arguments])
    with pytest.raises(SystemExit) as ended:
        chaos.main()
    assert ended.value.code == 2
    assert "usage: scripts/chaos" in capsys.readouterr().err
