"""A laboratory with a balance to calibrate: the whole system, simulated instruments, and what the register knows.

    async with calibrating.open_bench(tmp_path) as bench:      # everything runs, the streams flow
        await bench.register()                                 # laboratory, weights WS-E2-01, item pi-1/balance
        run = await bench.create()                             # a View (kleinmaelzung_wire/runs.py) of the TEMPLATE
        run = await bench.prepare(run)                         # all ticked and answered, begun
        run = await bench.measure(run)                         # each step: the weight is put on, placed, captured

Three simulated instruments of agent pi-1, on pseudo-terminals, in the process of the test: `balance` (profile mt-sics,
asked 20 times a second, channel `weight` in g), `room` (temperature, humidity, pressure, 5 times a second) and `other`,
a second balance that nobody calibrates. A test changes what they show by `bench.put(load, error)`,
`bench.balance.variables.set(...)` (load, moving, silent, milligrams), `bench.room.variables.set("temperature", 30)`,
and what goes wrong on their lines by `bench.faults`. They stand still between two changes: a value has no noise.

People (password PASSWORD of tests/brokers.py): admin (bench.lab), anna and berta are calibrators, otto an operator,
vera an observer; `async with bench.person("berta") as lab`. The page is at bench.whole.running.url.

TEMPLATE is short: window 0.4 s, settled after 0.1 s, given up after 5 s; repeatability of two placements with return to
zero, eccentricity at two positions, points 0, 50 and 100 g. bench.create(template=...) takes any other.
"""

import asyncio
import contextlib
import secrets
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import kleinmaelzung
from kleinmaelzung_agent.profiles import profile_files
from kleinmaelzung_agent.simulating import making, ports
from kleinmaelzung_agent.simulating.faults import Faults
from kleinmaelzung_agent.simulating.instrument import Simulated
from kleinmaelzung_wire import access, register, runs
from kleinmaelzung_wire.rights import Rights, Role
from tests.brokers import PASSWORD
from tests.whole import Whole, whole_system

View = dict[str, Any]

SERVICE: Final = "calibration"
ITEM: Final = "pi-1/balance"
WEIGHTS: Final = "WS-E2-01"
SENSORS: Final = {"temperature": "pi-1/room/temperature", "humidity": "pi-1/room/humidity"}
PEOPLE: Final[Mapping[str, Role]] = {
    "anna": "calibrator",
    "berta": "calibrator",
    "otto": "operator",
    "vera": "observer",
}
TIMEOUT_S: Final = 20.0

TEMPLATE: Final = """
schema          = "calibration-template/1"
id              = "TEST-BALANCE"
version         = 1
title           = "Balance of a test, 0-200 g"
quantity        = "mass"
unit            = "g"
error_unit      = "mg"
instrument_type = "balance"
method          = ["direct loading, a test's own"]
direction       = "error"
language        = "en"

[instrument]
range       = [0, 200]
resolution  = 0.0001
channel     = "weight"
stable_flag = "stable"

[[standards]]
role        = "weights"
kind        = "weight_set"
unit        = "g"
class       = ["E2"]
max_U_ratio = 0.33

[environment]
temperature = { sensor = "required", min = 18.0, max = 27.0, unit = "degC" }
humidity    = { sensor = "optional", min = 30, max = 70, unit = "%RH" }

[prepare]
checks = ["levelled", "warmed up"]

[stability]
window_s        = 0.4
min_samples     = 4
max_range       = 0.0002
max_slope_per_s = 0.002
settle_s        = 0.1
timeout_s       = 5
max_age_s       = 2.0

[[test]]
kind           = "repeatability"
load           = 100
repeats        = 2
return_to_zero = true

[[test]]
kind      = "eccentricity"
load      = 50
positions = ["centre", "front"]

[[test]]
kind   = "points"
points = [0, 50, 100]

[[input]]
name = "convection"
unit = "mg"
ask  = "apparent change of mass by convection"
min  = 0
max  = 5

[[budget.component]]
name         = "resolution"
type         = "B"
distribution = "rectangular"
half_width   = "d/2"

[[budget.component]]
name   = "repeatability"
type   = "A"
source = "test:repeatability"

[[budget.component]]
name         = "eccentricity"
type         = "B"
distribution = "rectangular"
half_width   = "ecc_max/(2*ecc_load)*load"

[[budget.component]]
name   = "weights: calibration"
type   = "B"
source = "standard:weights"

[[budget.component]]
name         = "convection"
type         = "B"
distribution = "rectangular"
unit         = "mg"
half_width   = "convection"

[acceptance]
limit = [{ upto = 200, abs = 2.0 }]
basis = "nominal"
rule  = "guard_band"
w     = "1.0*U"

[report]
analyses         = ["error_table", "repeatability", "eccentricity", "budget_per_point", "correction_line"]
correction_model = "line"
"""

