"""What agent.toml says of alarms, and what is said of a mistake in it."""

import re
from pathlib import Path

import pytest

from kleinmaelzung_agent import lifetime
from kleinmaelzung_agent.alarms.limits import Alarming, Limits, Rate
from kleinmaelzung_agent.configuration.config import ConfigError
from tests import driving

OVEN = """
[instruments.oven]
port = "/dev/ttyUSB0"
[instruments.oven.channels.t]
unit = "°C"
[[instruments.oven.poll]]
send = "T?"
every = "1s"
reply = [{ pattern = '(?P<t>[0-9.]+)' }]
"""
ALARM = "[instruments.oven.channels.t.alarm]\n"


def test_limits_are_read_in_the_channels_unit(tmp_path: Path) -> None:
    alarm = ALARM + (
        'high_alarm = 80\nhigh_warning = 70\nlow_warning = 5\nlow_alarm = 0\nhysteresis = 0.5\ndelay = "10s"\n'
        'silence = "1min"\nrise = { limit = 5, span = "1min" }\nfall = { limit = 3, span = "30s", level = "warning" }\n'
    )
    found = driving.load(tmp_path, f'{OVEN}[instruments.oven.alarm]\nsilence = "5min"\n{alarm}')
    limits = Limits(
        high_alarm=80.0,
        high_warning=70.0,
        low_warning=5.0,
        low_alarm=0.0,
        hysteresis=0.5,
        delay_s=10.0,
        silence_s=60.0,
        rise=Rate(limit=5.0, span_s=60.0),
        fall=Rate(limit=3.0, span_s=30.0, level="warning"),
        unit="°C",
    )
    expected = Alarming(channels={"t": limits}, silence_s=300.0, place="/dev/ttyUSB0")
    assert lifetime.alarming(found) == {"oven": expected}


def test_the_documents_example_is_understood_also_with_what_it_leaves_out(tmp_path: Path) -> None:
    page = (Path(__file__).parents[4] / "docs" / "alarms.md").read_text()
    [block] = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    told = OVEN.replace("channels.t]", "channels.temperature]").replace("<t>", "<temperature>")
    for text in (block, re.sub(r"^# ", "", block, flags=re.MULTILINE)):
        limits = lifetime.alarming(driving.load(tmp_path, told + text))["oven"].channels["temperature"]
        assert (limits.high_alarm, limits.unit) == (80.0, "°C")
    assert (limits.fall, limits.silence_s) == (Rate(limit=3.0, span_s=30.0, level="warning"), 60.0)


def test_without_a_table_nothing_is_watched(tmp_path: Path) -> None:
    assert lifetime.alarming(driving.load(tmp_path, OVEN)) == {"oven": Alarming(place="/dev/ttyUSB0")}


def test_instruments_of_one_port_are_lost_by_one_name(tmp_path: Path) -> None:
    (tmp_path / "tty").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "tty")
    bus = OVEN.replace("[instruments.oven]", "[instruments.oven]\nbus = true")
    one = bus.replace("/dev/ttyUSB0", str(tmp_path / "tty"))
    other = bus.replace("/dev/ttyUSB0", str(tmp_path / "by-id")).replace("oven", "kiln")
    found = lifetime.alarming(driving.load(tmp_path, one + other))
    assert {one.place for one in found.values()} == {str(tmp_path / "tty")}


@pytest.mark.parametrize(
    ("alarm", "sentence"),
    [
        ("high_warning = 90\nhigh_alarm = 80", "high_alarm: expected more than high_warning, 90, found 80"),
        ("low_warning = 1\nlow_alarm = 2", "low_warning: expected more than low_alarm, 2, found 1"),
        ("low_alarm = 10\nhigh_alarm = 5", "high_alarm: expected more than low_alarm, 10, found 5"),
        ("high_alarm = 10\nhysteresis = -1", "hysteresis: expected 0 or more, found -1"),
        (
            "low_alarm = 0\nhigh_alarm = 10\nhysteresis = 10",
            "hysteresis: expected less than the band between 0 and 10, found 10",
        ),
        (
            'rise = { limit = 5, span = "1min" }\nhysteresis = 5',
            "hysteresis: expected less than rise.limit, 5, or it would never end, found 5",
        ),
        (
            'fall = { limit = -5, span = "1min" }',
            "fall.limit: expected more than 0, found -5: fall is counted in its own direction",
        ),
        ("fall = { limit = 5 }", "fall.span: missing"),
        ("hysteresis = 1", "expected a limit, such as high_alarm = 80, or silence"),
        ("high_alarn = 80", 'high_alarn: unknown key, did you mean "high_alarm"?'),
        ("high_alarm = nan", "high_alarm: expected a number, found nan"),
        ('high_alarm = "80"', "high_alarm: expected a number"),
    ],
)
def test_a_mistake_is_a_sentence_with_its_place(tmp_path: Path, alarm: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        driving.load(tmp_path, f"{OVEN}{ALARM}{alarm}\n")
    [mistake, *_] = refused.value.mistakes
    assert mistake.startswith("instruments.oven.channels.t.alarm")
    assert sentence in mistake


def test_only_a_number_has_limits_but_any_channel_can_be_silent(tmp_path: Path) -> None:
    door = OVEN.replace('unit = "°C"', 'type = "text"')
    with pytest.raises(ConfigError, match="only a number has limits; of other channels silence can be watched"):
        driving.load(tmp_path, f"{door}{ALARM}high_alarm = 1\n")
    found = driving.load(tmp_path, f'{door}{ALARM}silence = "1min"\n')
    assert lifetime.alarming(found)["oven"].channels == {"t": Limits(silence_s=60.0)}


def test_limits_of_a_channel_whose_unit_comes_with_the_values_say_in_which_unit_they_are(tmp_path: Path) -> None:
    balance = OVEN.replace('unit = "°C"', 'unit_group = "u"').replace("[0-9.]+)", "[0-9.]+) (?P<u>[a-z]+)")
    with pytest.raises(ConfigError, match='expected unit = "g" or so, of the limits'):
        driving.load(tmp_path, f"{balance}{ALARM}high_alarm = 1\n")
    found = driving.load(tmp_path, f'{balance}{ALARM}high_alarm = 1\nunit = "g"\n')
    assert lifetime.alarming(found)["oven"].channels["t"].unit == "g"
