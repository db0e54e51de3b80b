"""The two example records, simulated, and ways to change one at a time."""

import copy
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from kleinmaelzung_services.calibration.calculation import calculating
from kleinmaelzung_services.calibration.calculation.results import MeasurandResult, Results
from kleinmaelzung_services.calibration.records import record_json
from kleinmaelzung_services.calibration.records.record import Record
from kleinmaelzung_services.calibration.templates import shipped

FOLDER = Path(__file__).parents[4] / "docs" / "examples" / "calibration"
TEMPLATES = {one.name: one.template for one in shipped.templates()}
CONTENT = {name: (FOLDER / f"{name}.json").read_bytes() for name in ("balance", "thermometer")}
VALUES: dict[str, dict[str, Any]] = {name: json.loads(content) for name, content in CONTENT.items()}
Key = str | int


def changed(name: str, *changes: tuple[tuple[Key, ...], Any]) -> bytes:
    """The example with other values at some keys; ... takes a key away."""
    values: Any = copy.deepcopy(VALUES[name])
    for path, value in changes:
        place = values
        for key in path[:-1]:
            place = place[key]
        if value is ...:
            del place[path[-1]]
        else:
            place[path[-1]] = value
    return json.dumps(values).encode()


def record(name: str, *changes: tuple[tuple[Key, ...], Any]) -> Record:
    return record_json.decode(changed(name, *changes))


def results(name: str, *changes: tuple[tuple[Key, ...], Any]) -> Results:
    return calculating.calculate(TEMPLATES[name], record(name, *changes))


def found(name: str, *changes: tuple[tuple[Key, ...], Any]) -> MeasurandResult:
    return results(name, *changes).as_found.measurands[0]


def later(name: str, by: timedelta) -> dict[str, Any]:
    """All readings of as_found once more, so much later: for as_left."""
    series = copy.deepcopy(VALUES[name]["as_found"])
    for one, key in [(series, "started"), (series, "finished")] + [
        (reading, "at") for run in series["tests"] for reading in run["readings"]
    ]:
        one[key] = (datetime.fromisoformat(one[key]) + by).isoformat()
    return cast(dict[str, Any], series)


def manual(value: float, unit: str) -> dict[str, Any]:
    return {"kind": "manual", "unit": unit, "value": value, "reason": "typed in for a test"}