_ROOM: Final = """
terminator = "\\r\\n"
silent_after = "2s"
[profile]
label = "Room sensor"
source = "a test"
[channels.temperature]
unit = "°C"
[channels.humidity]
unit = "%RH"
[channels.pressure]
unit = "hPa"
[[poll]]
send = "R?"
every = "200ms"
timeout = "1s"
reply = [{ pattern = '(?P<temperature>[0-9.]+) (?P<humidity>[0-9.]+) (?P<pressure>[0-9.]+)' }]
[simulator.variables]
temperature = 21.5
humidity = 45
pressure = 1002.5
silent = 0
[[transcript]]
send = "R?"
when = "silent"
given = { silent = 1 }
[[transcript]]
send = "R?"
reply = "{temperature:.2f} {humidity:.1f} {pressure:.1f}"
values = { temperature = 21.5 }
"""

_SILENT: Final = """
[[transcript]]
send = "SI"
when = "silent"
given = { silent = 1 }
"""
_MILLIGRAMS: Final = """
[[transcript]]
send = "SI"
when = "milligrams"
given = { milligrams = 1, load = 100 }
reply = "S S {(load - zeroed - tare) * 1000:10.1f} mg"
values = { weight = 100000.0 }
units = { weight = "mg" }

"""

LABORATORY: Final[Mapping[str, Any]] = {
    "name": "Malting laboratory",
    "address": "Freising",
    "contact": "lab@example.org",
    "country": "DE",
    "reviewer": "another",
    "place": "Room 1.12",
}
BALANCE: Final[Mapping[str, Any]] = {
    "instrument_type": "balance",
    "maker": "Simulated",
    "model": "SIM-200",
    "serial": "B021002593",
    "asset": "INV-17",
    "firmware": "",
    "location": "Room 1.12",
    "owner": "Malting laboratory",
    "interval_months": 12,
    "acceptance": "",
    "note": "",
}


def weights(due: str | None = None) -> dict[str, Any]:
    """A set of weights of class E2, its calibration valid unless it is said until when it was."""
    now = datetime.now(UTC).date()
    return {
        "kind": "weight_set",
        "description": "Weights, 1 g to 100 g",
        "maker": "Weights & Co",
        "serial": "4711",
        "accuracy_class": "E2",
        "unit": "g",
        "certificate": {
            "number": "D-K-12345",
            "laboratory": "An accredited one",
            "calibrated": (now - timedelta(days=800)).isoformat(),
            "due": due or (now + timedelta(days=300)).isoformat(),
        },
        "certified": [
            {"low": 50, "high": 50, "correction": 0.00002, "U": 0.00003, "k": 2, "mpe": 0.0001},
            {"low": 100, "high": 100, "correction": -0.00003, "U": 0.00005, "k": 2, "mpe": 0.00016},
        ],
        "fields": [],
        "instrument": "",
        "location": "Room 1.12",
        "interval_months": 24,
        "note": "",
    }


