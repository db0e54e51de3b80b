"""agent.toml: what is right is read, and everything wrong is said at once with its place."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_agent.commands.guards import Guard, Guarding
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.configuration.config import ConfigError
from kleinmaelzung_agent.drivers.text.config import TextConfig
from kleinmaelzung_agent.lifetime import guarding_of, sampling_of
from kleinmaelzung_agent.recording.numbering import Sampling
from kleinmaelzung_agent.spool.spool import Limits

EXAMPLE = Path(__file__).parents[4] / "agent" / "agent.example.toml"
AGENT = """
[agent]
name = "pi-1"
url = "ws://lab-server:8080"
secret = "s3cret"
data = "spool"
"""
INSTRUMENT = """
[instruments.thermometer]
port = "/dev/ttyUSB0"
[instruments.thermometer.channels.temperature]
unit = "°C"
[[instruments.thermometer.poll]]
send = "T?"
every = "1s"
reply = [{ pattern = '(?P<temperature>[+-][0-9.]+) C' }]
"""


def load(directory: Path, text: str) -> config.Config:
    path = directory / "agent.toml"
    path.write_text(text)
    path.chmod(0o600)
    return config.load(path)


def mistakes(directory: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load(directory, text)
    first, *rest = str(raised.value).splitlines()
    assert first.startswith(str(directory / "agent.toml"))
    return [line.strip() for line in rest]


def one_mistake(directory: Path, text: str) -> str:
    found = mistakes(directory, text)
    assert len(found) == 1, found
    return found[0]


def test_the_example_is_right(tmp_path: Path) -> None:
    secret = tmp_path / "pi-1.secret"
    secret.write_text("s3cret\n")
    secret.chmod(0o600)
    read = load(tmp_path, EXAMPLE.read_text())
    assert read.agent.secret == "s3cret"
    assert read.agent.spool == Limits()  # the example shows what goes without saying
    assert list(read.instruments) == ["balance", "climate"]
    balance = read.instruments["balance"]
    assert isinstance(balance, TextConfig)
    assert balance.polls[0].reply[1].blank == ("weight",)
    assert read.instruments["balance"].commands["set_tare"].arguments[0].maximum == 220


def test_the_spools_limits_may_be_left_out_or_set(tmp_path: Path) -> None:
    assert load(tmp_path, AGENT).agent.spool == Limits()
    read = load(tmp_path, AGENT + '[spool]\nbytes = "5MB"\nage = "30d"\n')
    assert read.agent.spool == Limits(bytes=5_000_000, age_s=30 * 86400.0)
    assert load(tmp_path, AGENT + '[spool]\nage = "1h"\n').agent.spool.bytes == Limits().bytes
    kept = load(tmp_path, AGENT + '[spool]\nkeep = "7d"\nkeep_bytes = "2GB"\n').agent.spool
    assert kept == Limits(keep_s=7 * 86400.0, keep_bytes=2_000_000_000)


GUARDED = """
[instruments.thermometer.commands.heat]
send = "HEAT {value}"
dangerous = true
interlock = ["temperature < 80", 'lamp.state == "off" and temperature > -5']
max_age = "10s"
[instruments.thermometer.commands.heat.arguments.value]
type = "number"
[instruments.thermometer.commands.off]
send = "OFF"
safe = true
[instruments.lamp]
port = "/dev/ttyUSB1"
[instruments.lamp.channels.state]
type = "text"
[[instruments.lamp.stream]]
pattern = "(?P<state>on|off)"
"""


def test_commands_are_guarded_as_the_configuration_says(tmp_path: Path) -> None:
    instrument = INSTRUMENT.replace("port = ", 'allow_raw = true\nsafe_after = "1min"\nport = ')
    read = load(tmp_path, AGENT + instrument + GUARDED).instruments
    guarding = guarding_of(read["thermometer"])
    heat = guarding.commands["heat"]
    assert heat.interlocks[0].text == "temperature < 80"
    assert (heat.is_dangerous, heat.max_age_s) == (True, 10.0)
    assert guarding.commands["off"] == Guard()
    assert (guarding.safe_command, guarding.safe_after_s, guarding.allows_raw) == ("off", 60.0, True)
    assert guarding_of(read["lamp"]) == Guarding()
    named = GUARDED.replace("safe = true", "")
    instrument = INSTRUMENT.replace("port = ", 'safe_command = "off"\nport = ')
    assert guarding_of(load(tmp_path, AGENT + instrument + named).instruments["thermometer"]).safe_command == "off"


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        (('"temperature < 80"', '"temperature < hot"'), "commands.heat.interlock: [0]: expected a condition such as"),
        (('"temperature < 80"', '"temprature < 80"'), 'there is no channel "temprature", did you mean "temperature"?'),
        (("lamp.state", "lump.state"), 'heat.interlock: there is no instrument "lump", did you mean "lamp"?'),
        (('== "off"', "== 1"), 'heat.interlock: "lamp.state" is of type "text", found 1.0'),
        (('"temperature < 80"', "80"), "heat.interlock: expected a list of texts"),
        (("dangerous = true", "dangerous = 1"), "heat.dangerous: expected true or false, found 1"),
        (('"10s"', "10"), "heat.max_age: expected a duration"),
        (('send = "OFF"', 'send = "OFF"\nmax_age = "1s"'), "off.max_age: expected an interlock beside it"),
        (('send = "OFF"', 'send = "OFF"\ndangerous = true'), "off: the safe command has neither dangerous nor"),
        (('send = "HEAT {value}"', 'send = "HEAT {value}"\nsafe = true'), "expected one safe command, found heat, off"),
        (("/dev/ttyUSB1\"", '/dev/ttyUSB1"\nsafe_command = "of"'), 'lamp.safe_command: expected a command of this'),
        (("/dev/ttyUSB1\"", '/dev/ttyUSB1"\nallow_raw = "yes"'), 'lamp.allow_raw: expected true or false, found "yes"'),
        (("/dev/ttyUSB1\"", '/dev/ttyUSB1"\nsafe_after = "1ms"'), "lamp.safe_after: expected at least 1s"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_guard_is_said_with_its_place(tmp_path: Path, change: tuple[str, str], mistake: str) -> None:
    assert change[0] in GUARDED
    assert mistake in "\n".join(mistakes(tmp_path, AGENT + INSTRUMENT + GUARDED.replace(*change)))


def test_a_safe_command_needs_nobody_to_give_its_arguments(tmp_path: Path) -> None:
    text = GUARDED.replace("safe = true", "").replace("dangerous = true", "safe = true").replace("interlock = ", "# ")
    text = text.replace("max_age", "# max_age")
    expected = "instruments.thermometer.commands.heat: each argument of the safe command needs a default"
    assert one_mistake(tmp_path, AGENT + INSTRUMENT + text) == expected


def test_an_instrument_drops_its_oldest_unless_told_to_stop(tmp_path: Path) -> None:
    assert load(tmp_path, AGENT + INSTRUMENT).instruments["thermometer"].when_full == "drop-oldest"
    text = INSTRUMENT.replace("port = ", 'when_full = "stop"\nport = ')
    read = load(tmp_path, AGENT + text).instruments["thermometer"]
    assert read.when_full == "stop"
    assert sampling_of(read) == Sampling(frame_every_s=0.1, silent_after_s=5.0, stops_when_full=True)
    assert not sampling_of(load(tmp_path, AGENT + INSTRUMENT).instruments["thermometer"]).stops_when_full


def test_relative_paths_start_at_the_files_directory(tmp_path: Path) -> None:
    assert load(tmp_path, AGENT + INSTRUMENT).agent.data == tmp_path / "spool"


def test_a_ca_file_is_named_and_must_be_there(tmp_path: Path) -> None:
    named = AGENT + 'ca_file = "ca.pem"\n'
    assert one_mistake(tmp_path, named + INSTRUMENT) == f"agent.ca_file: {tmp_path / 'ca.pem'} is no file"
    (tmp_path / "ca.pem").touch()
    assert load(tmp_path, named + INSTRUMENT).agent.ca_file == tmp_path / "ca.pem"
    assert load(tmp_path, AGENT + INSTRUMENT).agent.ca_file is None


def test_the_secret_is_not_shown(tmp_path: Path) -> None:
    assert "s3cret" not in repr(load(tmp_path, AGENT))


def test_a_secret_that_others_can_read_is_a_mistake(tmp_path: Path) -> None:
    secret = tmp_path / "pi-1.secret"
    secret.write_text("s3cret")
    secret.chmod(0o640)
    text = AGENT.replace('secret = "s3cret"', 'secret_file = "pi-1.secret"')
    assert "others can read" in one_mistake(tmp_path, text)
    assert "(mode 0640), run: chmod 600" in one_mistake(tmp_path, text)


def test_a_configuration_with_a_secret_in_it_is_nobody_elses_to_read(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(AGENT)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match=f"agent.secret: others can read {path} .mode 0644., run: chmod 600 {path}"):
        config.load(path)
    (tmp_path / "pi-1.secret").write_text("s3cret")
    (tmp_path / "pi-1.secret").chmod(0o600)
    path.write_text(AGENT.replace('secret = "s3cret"', 'secret_file = "pi-1.secret"'))
    assert config.load(path).agent.secret == "s3cret"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/dev/ttyUSB0", "/dev/ttyUSB0"),
        ("/dev/ttyUSB0", "/dev/../dev//ttyUSB0"),
        ("socket://moxa:4001", "socket://MOXA:4001"),
        ("link", "device"),
    ],
)
def test_two_instruments_on_one_port_are_a_mistake(tmp_path: Path, first: str, second: str) -> None:
    (tmp_path / "device").touch()
    (tmp_path / "link").symlink_to("device")
    names = [str(tmp_path / name) if name in ("link", "device") else name for name in (first, second)]
    one, two = (INSTRUMENT.replace("/dev/ttyUSB0", name) for name in names)
    found = one_mistake(tmp_path, AGENT + one + two.replace("thermometer", "other"))
    assert found.startswith('instruments.other.port: "')
    assert found.endswith("is the port of instrument thermometer already")


def test_ports_of_one_serial_server_are_two(tmp_path: Path) -> None:
    one, two = (INSTRUMENT.replace("/dev/ttyUSB0", f"socket://moxa:{port}") for port in (4001, 4002))
    assert len(load(tmp_path, AGENT + one + two.replace("thermometer", "other")).instruments) == 2


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        (('secret = "s3cret"', ""), "agent.secret_file: expected either secret_file or secret, found neither"),
        (('secret = "s3cret"', 'secret_file = "no"'), "cannot be read: No such file or directory"),
        (('secret = "s3cret"', "secret = 12345"), "agent.secret: expected a text, found something else"),
        (("ws://lab-server:8080", "lab-server"), 'expected an address such as "ws://lab-server:8080"'),
        (("ws://lab-server:8080", "ws://lab:port"), 'expected an address such as "ws://lab-server:8080"'),
        (('"pi-1"', '"Pi 1"'), 'agent.name: expected 1 to 32 of a-z 0-9 _ -'),
        (("[agent]", "[agnet]"), "agnet: unknown key"),
        (("/dev/ttyUSB0", "socket://host"), 'expected a URL such as "socket://192.168.1.7:4001"'),
        (("thermometer]", "Thermo]"), "an instrument's name is"),
        (('"1s"', '"1 fortnight"'), 'poll[0].every: expected a duration such as "250ms"'),
        (('"1s"', "5"), 'instruments.thermometer.poll[0].every: expected a duration such as "250ms", found 5'),
        (("(?P<temp", "((?P<temp"), "poll[0].reply[0].pattern: not a regular expression: missing ), unterminated"),
        (("P<temperature>", "P<temprature>"), 'group "temprature" is no channel'),
        (("unit = ", "unit_group = "), 'channels.temperature.unit_group: no pattern has a group "°C"'),
        (("port = ", "parity = true\nport = "), "parity: expected one of"),
        (("port = ", "baudrate = 9600.5\nport = "), "baudrate: expected an integer from 50 to 12000000, found 9600.5"),
        (("port = ", "baudrate = true\nport = "), "baudrate: expected an integer from 50 to 12000000, found true"),
        (("port = ", 'driver = "telex"\nport = '), 'driver: expected one of "text", '),
        (("port = ", 'silent_after = "500ms"\nport = '), "silent_after: expected more than 1s, the shortest"),
        (("port = ", 'when_full = "stopp"\nport = '), 'when_full: expected one of "drop-oldest", "stop", found'),
        (("[agent]", '[spool]\nkeep = "91d"\n[agent]'), 'spool.keep: expected at most 90d, found "91d"'),
        (("[agent]", '[spool]\nbytes = "1 MiB?"\n[agent]'), 'spool.bytes: expected a size such as "256MB" (units: kB,'),
        (("[agent]", '[spool]\nbytes = "999kB"\n[agent]'), 'spool.bytes: expected at least 1MB, found "999kB"'),
        (("[agent]", "[spool]\nbytes = 5000000\n[agent]"), "spool.bytes: expected a size such as"),
        (("[agent]", '[spool]\nage = "59min"\n[agent]'), 'spool.age: expected at least 1h, found "59min"'),
        (("[agent]", '[spool]\nage = "366d"\n[agent]'), 'spool.age: expected at most 365d, found "366d"'),
        (("[agent]", "[spool]\nsize = 1\n[agent]"), "spool.size: unknown key"),
        (("[agent]", "spool = 5\n[agent]"), "spool: expected a table, found 5"),
        (('send = "T?"', 'send = "T°"'), 'poll[0].send: "T°" cannot be sent in ascii'),
        (("[[instruments.thermometer.poll]]", "[instruments.thermometer.poll]"), "poll: expected a list of tables"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_its_place(tmp_path: Path, change: tuple[str, str], mistake: str) -> None:
    text = (AGENT + INSTRUMENT).replace(*change)
    assert mistake in "\n".join(mistakes(tmp_path, text))


def test_a_file_that_is_no_toml_says_where(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"agent.toml: not TOML: .* \(at line 2, column 6\)"):
        load(tmp_path, "[agent]\nname pi-1\n")


def test_a_missing_file_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.toml: cannot be read: No such file or directory"):
        config.load(tmp_path / "no.toml")


def test_commands_are_checked_like_the_rest(tmp_path: Path) -> None:
    text = """
