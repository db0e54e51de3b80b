"""Instruments that nobody of this project has seen: by their protocol, in at most 25 lines of configuration each.

What each says and how it is told stands in its simulator's docstring and in `instruments/NAME.toml`.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pymodbus.simulator import DataType, SimData, SimDevice

from kleinmaelzung_agent import making
from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.instruments import Instrument
from kleinmaelzung_wire.messages import Reply
from tests.fakes_instruments import Pty
from tests.fakes_modbus import units_on_a_line, units_on_tcp
from tests.integration.test_text_driver import Notes, command
from tests.strangers import electronics, laboratory, thermal, vacuum
from tests.strangers.wires import Cut, Fault, Flipped, Noise, Wire, nothing
from tests.waiting import until

MOST_LINES = 25
FOLDER = Path(__file__).parent / "instruments"

REGISTERS = DataType.REGISTERS

Values = Mapping[str, Any]
Lab = dict[str, tuple[Wire, Notes]]


@dataclass(frozen=True)
class Stranger:
    """A simulator, and what is to be read of it: values, units; then, after `change`, values and quality."""

    make: Callable[[Wire], Any]
    values: Values
    units: Values = field(default_factory=dict)
    change: Callable[[Any], None] | None = None
    changed: Values = field(default_factory=dict)
    quality: Values = field(default_factory=dict)
    command: tuple[str, Values] | None = None
    reply: Values = field(default_factory=dict)
    done: Callable[[Any], object] = bool  # whether the command has had its effect
    refused: tuple[str, Values] | None = None
    is_checked: bool = False  # a checksum protects what it says


def to(**fields: Any) -> Callable[[Any], None]:
    """A change of a simulator's fields."""

    def change(simulator: Any) -> None:
        for name, value in fields.items():
            setattr(simulator, name, value)

    return change


