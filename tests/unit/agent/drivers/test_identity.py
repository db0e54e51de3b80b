"""Who an instrument says it is, and where it is looked for."""

from dataclasses import replace
from pathlib import Path

import pytest

from kleinmaelzung_agent.drivers import identity
from kleinmaelzung_agent.drivers.identity import ASKED_AGAIN_S, Search, Spot
from kleinmaelzung_agent.drivers.port_settings import PortSettings

CONFIGURED = Spot(port="/dev/ttyUSB0", device="/dev/ttyUSB0", mark=(1,))
FIRST = Spot(port="/dev/ttyUSB1", device="/dev/ttyUSB1", mark=(2,))
SECOND = Spot(port="/dev/ttyUSB2", device="/dev/ttyUSB2", mark=(3,))


@pytest.fixture
def search() -> Search:
    return Search(PortSettings(port="/dev/ttyUSB0", search=("/dev/ttyUSB*",)), {"serial": "4711"})


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"model": "T100", "serial": "4711"}, ""),
        ({"model": "T100", "serial": "4711", "firmware": "2"}, ""),
        ({"model": "T100", "serial": "4712"}, "serial 4712, expected 4711"),
        ({"model": "T200", "serial": "4712"}, "model T200, expected T100"),
        ({"model": "T100", "serial": "04711"}, "serial 04711, expected 4711"),
        ({"model": "T100", "serial": ""}, "serial , expected 4711"),
        ({"model": "T100"}, "it does not say its serial, expected 4711"),
    ],
)
def test_only_what_is_expected_in_all_its_parts_is_the_right_one(said: dict[str, str], sentence: str) -> None:
    assert identity.mistaken({"model": "T100", "serial": "4711"}, said) == sentence


def test_any_is_right_where_nothing_is_expected_but_an_answer() -> None:
    assert identity.mistaken({}, {"serial": "1"}) == ""


def test_what_it_says_is_bounded_and_without_spaces_around() -> None:
    assert identity.tidy({"serial": " 4711 ", "model": "x" * 5000, "option": None}) == {
        "serial": "4711",
        "model": "x" * identity.MAX_SAID,
    }


def test_a_port_where_it_was_not_is_asked_again_only_after_a_while(search: Search) -> None:
    assert search.due([CONFIGURED, FIRST], now=0.0) == [CONFIGURED, FIRST]
    search.passed(CONFIGURED, "no answer", now=0.0)
    search.passed(FIRST, "another instrument answers: serial 4712, expected 4711", now=0.0)
    assert search.due([CONFIGURED, FIRST], now=1.0) == [CONFIGURED], "where it should be is asked each time"
    assert search.due([CONFIGURED, FIRST], now=ASKED_AGAIN_S) == [CONFIGURED, FIRST]


def test_what_is_plugged_in_anew_is_asked_at_once(search: Search) -> None:
    search.passed(FIRST, "no answer", now=0.0)
    assert search.due([FIRST, SECOND], now=1.0) == [SECOND]
    search.passed(SECOND, "no answer", now=1.0)
    assert search.due([FIRST, replace(SECOND, mark=(9,))], now=2.0) == [replace(SECOND, mark=(9,))]
    assert search.due([FIRST], now=3.0) == []
    assert search.due([FIRST, SECOND], now=4.0) == [SECOND], "it was away"


def test_a_port_that_was_busy_is_asked_again_soon(search: Search) -> None:
    search.busy(FIRST, "is used by another program")
    assert search.due([FIRST], now=0.1) == [FIRST]


def test_where_it_was_found_is_asked_first(search: Search) -> None:
    search.found(FIRST)
    assert search.likely == ("/dev/ttyUSB1", "/dev/ttyUSB0")


def test_the_sentence_says_where_it_is_looked_for_and_stays_the_same_when_nothing_has_changed(search: Search) -> None:
    search.due([], now=0.0)
    told = "looking for serial 4711: /dev/ttyUSB0 is not there; no port is there of /dev/ttyUSB*"
    assert search.sentence() == told
    search.due([FIRST], now=0.0)
    told = "looking for serial 4711: /dev/ttyUSB0 is not there; asking at /dev/ttyUSB1"
    assert search.sentence(FIRST.port) == told
    search.passed(FIRST, "no answer", now=0.0)
    told = "looking for serial 4711: /dev/ttyUSB0 is not there; /dev/ttyUSB1: no answer"
    assert search.sentence() == search.sentence(FIRST.port) == told


def test_many_ports_make_no_endless_sentence(search: Search) -> None:
    spots = [Spot(port=f"/dev/ttyUSB{number}", device=f"{number}") for number in range(40)]
    search.due(spots, now=0.0)
    for spot in spots:
        search.passed(spot, "no answer", now=0.0)
    assert "35 more" in search.sentence()
    assert len(search.sentence()) < 300


def test_only_serial_ports_are_found_and_each_once(tmp_path: Path) -> None:
    (tmp_path / "tty-file").write_text("")
    (tmp_path / "tty-full").symlink_to("/dev/full")
    (tmp_path / "tty-gone").symlink_to(tmp_path / "nothing")
    assert identity.existing([], [f"{tmp_path}/tty*"]) == []
    given = identity.existing(
        [str(tmp_path / "tty-full"), str(tmp_path / "tty-file")], [f"{tmp_path}/tty*", "/dev/fu*"]
    )
    assert [spot.port for spot in given] == [str(tmp_path / "tty-full")], "what is given is not doubted"
    assert [spot.port for spot in identity.existing(["socket://h:1"], [])] == ["socket://h:1"]
