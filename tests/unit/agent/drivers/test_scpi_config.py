"""The keys of a SCPI instrument: what goes without saying, queries that channels share, mistakes."""

import tomllib

import pytest

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers import registry
from kleinmaelzung_agent.drivers.text import patterns
from kleinmaelzung_agent.drivers.text.config import TextConfig
from kleinmaelzung_agent.drivers.text.forms import Fields
from kleinmaelzung_agent.drivers.text.patterns import Match

METER = """
driver = "scpi"
port = "socket://192.168.1.7:5025"
[channels.voltage]
query = "MEAS:VOLT?"
unit = "V"
"""


def read(text: str) -> tuple[TextConfig, list[str]]:
    table = Table(tomllib.loads(text), "it", [])
    config = registry.read(table)
    assert isinstance(config, TextConfig)
    return config, table.mistakes


def test_one_channel_is_enough() -> None:
    config, mistakes = read(METER)
    assert mistakes == []
    assert config.framing.terminator == b"\n"
    [poll] = config.polls
    assert (poll.send, poll.period.every_s, poll.reply[0].form) == (
        "MEAS:VOLT?",
        1.0,
        Fields(fields=("voltage", "...")),
    )
    assert config.errors
    assert (config.errors.send, config.errors.clear) == ("SYST:ERR?", "*CLS")
    assert config.inquiry
    assert config.inquiry.send == "*IDN?"


@pytest.mark.parametrize("said", ["ACME,DMM 7,SN0042,1.0", "ACME,DMM 7,0,", "ACME,DMM 7,SN0042,1.0,2.0,b"])
def test_who_it_is_is_read_as_each_maker_says_it(said: str) -> None:
    inquiry = read(METER)[0].inquiry
    assert inquiry
    found = inquiry.pattern.fullmatch(said)
    assert found
    assert found["model"] == "DMM 7"


@pytest.mark.parametrize(
    ("text", "quality"),
    [
        ("+9.90000000E+37", "overload"),
        ("9.9E+37", "overload"),
        ("9.89999996E+37", "overload"),  # the same in 32 bits
        ("-9.9E37", "underload"),
        ("9.91E37", "invalid"),
        ("NaN", "invalid"),
    ],
)
def test_what_stands_for_no_number_is_no_value(text: str, quality: str) -> None:
    config = read(METER)[0]
    match = patterns.read(text, config.polls[0].reply, config.channels)
    assert match == Match(values={"voltage": None}, units={"voltage": "V"}, quality={"voltage": quality})


@pytest.mark.parametrize("line", ['0,"No error"', '+0,"No error"', "0", '0,"No error;0 0 0 0"'])
def test_no_error_is_said_in_several_ways(line: str) -> None:
    errors = read(METER)[0].errors
    assert errors
    assert errors.none.fullmatch(line)
    assert not errors.some.fullmatch("5.0")


def test_channels_of_one_query_are_asked_together_and_others_in_their_own_time() -> None:
    config, mistakes = read(METER + '[channels.b]\nquery = "FETC?"\nfield = 3\n[channels.c]\nquery = "FETC?"\n'
                            '[channels.d]\nquery = "FETC?"\nevery = "5s"\n[channels.e]\nquery = "FETC?"\n')  # fmt: skip
    assert mistakes == []
    asked = [(poll.send, poll.period.every_s, poll.reply[0].form.names) for poll in config.polls]
    assert asked == [
        ("MEAS:VOLT?", 1.0, ("voltage",)),
        ("FETC?", 1.0, ("c", "b")),
        ("FETC?", 1.0, ("e",)),  # two channels of one field
        ("FETC?", 5.0, ("d",)),
    ]


def test_what_is_usual_can_be_left_out_or_changed() -> None:
    config, mistakes = read(
        METER.replace("[channels", 'identify = false\ncheck_errors = false\nevery = "2s"\n[channels')
    )
    assert mistakes == []
    assert (config.inquiry, config.errors, config.polls[0].period.every_s) == (None, None, 2.0)
    config, mistakes = read(METER + '[errors]\nsend = "SYSTEM:ERROR?"\nclear = ""\n')
    assert mistakes == []
    assert config.errors
    assert (config.errors.send, config.errors.clear) == ("SYSTEM:ERROR?", "")


def test_a_poll_may_ask_for_several_channels_too() -> None:
    poll = '[channels.a]\n[[poll]]\nsend = "A?;B?"\nevery = "1s"\nreply = [{ fields = ["", "a"], separator = ";" }]\n'
    config, mistakes = read(METER + poll)
    assert mistakes == []
    assert [poll.send for poll in config.polls] == ["MEAS:VOLT?", "A?;B?"]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (METER.replace("query", "# query"), "it: expected a channel with a query, or nobody knows that it is there"),
        (METER + "[channels.b]\n", 'it.channels.b: no pattern has a group "b"'),
        (
            METER.replace("query", 'querry = "x"\nquery'),
            'it.channels.voltage.querry: unknown key, did you mean "query"?',
        ),
        (METER + "field = 0", "it.channels.voltage.field: expected an integer from 1 to 256, found 0"),
        (METER + '[errors]\nsome = "("', "it.errors.some: not a regular expression"),
        (METER + '[[stream]]\nfields = ["voltage"]', "it.stream: unknown key"),
        (
            METER + '[commands.a]\nsend = "A"\nlines = 2\nreply = [{ pattern = "." }]',
            "it.commands.a.lines: the list of",
        ),
        (METER.replace("MEAS", "µ"), 'it.poll[0].send: "µ:VOLT?" cannot be sent in ascii'),
    ],
)
def test_a_mistake_is_a_sentence_with_its_place(text: str, mistake: str) -> None:
    found = read(text)[1]
    assert any(sentence.startswith(mistake) for sentence in found), found