STRANGERS = {
    "pfeiffer_tpg": Stranger(
        vacuum.PfeifferTpg,
        {"pressure": 8.34e-3},
        {"pressure": "mbar"},
        to(status=2, pressure=1000.0),
        {"pressure": 1000.0},
        {"pressure": "overload"},
        ("set_unit", {"unit": "2"}),
        {"code": 2},
        lambda gauge: gauge.unit == 2,
        ("set_unit", {"unit": "9"}),
    ),
    "mks_gauge": Stranger(
        vacuum.MksGauge,
        {"pressure": 1.23e-3},
        {"pressure": "Torr"},
        to(pressure=7.6e2),
        {"pressure": 760.0},
        {},
        ("set_unit", {"unit": "MBAR"}),
        {"unit_is": "MBAR"},
        lambda gauge: gauge.unit == "MBAR",
        ("set_unit", {"unit": "BAR"}),
    ),
    "ion_gauge": Stranger(
        vacuum.IonGauge,
        {"pressure": 1e-3},
        {"pressure": "mbar"},
        to(value=50000, error=0x80),
        {"pressure": 1.0},
        {"pressure": "sensor broken"},
        is_checked=True,
    ),
    "bronkhorst_flow": Stranger(
        vacuum.BronkhorstFlow,
        {"flow": 50.0},
        {"flow": "%"},
        to(measured=65535),
        {"flow": -0.003125},
        {},
        ("set", {"percent": 25}),
        {},
        lambda controller: controller.setpoint == 8000,
        ("set", {"percent": 101.5}),
    ),
    "alicat_flow": Stranger(
        vacuum.AlicatFlow,
        {"pressure": 14.7, "temperature": 25.12, "flow": 25.0, "gas": "N2"},
        {"pressure": "psi", "temperature": "°C", "flow": "sccm"},
        to(words=" MOV"),
        {"pressure": 14.7, "temperature": 25.12, "flow": 40.0, "gas": "N2"},  # as the command set it
        {"flow": "overload"},
        ("set", {"flow": 40}),
        {"setpoint": 40.0},
        lambda controller: controller.setpoint == 40,
    ),
    "lake_shore": Stranger(
        thermal.LakeShore,
        {"temperature": 77.35},
        {"temperature": "K"},
        to(kelvin=0.0, status=33),
        {"temperature": 0.0},
        {"temperature": "invalid"},
        ("set", {"kelvin": 4.2}),
        {"kelvin": 4.2},
        lambda controller: controller.setpoint == 4.2,
    ),
    "eurotherm_bisynch": Stranger(
        thermal.EurothermBisynch,
        {"temperature": 98.6},
        {"temperature": "°C"},
        to(temperature=-12.5),
        {"temperature": -12.5},
        {},
        ("set", {"celsius": 123.4}),
        {},
        lambda controller: controller.setpoint == 123.4,
        ("set", {"celsius": 600}),
        is_checked=True,
    ),
    "omega_iseries": Stranger(
        thermal.OmegaISeries,
        {"temperature": 75.4},
        {"temperature": "°C"},
        to(temperature=-12.5),
        {"temperature": -12.5},
        {},
        ("set", {"celsius": 23.4}),
        {},
        lambda meter: meter.setpoint == 23.4,
    ),
    "rotronic_probe": Stranger(
        thermal.RotronicProbe,
        {"humidity": 34.56, "temperature": 23.41},
        {"humidity": "%rh", "temperature": "°C"},
        to(humidity="---.-"),
        {"humidity": None, "temperature": 23.41},
        {"humidity": "no sensor"},
        is_checked=True,
    ),
    "almemo_logger": Stranger(
        thermal.AlmemoLogger,
        {"t1": 23.5, "humidity": 45.2},
        {"t1": "°C", "humidity": "%"},
        to(columns=[" +0023.5", " +0024.5", "    ----"]),
        {"t1": 23.5, "t2": 24.5, "humidity": None},
        {"humidity": "overload"},
    ),
    "fixed_columns": Stranger(
        thermal.FixedColumns,
        {"t1": 23.5, "t2": None, "t3": 45.2},
        {},
        to(columns=["", "-1.5", "45.2"]),
        {"t1": None, "t2": -1.5, "t3": 45.2},
        {"t1": "no sensor"},
    ),
    "weiss_cabinet": Stranger(
        thermal.WeissCabinet,
        {"temperature": 22.9, "humidity": 49.8, "running": True},
        {"temperature": "°C", "humidity": "%"},
        to(actual=[-30.0, 12.0], is_running=False),
        {"temperature": -30.0, "humidity": 12.0, "running": False},
        {},
        ("set", {"celsius": -5.5, "percent": 60}),
        {},
        lambda cabinet: cabinet.set == [-5.5, 60.0] and cabinet.is_running,
    ),
    "and_balance": Stranger(
        laboratory.AndBalance,
        {"weight": 12.34},
        {"weight": "g"},
        to(line="OL,+9999999E+19"),
        {"weight": None},
        {"weight": "overload"},
        ("zero", {}),
        {},
        lambda balance: balance.is_zeroed,
    ),
    "kern_balance": Stranger(
        laboratory.KernBalance,
        {"weight": 0.1234},
        {"weight": "g"},
        to(line="-   0.1200    "),
        {"weight": -0.12},
        {"weight": "unstable"},
    ),
    "radwag_balance": Stranger(
        laboratory.RadwagBalance,
        {"weight": -12.345},
        {"weight": "g"},
        to(sign="?", is_steady=False),
        {"weight": -12.345},
        {"weight": "unstable"},
        refused=("zero", {}),
    ),
    "ph_meter": Stranger(
        laboratory.PhMeter,
        {"ph": 7.012, "temperature": 25.3},
        {"temperature": "°C"},
        to(line="U     -12,4 mV   25,3 °C"),
        {"voltage": -12.4, "temperature": 25.3},
    ),
    "titrator": Stranger(
        laboratory.Titrator, {"sample": 9, "volume": 12.345, "content": 99.5}, {"volume": "ml", "content": "%"}
    ),
    "ika_stirrer": Stranger(
        laboratory.IkaStirrer,
        {"speed": 500.0, "temperature": 25.1},
        {"speed": "1/min", "temperature": "°C"},
        None,
        {},
        {},
        ("set", {"speed": 750}),
        {"speed": 750.0},
        lambda stirrer: stirrer.speed == 750,
    ),
    "syringe_pumps": Stranger(
        laboratory.SyringePumps,
        {"position": 3000},
        {"position": "steps"},
        to(error=9),
        {"position": 150},  # where the command moved it
        {"position": "i"},
        ("move", {"steps": 150}),
        {},
        lambda pumps: pumps.positions == {"1": 150, "2": 120},
        ("move", {"steps": 9000}),
    ),
    "picoammeter": Stranger(
        electronics.Picoammeter,
        {"current": 1.040564e-9, "status": 0.0},
        {"current": "A"},
        to(current="+9.900000E+37A", status=1),
        {"current": None, "status": 1.0},
        {"current": "overload"},
        ("range", {"amperes": 2e-6}),
        {},
        lambda meter: meter.range == 2e-6,
        ("range", {"amperes": 1}),
    ),
    "fluke_meter": Stranger(
        electronics.FlukeMeter,
        {"voltage": 1.2345},
        {"voltage": "V"},
        to(value="+1E+9"),
        {"voltage": None},
        {"voltage": "overload"},
        ("rate", {"rate": "F"}),
        {},
        lambda meter: meter.rate == "F",
        ("rate", {"rate": "X"}),
    ),
    "uv_sensor": Stranger(
        electronics.UvSensor,
        {"uva": 10.23, "uvb": -2},
        {"uva": "W/m2"},
        to(words=(0xFFFF, 1, 1)),
        {"uva": 655.35, "uvb": 1},
        {"uva": "overload"},
    ),
    "sds011": Stranger(
        electronics.Sds011,
        {"pm25": 12.3, "pm10": 45.6},
        {"pm25": "µg/m3", "pm10": "µg/m3"},
        to(pm25=0),
        {"pm25": 0.0, "pm10": 45.6},
        {},
        ("every", {"minutes": 5}),
        {},
        lambda sensor: sensor.period == 5,
        is_checked=True,
    ),
    "plantower": Stranger(
        electronics.Plantower,
        {"pm25": 8, "pm10": 11},
        {"pm25": "µg/m3", "pm10": "µg/m3"},
        to(pm25=300),
        {"pm25": 300, "pm10": 11},
        is_checked=True,
    ),
    "co2_sensor": Stranger(
        electronics.Co2Sensor,
        {"co2": 608},
        {"co2": "ppm"},
        to(ppm=5000),
        {"co2": 5000},
        {},
        ("range", {"ppm": 2000}),
        {},
        lambda sensor: sensor.range == 2000,
        is_checked=True,
    ),
    "rangefinder": Stranger(
        electronics.Rangefinder,
        {"distance": 123},
        {"distance": "mm"},
        to(distance=5000),
        {"distance": None},
        {"distance": "overload"},
    ),
    "gps_receiver": Stranger(
        electronics.GpsReceiver,
        {"latitude": 48 + 7.038 / 60, "longitude": -(11 + 31 / 60), "altitude": 545.4},
        {"latitude": "°", "longitude": "°", "altitude": "m"},
        to(gga="123519,,,,,0,00,99.9,1.5,M,,M,,"),
        {"altitude": 1.5},
        is_checked=True,
    ),
    "guarded_analyser": Stranger(
        electronics.GuardedAnalyser,
        {"oxygen": 20.946},
        {"oxygen": "%vol"},
        to(stage="name"),
        {"oxygen": 20.946},
        command=("log_out", {}),
        done=lambda analyser: analyser.stage == "name",
    ),
}


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Pty]:
    with Pty(tmp_path / "tty") as terminal:
        yield terminal


