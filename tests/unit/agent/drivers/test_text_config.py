"""The keys of a text instrument: what is right is read, every mistake is a sentence with its place."""

import tomllib

import pytest

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers import registry
from kleinmaelzung_agent.drivers.checksums import ALGORITHMS
from kleinmaelzung_agent.drivers.text.config import TextConfig
from kleinmaelzung_agent.drivers.text.forms import Fields, Pairs

BUS = """
port = "/dev/ttyUSB0"
bus = true
echo = true
gap = "20ms"
begin = "\\u0002"
terminator = "\\r"
received_terminator = "\\u0003"
checksum = { type = "crc16-modbus", form = "bytes", order = "little", place = "after", skip = 0 }
[channels.weight]
unit_group = "unit"
quality_group = "status"
quality_bits = { 0 = "unstable" }
no_value = { "----" = "overload" }
[channels.state]
type = "text"
values = { "1" = "on" }
[channels.raw]
type = "integer"
base = 16
signed = true
[[poll]]
send = "?"
every = "1s"
until = 'END'
first = 'BEGIN'
reply = [
    { fields = ["", "weight", "unit", "status", "..."], separator = ";", head = "D;" },
    { pairs = { S = "state", R = "raw" }, separator = "", assign = ":" },
]
"""
STREAM = """
port = "/dev/ttyUSB0"
[channels.a]
[[stream]]
fields = ["a"]
"""
COMMAND = """
[commands.go]
send = "GO"
reply = [{ pattern = "OK" }]
"""


def read(text: str) -> tuple[TextConfig, list[str]]:
    table = Table(tomllib.loads(text), "it", [])
    config = registry.read(table)
    assert isinstance(config, TextConfig)
    return config, table.mistakes


def test_all_keys_are_read() -> None:
    config, mistakes = read(BUS)
    assert mistakes == []
    assert (config.framing.begin, config.framing.terminator, config.framing.received_terminator) == (
        b"\2",
        b"\r",
        b"\3",
    )
    found = config.framing.line_sum
    assert found
    assert (found.checksum.algorithm, found.checksum.form, found.checksum.order) == (
        ALGORITHMS["crc16-modbus"],
        "bytes",
        "little",
    )
    assert (found.is_after, found.skip, found.is_sent, found.is_received) == (True, 0, True, True)
    assert (config.echo, config.gap_s, config.is_on_bus) == (True, 0.02, True)
    assert config.channels["weight"].no_value == {"----": "overload"}
    assert config.channels["state"].values == {"1": "on"}
    assert (config.channels["raw"].base, config.channels["raw"].is_signed) == (16, True)
    [poll] = config.polls
    assert poll.extent.until
    assert poll.extent.first
    row, pairs = (pattern.form for pattern in poll.reply)
    assert row == Fields(fields=("", "weight", "unit", "status", "..."), separator=";", head="D;")
    assert pairs == Pairs(pairs={"S": "state", "R": "raw"}, separator="", assign=":")


def test_instruments_share_a_port_only_where_lines_are_alike() -> None:
    first, second = read(BUS)[0], read(BUS.replace('"?"', '"!"'))[0]
    assert first.shared_as == second.shared_as != None  # noqa: E711
    assert read(BUS.replace("little", "big"))[0].shared_as != first.shared_as
    assert read(STREAM)[0].shared_as is None


def test_the_checksum_of_nmea_stands_behind_its_star() -> None:
    found = read(STREAM.replace("[channels.a]", 'checksum = { type = "nmea" }\n[channels.a]'))[0].framing.line_sum
    assert found
    assert (found.mark, found.skip, found.checksum.form) == (b"*", 1, "HEX")


def test_the_groups_of_a_formula_are_known() -> None:
    text = STREAM.replace("[channels.a]", '[channels.a]\nformula = "m * 10 ** e"').replace('["a"]', '["m", "e"]')
    config, mistakes = read(text + '[[stream]]\npattern = "OL"\nquality = "overload"\n')
    assert mistakes == []
    assert config.streams[1].blank == ("a",)
    assert read(text.replace('"e"]', '"f"]'))[1] == [
        'it.stream[0].fields: name "f" is no channel and no unit_group or quality_group',
        'it.channels.a.formula: no pattern has a group "e"',
    ]


def top(line: str) -> str:
    return STREAM.replace("[channels.a]", f"{line}\n[channels.a]")


def of_channel(line: str) -> str:
    return STREAM.replace("[channels.a]", f"[channels.a]\n{line}")