[instruments.thermometer.commands.set]
send = "SET {valeu}"
refuse = [{ pattern = 'ERR' }]
[instruments.thermometer.commands.set.arguments.value]
type = "nubmer"
minimum = 5
maximum = 1
default = 7
"""
    found = "\n".join(mistakes(tmp_path, AGENT + INSTRUMENT + text))
    assert 'set.arguments.value.type: expected one of "number", "integer", "text", "boolean", "choice"' in found
    assert 'found "nubmer", did you mean "number"?' in found
    assert "set.arguments.value.minimum: expected at most maximum, 1, found 5" in found
    assert "set.refuse[0].reason: missing, expected a text" in found
    assert "set.send: {valeu} is no argument of this command" in found


# --- every key ----------------------------------------------------------

FREE = {"quality"}  # tables whose keys are free
NAMED = {"instruments", "channels", "commands", "arguments"}


def places(table: dict[str, Any], path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of all keys of a parsed TOML table that are not names of the user's choice."""
    found: list[tuple[str | int, ...]] = []
    for key, value in table.items():
        here = (*path, key)
        is_name = bool(path) and path[-1] in NAMED
        if not is_name and (not path or path[-1] not in FREE or path[-2] == "reply"):
            found.append(here)
        if isinstance(value, dict):
            found += places(value, here)
        elif isinstance(value, list):
            for index, element in enumerate(value):
                if isinstance(element, dict):
                    found += places(element, (*here, index))
    return found