def lines(text: str) -> int:
    """Of one instrument: what is neither empty nor a remark."""
    return len([line for line in text.splitlines() if line.strip() and not line.startswith("#")])


def configured(directory: Path, name: str, port: str, more: str = "", text: str = "") -> Any:
    agent = '[agent]\nname = "a"\nurl = "ws://h"\nsecret = "x"\ndata = "d"\n'
    text = text or (FOLDER / f"{name}.toml").read_text()
    path = directory / "agent.toml"
    if more:
        text = text.replace('\nevery = "20ms"', '\nevery = "20ms"\ntimeout = "150ms"')
    path.write_text(agent + text.replace("PORT", port).replace("[instruments.it]\n", f"[instruments.it]\n{more}"))
    path.chmod(0o600)
    return config.load(path).instruments


@asynccontextmanager
async def running(
    directory: Path, name: str, terminal: Pty, notes: Notes, fault: Fault = bytes, more: str = ""
) -> AsyncIterator[tuple[Instrument, Wire, Any]]:
    """The instrument, what it is connected to, and its simulator."""
    terminal.plug()
    wire = Wire(terminal, fault)
    simulator = STRANGERS[name].make(wire)
    instruments = making.make_all(configured(directory, name, terminal.port, more))(notes)
    async with AsyncExitStack() as stack:
        tasks = [asyncio.create_task(instrument.run()) for instrument in instruments.values()]
        stack.push_async_callback(asyncio.wait, tasks)
        for task in tasks:
            stack.callback(task.cancel)
        yield instruments["it"], wire, simulator


