"""The profile as text: what is written is what is read again."""

import tomllib
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.drivers.port_settings import PortSettings
from kleinmaelzung_agent.profiles import profile_files
from kleinmaelzung_agent.trying import draft as drafts
from kleinmaelzung_agent.trying import replay
from kleinmaelzung_agent.trying.draft import (
    ArgumentDraft,
    CommandDraft,
    Draft,
    Exchange,
    IdentityDraft,
    Marked,
    RefusalDraft,
    Source,
)

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="$"), max_size=20)


def draft() -> Draft:
    return Draft(
        name="balance",
        label='The "balance"',
        settings=PortSettings(port="/dev/x", baudrate=2400, bytesize=7, parity="even"),
        terminator="\r",
        marks={"received_begin": "\x02", "received_terminator": "\x03"},
        channels=[
            Marked(channel="weight", unit_group="unit", quality_group="stable", quality={"S": "good", "%!": "no"})
        ],
        sources=[Source(send="SI", pattern=r"(?P<stable>\S+) +(?P<weight>[0-9.]+) (?P<unit>\S+)")],
        commands=[CommandDraft(name="zero", send="Z{{0}}", pattern="Z A'\\\\"), CommandDraft(name="beep", send="B")],
        exchanges=[
            Exchange(
                send="SI", comes=b"\x02S 1.5 g\x03", lines=("S 1.5 g",), values={"weight": 1.5}, units={"weight": "g"}
            ),
            Exchange(
                send="SI",
                comes=b"\x02D 1.6 g\x03",
                lines=("D 1.6 g",),
                values={"weight": 1.6},
                units={"weight": "g"},
                quality={"weight": "D"},
            ),
            Exchange(command="zero", send="Z{0}", comes=b"\x02Z A'\\\x03", lines=("Z A'\\",), result="done"),
            Exchange(command="beep", send="B", comes=b"", result="done"),
        ],
    )


def read(text: str) -> tuple[profile_files.Profile, list[Exchange], list[str]]:
    profile = profile_files.parse(tomllib.loads(text), Path("balance.toml"))
    config, mistakes = replay.read(profile.settings, "/dev/x")
    return (
        profile,
        replay.exchanges(profile.transcript, config),
        mistakes + replay.differences(config, replay.exchanges(profile.transcript, config)),
    )


def test_a_profile_is_read_as_it_was_meant() -> None:
    profile, exchanges, differences = read(drafts.profile(draft()))
    assert differences == []
    assert exchanges == draft().exchanges
    assert profile.label == 'The "balance"'
    assert profile.settings == {key: value for key, value in drafts.instrument(draft()).items() if key != "label"}
    assert profile.settings["parity"] == "even"


def test_a_transcript_that_means_something_else_is_told() -> None:
    text = drafts.profile(draft()).replace("weight = 1.5", "weight = 2.5").replace("[0-9.]+", "1[0-9.]+")
    assert read(text)[2] == ["transcript[0]: expected weight 2.5 g, found weight 1.5 g"]


def test_an_answer_that_no_pattern_reads_is_told() -> None:
    text = drafts.profile(draft()).replace("S 1.5 g", "S 1.x g")
    assert read(text)[2] == ["transcript[0]: expected weight 1.5 g, found nothing"]


@given(TEXT, st.dictionaries(TEXT, TEXT, max_size=3), TEXT)
def test_any_text_survives(label: str, quality: dict[str, str], send: str) -> None:
    one = draft()
    one.label, one.exchanges = label, []
    one.channels = [Marked(channel="weight", unit_group="unit", quality_group="stable", quality=quality)]
    one.sources = [Source(send=send, pattern=send)]
    root = tomllib.loads(drafts.profile(one))
    assert root["channels"]["weight"].get("quality", {}) == quality
    assert root["poll"][0] == {"send": send, "every": "1s", "timeout": "1s", "reply": [{"pattern": send}]}
    assert root["profile"]["label"] == (label or "balance")


def test_values_that_come_unasked_are_said_again_by_a_simulator() -> None:
    one = draft()
    one.commands, one.sources = [], [Source(send=None, pattern=one.sources[0].pattern)]
    one.exchanges = [Exchange(send=None, comes=b"", lines=("S {1} g",), values={"weight": None})]
    entry = tomllib.loads(drafts.profile(one))["transcript"][0]
    assert entry == {"every": "1s", "reply": "S {{1}} g", "values": {"weight": "none"}}


def offered() -> Draft:
    """With all that is offered beside the value."""
    one = draft()
    setpoint = ArgumentDraft(name="sp", unit="°C", minimum=-20.0, maximum=180.5)
    one.commands.append(CommandDraft(name="set", send="SV {sp:.1f}", pattern="OK", arguments=(setpoint,)))
    one.refusals.append(RefusalDraft(line="ERR 3", pattern="ERR +[0-9]+", reason='it said "no"'))
    one.identity = IdentityDraft(send="I4", pattern='I4 A "(?P<serial>[^"]+)"', serial="4711")
    given = {"sp": 45.0}
    failed = Exchange(command="set", arguments=given, send="SV 45.0", comes=b"\x02ERR 3\x03", lines=("ERR 3",))
    one.exchanges += [
        replace(failed, result="failed", reason='it said "no"'),
        replace(failed, comes=b"\x02OK\x03", lines=("OK",), result="done"),
        Exchange(
            send="I4",
            comes=b'\x02I4 A "4711"\x03',
            lines=('I4 A "4711"',),
            is_identity=True,
            identity={"serial": "4711"},
            result="done",
        ),
    ]
    return one


def test_identity_arguments_and_refusals_are_read_as_they_were_meant() -> None:
    profile, exchanges, differences = read(drafts.profile(offered()))
    assert differences == []
    assert exchanges == offered().exchanges
    set_ = profile.settings["commands"]["set"]
    assert set_["arguments"] == {"sp": {"type": "number", "unit": "°C", "minimum": -20, "maximum": 180.5}}
    assert set_["refuse"] == [{"pattern": "ERR +[0-9]+", "reason": 'it said "no"'}]
    assert profile.settings["identity"] == {"send": "I4", "pattern": 'I4 A "(?P<serial>[^"]+)"'}
    assert profile.simulator["variables"]["refusing"] == 0


def test_what_no_longer_means_the_same_is_a_difference() -> None:
    text = drafts.profile(offered())
    for old, new, told in [
        ("SV {sp:.1f}", "SV {sp:.2f}", "expected done, found nothing"),
        ('serial = "4711"', 'serial = "4712"', "expected done, serial 4712, found done, serial 4711"),
        ("ERR +[0-9]+", "ERR +[4-9]", 'expected failed, it said "no", found nothing'),
        ("maximum = 180.5", "maximum = 40", "expected done, found nothing"),
    ]:
        assert old in text
        assert told in "; ".join(read(text.replace(old, new))[2])
