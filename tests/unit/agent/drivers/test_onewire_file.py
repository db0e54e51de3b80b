"""What the kernel's files say of a 1-wire thermometer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.drivers.onewire import sensor_file
from kleinmaelzung_agent.drivers.onewire.sensor_file import Found, NotReadError


def slave(content: str, millis: int, verdict: str = "YES") -> str:
    """The file as the kernel's w1_therm writes it."""
    return f"{content} : crc={content[-2:]} {verdict}\n{content} t={millis}\n"


MEASURED = "72 01 4b 46 7f ff 0e 10 57"
POWER_ON = "50 05 4b 46 7f ff 0c 10 1c"
HOT = "50 05 4b 46 7f ff 10 10 aa"


@pytest.mark.parametrize(
    ("text", "family", "found"),
    [
        (slave(MEASURED, 23125), "28", Found(celsius=23.125)),
        (slave("5e ff 4b 46 7f ff 02 10 c0", -10125), "28", Found(celsius=-10.125)),
        (slave(MEASURED, 0), "28", Found(celsius=0.0)),
        (slave(POWER_ON, 85000), "28", Found(celsius=None, quality="power-on")),
        (slave(HOT, 85000), "28", Found(celsius=85.0)),
        (slave(HOT, 85000), "10", Found(celsius=None, quality="power-on")),  # its bytes do not tell
        (slave("ff 07 4b 46 7f ff 0c 10 1c", 127937), "28", Found(celsius=None, quality="no power")),
        (slave(MEASURED, 900_000), "3b", Found(celsius=900.0)),  # a thermocouple
    ],
)
def test_w1_slave_says_a_temperature_or_why_there_is_none(text: str, family: str, found: Found) -> None:
    assert sensor_file.read_slave(text, family) == found


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (slave(MEASURED, 23125, "NO"), "the CRC of 72 01 4b 46 7f ff 0e 10 57 is wrong"),
        (slave("ff ff ff ff ff ff ff ff ff", -62, "NO"), "the CRC of"),
        (slave("00 00 00 00 00 00 00 00 00", 0), "short circuit"),
        (slave(MEASURED, 125_001), "outside of what the sensor can measure"),
        (slave(MEASURED, -55_001), "outside of what the sensor can measure"),
        ("", "w1_slave holds ''"),
        (slave(MEASURED, 23125).splitlines()[0], "w1_slave holds"),
    ],
)
def test_what_is_no_measurement_is_none(text: str, sentence: str) -> None:
    with pytest.raises(NotReadError) as raised:
        sensor_file.read_slave(text, "28")
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("23125\n", Found(celsius=23.125)),
        ("-62", Found(celsius=-0.062)),
        ("85000\n", Found(celsius=None, quality="power-on")),
    ],
)
def test_temperature_says_thousandths(text: str, found: Found) -> None:
    assert sensor_file.read_temperature(text, "28") == found


@pytest.mark.parametrize("text", ["", "\n", "23.125", "23125 C", "\u0661", "1e3", "150000"])
def test_a_temperature_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(NotReadError):
        sensor_file.read_temperature(text, "28")


@given(st.text(), st.integers(0, 200))
def test_no_text_does_more_than_be_read_or_refused(text: str, cut: int) -> None:
    for file in (text, slave(MEASURED, 23125)[:cut] + text):
        for look in (sensor_file.read_slave, sensor_file.read_temperature):
            try:
                found = look(file, "28")
            except NotReadError:
                continue
            assert found.celsius is None or -55 <= found.celsius <= 125
