"""What a simulated instrument measures and remembers: numbers by name that wander, follow and are set. Pure.

[simulator.variables] --read()--> Variables --at(seconds)--> numbers          Variables.set(): from now on this

    load = 12.5                                              stays until it is set
    load = { steps = [0, 12.5, 25], every = "6s" }           one after the other
    air = { value = 21, swing = 0.5, period = "2min" }       goes up and down
    bath = { value = 20, towards = "setpoint", rate = 0.1 }  follows, so much in a second
    ... noise = 0.001                                        and each of them is uncertain by it
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kleinmaelzung_agent.configuration.tables import Table

EVERY_S: Final = 5.0
PERIOD_S: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How one number changes by itself."""

    value: float
    steps: tuple[float, ...] = ()
    every_s: float = EVERY_S
    swing: float = 0.0
    period_s: float = PERIOD_S
    towards: str = ""
    rate: float = 0.0
    noise: float = 0.0


@dataclass(slots=True)
class Variables:
    """The numbers of one simulated instrument. Time comes in, as seconds; frozen ones change only by set()."""

    courses: Mapping[str, Course]
    is_frozen: bool = False
    _fixed: dict[str, float] = field(default_factory=dict)  # what was set
    _followed: dict[str, float] = field(default_factory=dict)
    _at_s: float = 0.0

    def set(self, name: str, value: float) -> None:
        self._fixed[name] = value
        self._followed.pop(name, None)

    def reset(self) -> None:
        """As at the start."""
        self._fixed.clear()
        self._followed.clear()

    def at(self, now_s: float) -> dict[str, float]:
        """All of them."""
        passed_s, self._at_s = max(0.0, now_s - self._at_s), now_s
        found = {name: course.value for name, course in self.courses.items()} | self._fixed
        if self.is_frozen:
            return found
        found |= {name: self._moved(name, course, now_s) for name, course in self.courses.items()}
        for name, course in self.courses.items():
            if course.towards:
                found[name] = self._following(name, course, found, passed_s)
        return {name: value + self._noise(name) for name, value in found.items()}

    def _moved(self, name: str, course: Course, now_s: float) -> float:
        if name in self._fixed:
            return self._fixed[name]
        if course.steps:
            return course.steps[int(now_s / course.every_s) % len(course.steps)]
        return course.value + course.swing * math.sin(2 * math.pi * now_s / course.period_s)

    def _following(self, name: str, course: Course, found: Mapping[str, float], passed_s: float) -> float:
        here = self._followed.get(name, found[name])
        way = found.get(course.towards, here) - here
        most = course.rate * passed_s
        self._followed[name] = here + max(-most, min(most, way))
        return self._followed[name]

    def _noise(self, name: str) -> float:
        course = self.courses.get(name)
        return random.gauss(0, course.noise) if course and course.noise else 0.0


def read(table: Table) -> dict[str, Course]:
    """Mistakes are collected by the table."""
    found = {}
    for name, value in table.values.items():
        if type(value) in (int, float):
            found[name] = Course(value=float(table.number(name)))
        else:
            below = table.table(name)
            found[name] = _course(below)
            below.finish()
    for name, course in found.items():
        if course.towards and course.towards not in found:
            table.mistake(name, f"there is no variable {course.towards}")
    return found


def _course(table: Table) -> Course:
    steps = table.anything("steps") or []
    if not isinstance(steps, list) or any(type(step) not in (int, float) for step in steps):
        table.mistake("steps", "expected a list of numbers")
        steps = []
    return Course(
        value=table.number("value", float(steps[0]) if steps else 0.0),
        steps=tuple(map(float, steps)),
        every_s=table.duration("every", EVERY_S, minimum=0.01),
        swing=table.number("swing", 0.0),
        period_s=table.duration("period", PERIOD_S, minimum=0.01),
        towards=table.text("towards", ""),
        rate=table.number("rate", 0.0),
        noise=table.number("noise", 0.0),
    )