def last(notes: Notes) -> Values:
    """The newest value of each channel."""
    return {name: value for reading in notes.readings.get("it", []) for name, value in reading.values.items()}


def has(values: Values, wanted: Values) -> bool:
    return all(name in values and values[name] == pytest.approx(value) for name, value in wanted.items())


def described(notes: Notes, what: str) -> Values:
    return {
        name: text
        for reading in notes.readings.get("it", [])
        for name, text in (getattr(reading, what, None) or {}).items()
    }


async def execute(it: Instrument, wanted: tuple[str, Values]) -> Reply:
    return await it.execute(command(wanted[0], **wanted[1]), timeout_s=5)


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.toml")))
def test_no_instrument_takes_more_than_25_lines(name: str) -> None:
    for part in (FOLDER / f"{name}.toml").read_text().split("[instruments.other]"):
        assert lines(part) <= MOST_LINES


@pytest.mark.parametrize("name", STRANGERS)
async def test_a_stranger_is_read_and_commanded(tmp_path: Path, terminal: Pty, notes: Notes, name: str) -> None:
    wanted = STRANGERS[name]
    async with running(tmp_path, name, terminal, notes) as (it, _, simulator):
        await until(lambda: has(last(notes), wanted.values), f"{wanted.values}, found {last(notes)}")
        assert has(described(notes, "units"), wanted.units), described(notes, "units")
        if wanted.command:
            reply = await execute(it, wanted.command)
            assert reply.result == "done", reply
            assert has(reply.values or {}, wanted.reply), reply.values
            await until(lambda: wanted.done(simulator), "the command's effect")
        if wanted.refused:
            if wanted.change and not wanted.command:
                wanted.change(simulator)
            reply = await execute(it, wanted.refused)
            assert reply.result == "failed", reply
            assert reply.reason
        if wanted.change:
            notes.readings.clear()  # what it said before is no sign that it is read still
            wanted.change(simulator)
            await until(lambda: has(last(notes), wanted.changed), f"{wanted.changed}")
            await until(lambda: has(described(notes, "quality"), wanted.quality), f"{wanted.quality}")


@asynccontextmanager
async def all_running(directory: Path, names: Iterable[str], fault: Callable[[], Fault]) -> AsyncIterator[Lab]:
    """All at once, each on a pseudo-terminal of its own, with short timeouts."""
    async with AsyncExitStack() as stack:
        lab: Lab = {}
        for name in names:
            (directory / name).mkdir()
            terminal, notes = stack.enter_context(Pty(directory / name / "tty")), Notes()
            run = running(directory / name, name, terminal, notes, fault(), 'silent_after = "2s"\n')
            _, wire, _ = await stack.enter_async_context(run)
            lab[name] = wire, notes
        yield lab


def is_told(notes: Notes) -> bool:
    return any(condition in ("silent", "error") for condition in notes.conditions())


DIGITS, FRAMES = b"0123456789 +-.,;:E\r\n", b"\x02\x03\x06\x15AR01\xaa\xc0\xff\x86\r\n"


async def test_who_was_logged_out_is_logged_in_again(tmp_path: Path, terminal: Pty, notes: Notes) -> None:
    more = 'silent_after = "300ms"\n'
    async with running(tmp_path, "guarded_analyser", terminal, notes, more=more) as (it, _, analyser):
        await until(lambda: notes.condition() == "connected", "values")
        for _ in range(2):
            await execute(it, ("log_out", {}))
            count = len(notes.readings["it"])
            await until(lambda count=count: len(notes.readings["it"]) > count + 2, "values again")  # type: ignore[misc]
    assert "error" in notes.conditions()
    assert analyser.stage == "in"