@dataclass
class Bench:
    """The running laboratory. Requests are made as admin unless another `lab` is given."""

    whole: Whole
    balance: Simulated
    other: Simulated
    room: Simulated
    faults: dict[str, Faults] = field(default_factory=dict)  # by instrument

    @property
    def lab(self) -> kleinmaelzung.Lab:
        return self.whole.lab

    def person(self, name: str) -> contextlib.AbstractAsyncContextManager[kleinmaelzung.Lab]:
        return kleinmaelzung.connect(self.whole.running.url, user=name, password=PASSWORD)

    def put(self, load: float, error: float = 0.0) -> None:
        """Put weights on, which the balance shows with an error, both in g."""
        self.balance.variables.set("load", load + error)

    async def ask(self, request: str, lab: kleinmaelzung.Lab | None = None, /, **body: Any) -> Any:
        return await (lab or self.lab).request(SERVICE, request, timeout=TIMEOUT_S, **body)

    # What the register knows

    async def enter(self, kind: str, name: str, content: Mapping[str, Any], **body: Any) -> Any:
        """Put one entry in; fails where it is refused."""
        pattern = {} if kind == register.LABORATORY else {"instrument": "+/+"}
        asked = {"kind": kind, "name": name, "content": dict(content), "reason": "a test", **pattern, **body}
        answer = await self.ask(register.PUT, **asked, id=secrets.token_hex(8))
        assert not answer["mistakes"], answer
        return answer["entry"]

    async def register(self) -> None:
        """All that a run of the TEMPLATE needs."""
        await self.enter(register.LABORATORY, "laboratory", LABORATORY)
        sha256 = await self.lab.register.upload(b"%PDF-1.7 its certificate")
        await self.enter(register.STANDARD, WEIGHTS, weights(), file_sha256=sha256)
        await self.enter(register.ITEM, ITEM, BALANCE)

    # A run

    async def create_with(
        self, template: str | None = TEMPLATE, lab: kleinmaelzung.Lab | None = None, **body: Any
    ) -> dict[str, Any]:
        """The answer as it is: {run, mistakes}."""
        asked: dict[str, Any] = {
            "template": zlib.compress(template.encode()) if template else "balance",
            "standards": [{"role": "weights", "name": WEIGHTS, "position": ""}],
            "sensors": dict(SENSORS),
            "condition": "clean",
            "instrument": ITEM,
            "id": secrets.token_hex(8),
            **body,
        }
        answer: dict[str, Any] = await self.ask(runs.CREATE, lab, **asked)
        return answer

    async def create(self, template: str = TEMPLATE, lab: kleinmaelzung.Lab | None = None, **body: Any) -> View:
        answer = await self.create_with(template, lab, **body)
        assert not answer["mistakes"], answer
        run: View = answer["run"]
        return run

    async def act_with(
        self, run: View | str, act: str, lab: kleinmaelzung.Lab | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """The answer as it is: {run, mistakes}."""
        name = run if isinstance(run, str) else run["run"]
        asked = {"instrument": ITEM, "run": name, "act": act, "id": secrets.token_hex(8), **arguments}
        answer: dict[str, Any] = await self.ask(runs.ACT, lab, **asked)
        return answer

    async def act(self, run: View | str, act: str, lab: kleinmaelzung.Lab | None = None, **arguments: Any) -> View:
        answer = await self.act_with(run, act, lab, **arguments)
        assert not answer["mistakes"], answer
        after: View = answer["run"]
        return after

    async def show(self, run: View | str) -> View:
        name = run if isinstance(run, str) else run["run"]
        shown: View = (await self.ask(runs.SHOW, instrument=ITEM, run=name))["run"]
        return shown

    async def prepare(self, run: View, lab: kleinmaelzung.Lab | None = None) -> View:
        """Tick and answer all, and begin."""
        for check in run["checks"]:
            run = await self.act(run, "tick", lab, check=check["check"])
        for question in run["questions"]:
            run = await self.act(run, "answer", lab, name=question["name"], value=0.1, unit=question["unit"])
        return await self.act(run, "begin", lab)

    def put_for(self, step: Mapping[str, Any]) -> None:
        """Put on what a step asks for. Each placement shows a little else, as a real one does."""
        load = 0.0 if step["what"] == "zero" else float(step["point"])
        self.put(load, load * 2e-6 + 0.0001 * (step["repeat"] % 2) if load else 0.0)

    async def capture(self, run: View, lab: kleinmaelzung.Lab | None = None) -> View:
        """Do the next step of a run; fails where it is given up."""
        number = run["next"]
        step = next(one for one in run["steps"] if one["step"] == number)
        self.put_for(step)
        await self.act(run, "place", lab, step=number)
        after = await self.until_over(run, number)
        done = next(one for one in after["steps"] if one["step"] == number)
        assert done["state"] == "captured", done
        return after

    async def until_over(self, run: View | str, number: int) -> View:
        """Wait until a step waits no more."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                view = await self.show(run)
                step = next(one for one in view["steps"] if one["step"] == number)
                if step["state"] != "waiting":
                    return view
                await asyncio.sleep(0.05)

    async def measure(self, run: View, lab: kleinmaelzung.Lab | None = None) -> View:
        """All steps that are open."""
        while run["next"] is not None:
            run = await self.capture(run, lab)
        return run

    async def measured(self, template: str = TEMPLATE) -> View:
        """A run with all steps captured by anna, the register filled."""
        await self.register()
        async with self.person("anna") as anna:
            run = await self.prepare(await self.create(template, anna), anna)
            return await self.measure(run, anna)

    async def issued(self, template: str = TEMPLATE) -> View:
        """A run that anna made, berta reviewed, and whose certificate anna issued."""
        run = await self.measured(template)
        async with self.person("anna") as anna, self.person("berta") as berta:
            await self.until_calculated(run, anna)
            await self.act(run, "review", berta, approve=True, text="")
            return await self.act(run, "issue", anna, language="en", readings=True)

    async def until_calculated(self, run: View | str, lab: kleinmaelzung.Lab | None = None) -> View:
        """Calculate; the last frames may not be in the database yet."""
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                answer = await self.act_with(run, "calculate", lab)
                if not answer["mistakes"]:
                    view: View = answer["run"]
                    return view
                assert any("not in the log yet" in sentence for sentence in answer["mistakes"]), answer["mistakes"]
                await asyncio.sleep(0.2)


def write_profiles(directory: Path) -> Path:
    """The instruments' profiles in a folder of their own: the shipped balance asked faster, the room's sensor."""
    directory.mkdir(exist_ok=True)
    balance = profile_files.find("mt-sics", [profile_files.SHIPPED]).path.read_text()
    quick = balance.replace('every = "250ms"', 'every = "50ms"')
    first = '[[transcript]]\nsend = "SI"\n'
    assert first in quick
    quick = quick.replace(first, _SILENT + _MILLIGRAMS + first, 1)
    quick = quick.replace("moving = 0\n", "moving = 0\nsilent = 0\nmilligrams = 0\n", 1)
    (directory / "quick-balance.toml").write_text(quick)
    (directory / "room-sensor.toml").write_text(_ROOM)
    return directory


@asynccontextmanager
async def open_bench(directory: Path, *, public_view: bool = False) -> AsyncIterator[Bench]:
    """Everything runs and the streams flow; the pans are empty, the register knows nothing."""
    profiles = write_profiles(directory / "profiles")
    made: dict[str, Simulated] = {}
    faults, tables = dict[str, Faults](), list[str]()
    async with contextlib.AsyncExitStack() as stack:
        whole = await stack.enter_async_context(whole_system(directory, public_view=public_view))
        for name, kind in (("balance", "quick-balance"), ("other", "quick-balance"), ("room", "room-sensor")):
            profile = profile_files.find(kind, [profiles])
            made[name] = await stack.enter_async_context(making.simulated(profile, is_frozen=True))
            faults[name] = Faults()
            port = await stack.enter_async_context(
                ports.on_terminal(directory / f"tty-{name}", made[name], faults[name])
            )
            tables.append(f'[instruments.{name}]\nprofile = "{kind}"\nport = "{port}"\n')
        bench = Bench(whole, made["balance"], made["other"], made["room"], faults)
        for simulated in (bench.balance, bench.other):
            simulated.variables.set("load", 0.0)
        await whole.start_agent(*tables, own=f'profiles = "{profiles}"')
        for name in made:
            await whole.until_state(f"pi-1/{name}", "connected")
        await add_people(whole)
        yield bench


async def add_people(whole: Whole) -> None:
    for name, role in PEOPLE.items():
        rights = Rights(role=role, instruments=("+/+",))
        answers = await whole.lab.access(access.add_user(name, PASSWORD, role))
        assert not any("error" in answer for answer in answers), answers
        await whole.lab.tell_rights(name, rights)