def of_stream(line: str) -> str:
    return STREAM.replace('fields = ["a"]', line)


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        (
            of_stream(""),
            [
                "it.stream[0].pattern: missing, expected a text; or fields, or pairs",
                'it.channels.a: no pattern has a group "a"',
            ],
        ),
        (
            of_stream('fields = ["a"]\npattern = "(?P<a>.)"'),
            ["it.stream[0].fields: expected one of pattern, fields, pairs, found pattern and fields"],
        ),
        (
            of_stream('fields = ["a", "b"]'),
            ['it.stream[0].fields: name "b" is no channel and no unit_group or quality_g'],
        ),
        (of_stream('fields = ["a", "a"]'), ['it.stream[0].fields: name "a" is there 2 times']),
        (
            of_stream('fields = ["..."]'),
            ["it.stream[0].fields: expected at least one name", "it.channels.a: no pattern"],
        ),
        (
            of_stream('fields = ["...", "a"]'),
            ['it.stream[0].fields: "..." means that more may follow: expected at the end'],
        ),
        (
            of_stream('fields = "a"'),
            [
                'it.stream[0].fields: expected a list of texts, found "a"',
                "it.stream[0].fields: expected at least one name",
                "it.channels.a: no pattern",
            ],
        ),
        (
            of_stream('fields = ["a"]\nseparator = "\\n"'),
            ["it.stream[0].separator: expected what stands between columns"],
        ),
        (of_stream('fields = ["a"]\nassign = ":"'), ["it.stream[0].assign: unknown key"]),
        (of_stream('pairs = { T = "b" }'), ['it.stream[0].pairs: name "b" is no channel', "it.channels.a: no pattern"]),
        (of_stream("pairs = { }"), ["it.stream[0].pairs: expected a table such as", "it.channels.a: no pattern"]),
        (of_stream('pairs = { T = "a", U = "a" }'), ['it.stream[0].pairs: name "a" is there 2 times']),
        (
            of_stream('pairs = { T = "a" }\nassign = ";"'),
            ["it.stream[0].assign: expected what stands between name and v"],
        ),
        (
            of_stream('pairs = { T = "a" }\nassign = ""'),
            ["it.stream[0].assign: expected what stands between name and v"],
        ),
        (
            of_stream('pattern = "(?P<a>."'),
            ["it.stream[0].pattern: not a regular expression: missing )", "it.channels.a: no pattern"],
        ),
        (
            of_stream('fields = ["a"]\nlines = 2'),
            ["it.stream[0].first: missing, expected how the first of several lines"],
        ),
        (of_stream('fields = ["a"]\nfirst = "-"'), ["it.stream[0].first: expected lines or until beside it"]),
        (of_stream('fields = ["a"]\nfirst = "-"\nuntil = "("'), ["it.stream[0].until: not a regular expression"]),
        (
            of_stream('fields = ["a"]\nfirst = "-"\nuntil = "="\nlines = 2'),
            ["it.stream[0].until: expected either lines or until, found both"],
        ),
        (
            of_stream('fields = ["a"]\nfirst = "-"\nlines = 1000'),
            ["it.stream[0].lines: expected an integer from 1 to 256"],
        ),
        (top('decimal = ","'), ['it.stream[0].separator: "," is also the decimal mark of this instrument']),
        (top('decimal = ";"'), ['it.decimal: expected one of ".", ",", found ";"']),
        (top('begin = "\\n"'), ["it.begin: expected what ends no line as well"]),
        (top('begin = "§"'), ['it.begin: "§" cannot be sent in ascii']),
        (top('gap = "2s"'), ['it.gap: expected at most 1s, found "2s"']),
        (top("echo = 1"), ["it.echo: expected true or false, found 1"]),
        (top("bus = true"), ["it.bus: what speaks by itself has its port for itself"]),
        (top('checksum = "sum8"'), ['it.checksum: expected a table, found "sum8"']),
        (top('checksum = { type = "sum9" }'), ['it.checksum.type: expected one of "sum8",']),
        (top('checksum = { type = "sum8", mark = "*", start = 1 }'), ["it.checksum.start: unknown key"]),
        (top('checksum = { type = "sum8", covers_mark = true }'), ["it.checksum.covers_mark: expected mark beside it"]),
        (
            top('checksum = { type = "sum8", sent = false, received = false }'),
            ["it.checksum.sent: expected that it is s"],
        ),
        (
            top('checksum = { type = "sum8", place = "behind" }'),
            ['it.checksum.place: expected one of "before", "after"'],
        ),
        (
            top('checksum = { type = "sum8", place = "after" }'),
            ['it.checksum.place: "after" needs begin beside checksum'],
        ),
        (
            top('begin = "#"\nchecksum = { type = "sum8", place = "after" }'),
            ['it.checksum.place: "after" needs received_terminator beside checksum'],
        ),
        (
            top('begin = "#"\nreceived_terminator = "\\r"\nchecksum = { type = "sum8", place = "after", mark = "*" }'),
            ["it.checksum.mark: a checksum with place"],
        ),
        (of_channel("base = 12"), ["it.channels.a.base: expected one of 10, 16, 8, 2, found 12"]),
        (of_channel('type = "text"\nbase = 16'), ["it.channels.a.base: only a number or an integer has it"]),
        (of_channel("signed = true"), ["it.channels.a.signed: expected base = 16, 8 or 2 beside it"]),
        (of_channel('type = "text"\nwith_unit = true'), ["it.channels.a.with_unit: only a decimal number has it"]),
        (
            of_channel('values = { "1" = "on" }'),
            ['it.channels.a.values.1: expected a value of type "number", found "on"'],
        ),
        (
            of_channel('type = "boolean"\nvalues = { "1" = 1 }'),
            ['it.channels.a.values.1: expected a value of type "bool'],
        ),
        (of_channel('no_value = { "OL" = "" }'), ['it.channels.a.no_value: expected a quality for "OL"']),
        (of_channel('quality_bits = { 1 = "x" }'), ["it.channels.a.quality_bits: expected a quality_group beside it"]),
        (
            of_channel('quality_bits = { one = "x" }\nquality_group = "a"'),
            ['it.channels.a.quality_bits: expected numbers of bits from 0 to 63, found "one"'],
        ),
        (
            of_channel('quality_bits = { 64 = "x" }\nquality_group = "a"'),
            ["it.channels.a.quality_bits: expected numbers"],
        ),
        (
            of_channel('quality_bits = { 1 = "x" }\nquality = { 1 = "x" }\nquality_group = "a"'),
            ["it.channels.a.quality_bits: expected either quality or quality_bits, found both"],
        ),
        (of_channel('formula = "1 +"'), ["it.channels.a.formula: "]),
        (of_channel('formula = "1"'), ["it.channels.a.formula: expected names of groups in it"]),
        (of_channel('formula = "__import__(1)"'), ["it.channels.a.formula: "]),
        (
            of_channel('formula = "a * 2"\ntype = "integer"\nwith_unit = true'),
            ["it.channels.a.with_unit: expected either a formula or this", "it.channels.a.formula: only a channel"],
        ),
        (of_channel("quality_base = 16"), ["it.channels.a.quality_base: expected quality_bits beside it"]),
        (
            of_channel('with_unit = true\nunit_group = "a"'),
            ["it.channels.a.with_unit: expected either unit_group or with"],
        ),
        (
            STREAM + COMMAND.replace('pattern = "OK"', 'fields = ["not a name"]'),
            ['it.commands.go.reply[0].fields: expected names such as temperature_1, found "not a name"'],
        ),
        (STREAM + COMMAND.replace("reply", "lines = 2\n# reply"), ["it.commands.go.lines: expected a reply beside it"]),
        (
            top('decimal = ","').replace('["a"]', '["a"]\nseparator = ";"') + '[commands.go]\nsend = "{x:,.2f}"\n'
            '[commands.go.arguments.x]\ntype = "number"',
            ["it.commands.go.send: a comma between thousands would be taken"],
        ),
        (STREAM + '[errors]\nsend = "E?"\nnone = "0"\nsome = "("', ["it.errors.some: not a regular expression"]),
        (STREAM + '[errors]\nsend = "E?"\nnone = "0"', ["it.errors.some: missing, expected a text"]),
        (STREAM + '[errors]\nsend = "µ?"\nnone = "0"\nsome = "1"', ['it.errors.send: "µ?" cannot be sent in ascii']),
        (
            STREAM + '[errors]\nsend = "E?"\nnone = "0"\nsome = "1"' + COMMAND + "lines = 2",
            ["it.commands.go.lines: the list of errors tells it: expected none"],
        ),
        (
            top("echo = true") + '[errors]\nsend = "E?"\nnone = "0"\nsome = "1"',
            ["it.echo: an instrument that is asked for its errors must not echo"],
        ),
    ],
)
def test_a_mistake_is_a_sentence_with_its_place(text: str, mistakes: list[str]) -> None:
    found = read(text)[1]
    assert len(found) == len(mistakes), found
    for sentence, beginning in zip(found, mistakes, strict=True):
        assert sentence.startswith(beginning), found