FAULTS: dict[str, Callable[[], Fault]] = {
    "silence": lambda: nothing,
    "noise": lambda: Noise(1),
    "digits": lambda: Noise(2, DIGITS),
    "control characters": lambda: Noise(3, FRAMES),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_silence_and_noise_are_no_value(tmp_path: Path, fault: str) -> None:
    async with all_running(tmp_path, STRANGERS, FAULTS[fault]) as lab:
        for name, (wire, notes) in lab.items():
            await until(lambda notes=notes: is_told(notes), f"a state of {name}")  # type: ignore[misc]
            assert wire.said
    assert {name: last(notes) for name, (_, notes) in lab.items() if last(notes)} == {}


def wrong(notes: Notes, allowed: Values) -> list[Values]:
    """Readings that say anything else."""
    return [reading.values for reading in notes.readings.get("it", []) if not has(allowed, reading.values)]


async def test_a_cut_message_is_no_value(tmp_path: Path) -> None:
    async with all_running(tmp_path, STRANGERS, lambda: Cut(5)) as lab:
        for name, (wire, _) in lab.items():
            await until(lambda wire=wire: wire.said > 8, f"messages of {name}")  # type: ignore[misc]
    found = {name: wrong(notes, STRANGERS[name].values) for name, (_, notes) in lab.items()}
    assert {name: values for name, values in found.items() if values} == {}


async def test_a_flipped_bit_is_no_value_where_a_checksum_is(tmp_path: Path) -> None:
    names = [name for name, stranger in STRANGERS.items() if stranger.is_checked]
    async with all_running(tmp_path, names, lambda: Flipped(7)) as lab:
        for name, (wire, _) in lab.items():
            await until(lambda wire=wire: wire.said > 8, f"messages of {name}")  # type: ignore[misc]
    found = {name: wrong(notes, STRANGERS[name].values) for name, (_, notes) in lab.items()}
    assert {name: values for name, values in found.items() if values} == {}


async def test_an_energy_meter_with_swapped_words_on_unit_7(tmp_path: Path, notes: Notes) -> None:
    """Its manual: W at input 52 and kWh at input 342, floats with the low word first; the period in holding 2."""
    swapped = [part for value in (1234.5, 99.25) for part in reversed(words(value))]
    inputs = [SimData(52, values=swapped[:2], datatype=REGISTERS), SimData(342, values=swapped[2:], datatype=REGISTERS)]
    holding = [SimData(2, values=[0, 0], datatype=REGISTERS)]
    bits = [SimData(0, values=[False] * 8, datatype=DataType.BITS)]
    meter = SimDevice(id=7, simdata=(bits, bits, holding, inputs))
    async with units_on_a_line(tmp_path, meter) as line, made(tmp_path, "energy_meter", line.port, notes) as it:
        await until(lambda: has(last(notes), {"power": 1234.5, "energy": 99.25}), "its values")
        assert described(notes, "units") == {"power": "W", "energy": "kWh"}
        reply = await execute(it, ("set_demand", {"minutes": 15}))
        assert reply.result == "done", reply
        count = len(notes.readings["it"])
        line.fault = lambda answer: [(0.0, answer[:-3])]
        await until(lambda: is_told(notes), "a state that says so")
    assert len(notes.readings["it"]) <= count + 2
    assert wrong(notes, {"power": 1234.5, "energy": 99.25}) == []


async def test_a_data_logger_whose_manual_counts_from_one(tmp_path: Path, notes: Notes) -> None:
    """Its manual: 40001 is the temperature in tenths, -32768 a broken sensor; 10003 an alarm; coil 2 a relay."""
    bits = [SimData(0, values=[False, False, True, False, False, False, False, False], datatype=DataType.BITS)]
    coils = [SimData(0, values=[False] * 8, datatype=DataType.BITS)]
    holding = [SimData(0, values=[65536 - 55], datatype=REGISTERS)]
    logger = SimDevice(id=1, simdata=(coils, bits, holding, holding))
    async with units_on_tcp(logger) as port, made(tmp_path, "data_logger", str(port), notes) as it:
        wanted = {"temperature": -5.5, "alarm": True, "relay": False}
        await until(lambda: has(last(notes), wanted), f"{wanted}")
        reply = await execute(it, ("switch", {"on": True}))
        assert reply.result == "done", reply
        await until(lambda: has(last(notes), {"relay": True}), "the relay")


def words(value: float) -> list[int]:
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return [high, low]


@asynccontextmanager
async def made(directory: Path, name: str, port: str, notes: Notes) -> AsyncIterator[Instrument]:
    more = 'silent_after = "2s"\ntimeout = "200ms"\n'
    it = making.make_all(configured(directory, name, port, more))(notes)["it"]
    task = asyncio.create_task(it.run())
    try:
        yield it
    finally:
        task.cancel()
        await asyncio.wait([task])
