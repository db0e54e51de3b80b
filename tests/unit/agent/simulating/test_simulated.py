"""What stands in for an instrument: its transcript, its variables, its faults, and what the documentation says."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.profiles import profile_files
from kleinmaelzung_agent.profiles.profile_files import ProfileError
from kleinmaelzung_agent.simulating import faults, making, script
from kleinmaelzung_agent.simulating.faults import Faults
from kleinmaelzung_agent.simulating.script import Script
from kleinmaelzung_agent.simulating.variables import Course, Variables

ABOUT = '[profile]\nlabel = "L"\nsource = "a manual"\ntested = "from the manual"\n'


def scripted(*entries: dict[str, Any], **courses: Course) -> Script:
    mistakes: list[str] = []
    found = script.read([Table(entry, "", mistakes) for entry in entries], list(courses))
    assert not mistakes
    return Script(found, Variables(courses, is_frozen=True))


def test_what_is_set_is_said_from_then_on() -> None:
    it = scripted(
        {"send": "SET", "match": "SET (?P<goal>[0-9.]+)", "reply": "OK {goal:.1f}"},
        {"send": "GET", "when": "goal > 100", "reply": "HOT"},
        {"send": "GET", "reply": ["{goal:.2f}", "{{}}"]},
        goal=Course(value=20),
    )
    assert it.answer("GET", 0.0) == ["20.00", "{}"]
    assert it.answer("SET 25.5", 0.0) == ["OK 25.5"]
    assert it.answer("GET", 0.0) == ["25.50", "{}"]
    assert it.answer("SET 1e999", 0.0) is None
    it.answer("SET 150", 0.0)
    assert it.answer("GET", 0.0) == ["HOT"]
    assert it.answer("what?", 0.0) is None


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"reply": "{nobody}"}, "nobody"),
        ({"reply": "{x:q}"}, "expected text with {formula:format}"),
        ({"reply": "{"}, "expected text with {formula:format}"),
        ({"reply": "{x.__class__}"}, "reply: "),
        ({"match": "("}, "no regular expression"),
        ({"reply": 5}, "expected a text, or a list of texts"),
        ({"repl": "X"}, 'unknown key, did you mean "reply"?'),
    ],
)
def test_a_wrong_transcript_says_what_is_wrong(entry: dict[str, Any], sentence: str) -> None:
    mistakes: list[str] = []
    script.read([Table(entry, "transcript[0]", mistakes)], ["x"])
    assert mistakes
    assert sentence in mistakes[0]


def test_variables_wander_step_follow_and_stand_still() -> None:
    courses = {
        "air": Course(value=20, swing=2, period_s=40),
        "load": Course(value=0, steps=(0, 5), every_s=10),
        "goal": Course(value=30),
        "bath": Course(value=20, towards="goal", rate=0.5),
    }
    it = Variables(courses)
    assert it.at(0) == {"air": 20, "load": 0, "goal": 30, "bath": 20}
    assert it.at(10) == {"air": 22, "load": 5, "goal": 30, "bath": 25}
    it.set("goal", 26)
    assert it.at(20)["bath"] == 26
    it.is_frozen = True
    assert it.at(1000)["load"] == 0


def test_faults_take_turns_at_each_so_manieth_answer() -> None:
    it = Faults(["silence", "partial", "checksum", "slow", "unplug"], 2)
    said = [it.on(b"12345678") for _ in range(10)]
    assert said[0::2] == [[(0.0, b"12345678")]] * 5
    assert said[1::2] == [[], [(0.0, b"1234")], [(0.0, b"12344678")], [(faults.SLOW_S, b"12345678")], None]


def test_what_the_documentation_shows_of_a_transcript_is_right(tmp_path: Path) -> None:
    document = (Path(__file__).parents[4] / "docs/drivers.md").read_text()
    (shown,) = re.findall(r"^```\n(\[simulator.variables\]\n.*?)^```$", document, re.DOTALL | re.MULTILINE)
    profile = profile_files.parse(tomllib.loads(ABOUT + shown), tmp_path / "it.toml")
    variables, entries, _ = making.parts(profile)
    assert (list(variables.courses), len(entries)) == (["load", "moving", "tare"], 3)


def test_the_documentation_names_each_profile_and_fault() -> None:
    document = (Path(__file__).parents[4] / "docs/drivers.md").read_text()
    names = [*profile_files.names([profile_files.SHIPPED]), *faults.KINDS]
    assert [name for name in names if f"`{name}`" not in document] == []


async def test_what_no_program_can_stand_in_for_says_so() -> None:
    profile = profile_files.find("sht31", [profile_files.SHIPPED])
    with pytest.raises(ProfileError, match="no program can stand in for an instrument on it"):
        async with making.simulated(profile):
            pass