def as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {as_toml(inner)}' for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return "'''" + value.replace("\r", "").replace("\n", "") + "'''" if isinstance(value, str) else str(value)


def whole() -> dict[str, Any]:
    return tomllib.loads(EXAMPLE.read_text().replace('secret_file = "pi-1.secret"', 'secret = "x"'))


def write(tree: dict[str, Any]) -> str:
    return "\n".join(f"{key} = {as_toml(value)}" for key, value in tree.items())


def parent(tree: Any, path: tuple[str | int, ...]) -> dict[str, Any]:
    for step in path[:-1]:
        tree = tree[step]
    assert isinstance(tree, dict)
    return tree


def dotted(path: tuple[str | int, ...]) -> str:
    return re.sub(r"\.\[", "[", ".".join(f"[{step}]" if isinstance(step, int) else step for step in path))


@pytest.mark.parametrize("path", places(whole()), ids=dotted)
def test_every_key_misspelt_is_found_at_its_place(tmp_path: Path, path: tuple[str | int, ...]) -> None:
    tree = whole()
    table = parent(tree, path)
    key = str(path[-1])
    table[f"{key}x"] = table.pop(key)
    place = f"{dotted(path)}x: unknown key"
    assert any(mistake.startswith(place) for mistake in mistakes(tmp_path, write(tree))), place


@pytest.mark.parametrize("path", places(whole()), ids=dotted)
def test_every_key_mistyped_is_found_at_its_place(tmp_path: Path, path: tuple[str | int, ...]) -> None:
    tree = whole()
    parent(tree, path)[str(path[-1])] = [[True]]
    place = f"{dotted(path)}"
    assert any(mistake.startswith(place) for mistake in mistakes(tmp_path, write(tree))), place


def test_all_keys_misspelt_at_once_are_all_found(tmp_path: Path) -> None:
    tree = whole()
    leaves = [path for path in places(whole()) if not isinstance(parent(whole(), path)[str(path[-1])], (dict, list))]
    for path in leaves:
        table = parent(tree, path)
        table[f"{path[-1]}x"] = table.pop(str(path[-1]))
    found = mistakes(tmp_path, write(tree))
    assert [path for path in leaves if not any(line.startswith(f"{dotted(path)}x: ") for line in found)] == []


def test_an_instrument_is_not_called_as_the_agent_itself_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"instruments\.agent: agent is the agent itself, choose another name"):
        load(tmp_path, AGENT + INSTRUMENT.replace("thermometer", "agent"))


def test_a_servers_key_is_only_named_and_one_that_is_missing_stops_no_measuring(tmp_path: Path) -> None:
    assert load(tmp_path, AGENT).agent.server_key_file is None
    named = load(tmp_path, AGENT.replace("data =", 'server_key_file = "server.pub"\ndata ='))
    assert named.agent.server_key_file == tmp_path / "server.pub"
