"""Profiles as files: how they are found, laid under an instrument's table, and what is said of wrong ones."""

from pathlib import Path

import pytest

from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.configuration.config import ConfigError
from kleinmaelzung_agent.drivers.text.config import TextConfig
from kleinmaelzung_agent.profiles import profile_files, profile_list
from kleinmaelzung_agent.profiles.profile_files import ProfileError

ABOUT = '[profile]\nlabel = "L"\nsource = "a manual"\ntested = "from the manual"\n'
OWN = """
baudrate = 1200
[profile]
label = "A thermometer"
source = "its manual, p. 3"
tested = "from the manual"
parameters = { address = "1", house = "" }
[channels.temperature]
unit = "°C"
label = "Temperature"
[[poll]]
send = "$(house)$(address)T?"
every = "1s"
reply = [{ pattern = '$(address) (?P<temperature>[0-9.]+)' }]
"""


def load(directory: Path, instrument: str, own: str = "") -> TextConfig:
    folder = directory / "mine"
    folder.mkdir(exist_ok=True)
    (folder / "thermometer.toml").write_text(OWN)
    (folder / "broken.toml").write_text(own or "[profile\n")
    path = directory / "agent.toml"
    agent = '[agent]\nname = "a"\nurl = "ws://h"\nsecret = "x"\ndata = "d"\nprofiles = "mine"\n[instruments.it]\n'
    path.write_text(agent + instrument)
    path.chmod(0o600)
    found = config.load(path).instruments["it"]
    assert isinstance(found, TextConfig)
    return found


def mistakes(directory: Path, instrument: str, own: str = "") -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(directory, instrument, own)
    return caught.value.mistakes


def test_an_instruments_own_keys_stand_above_its_profile(tmp_path: Path) -> None:
    own = 'profile = "thermometer"\nport = "/dev/a"\nparameters = { address = 7, house = "H" }\nbaudrate = 9600\n'
    it = load(tmp_path, own + '[instruments.it.channels.temperature]\nunit = "K"\n')
    assert (it.port.baudrate, it.profile) == (9600, "thermometer")
    assert (it.channels["temperature"].unit, it.channels["temperature"].label) == ("K", "Temperature")
    assert it.polls[0].send == "H7T?"


def test_a_list_of_tables_is_replaced_as_a_whole(tmp_path: Path) -> None:
    own = (
        'profile = "thermometer"\nport = "/dev/a"\nparameters = { house = "H" }\n[[instruments.it.poll]]\nsend = "X"\n'
    )
    it = load(tmp_path, own + "every = \"5s\"\nreply = [{ pattern = '(?P<temperature>.*)' }]\n")
    assert [poll.send for poll in it.polls] == ["X"]


def test_an_unknown_profile_is_one_mistake_with_the_nearest_name(tmp_path: Path) -> None:
    assert mistakes(tmp_path, 'profile = "mt-sic"\nport = "/dev/a"\n') == [
        'instruments.it.profile: there is no profile "mt-sic", did you mean "mt-sics"?'
    ]


@pytest.mark.parametrize("name", ["../mine/thermometer", "/etc/passwd", "MT-SICS"])
def test_a_name_leads_to_no_other_file(tmp_path: Path, name: str) -> None:
    (found,) = mistakes(tmp_path, f'profile = "{name}"\nport = "/dev/a"\n')
    assert "there is no profile" in found


def test_a_profile_that_is_no_toml_is_named_with_its_file(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, 'profile = "broken"\nport = "/dev/a"\n')
    assert f"{tmp_path}/mine/broken.toml: " in found


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ("{}", "parameters.house: missing, the profile needs it"),
        ('{ house = "H", adress = "1" }', 'no such parameter, did you mean "address"?'),
        ("{ house = '.*' }", 'expected letters, digits, - and _, found ".*"'),
        ("{ house = true }", "expected letters, digits, - and _, found true"),
    ],
)
def test_wrong_parameters(tmp_path: Path, parameters: str, sentence: str) -> None:
    found = mistakes(tmp_path, f'profile = "thermometer"\nport = "/dev/a"\nparameters = {parameters}\n')
    assert any(sentence in mistake for mistake in found)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("driver = 'text'", "profile: missing"),
        (ABOUT.replace("from the manual", "yes"), 'expected "simulator NAME", "device NAME" or "from the manual"'),
        (ABOUT + "colour = 1", "profile.colour: unknown key"),
        (ABOUT + '[identity]\nsend = "$(who)"', "profile.parameters.who: missing, since $(who) is used"),
    ],
)
def test_a_wrong_profile_says_what_is_wrong(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "it.toml"
    path.write_text(text)
    with pytest.raises(ProfileError) as caught:
        profile_files.read(path)
    assert sentence in str(caught.value)


def test_ones_own_profile_stands_before_the_shipped_one_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "mt-sics.toml").write_text(ABOUT)
    assert profile_files.find("mt-sics", [tmp_path, profile_files.SHIPPED]).label == "L"


@pytest.mark.parametrize("name", profile_files.names([profile_files.SHIPPED]))
def test_each_shipped_profile_tells_where_it_comes_from(name: str) -> None:
    profile = profile_files.find(name, [profile_files.SHIPPED])
    assert profile.tested in ("from the manual", "simulator mt-sics-emulator")
    assert profile.source
    assert profile.devices
    channels, commands = profile.settings["channels"], profile.settings.get("commands", {})
    tested = [entry.get("values", {}) for entry in profile.transcript]
    units = {key for entry in profile.transcript for key in entry.get("units", {})}
    texts = {key for key, channel in channels.items() if channel.get("type", "number") in ("text", "boolean", "bit")}
    assert {key for values in tested for key in values} >= set(channels), "each channel is in the transcript"
    assert {entry.get("command", "") for entry in profile.transcript} >= set(commands), "and each command"
    assert units >= set(channels) - texts, "and each unit"


def test_profiles_are_a_table_and_one_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert profile_list.main([]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == profile_files.names([profile_files.SHIPPED])
    at = [head.index(column) for column in ("NAME", "KIND", "TESTED")]
    [balance] = [row for row in rows if row.startswith("mt-sics ")]
    assert balance[at[1] :].startswith("Balance, MT-SICS  ")
    assert balance[at[2] :] == "simulator mt-sics-emulator"
    assert profile_list.main(["sht31"]) == 0
    assert capsys.readouterr().out == (profile_files.SHIPPED / "sht31.toml").read_text()
    assert profile_list.main(["sht32"]) == 2
    assert 'did you mean "sht31"?' in capsys.readouterr().err
