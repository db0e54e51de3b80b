"""A run is created from register, template and streams, or every reason why not is told at once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kleinmaelzung_services.calibration.runs import creating, events, folding
from kleinmaelzung_services.calibration.runs.channels import Streams
from kleinmaelzung_services.calibration.runs.choosing import Chosen
from kleinmaelzung_services.calibration.runs.creating import Known, Wanted
from kleinmaelzung_services.calibration.runs.events import Event
from kleinmaelzung_services.calibration.runs.permitting import Refused
from kleinmaelzung_wire.codec import Fields, WireError
from tests.unit.services.calibration_records.examples import TEMPLATES
from tests.unit.services.calibration_runs import asking
from tests.unit.services.calibration_runs.asking import INSTRUMENT, TODAY
from tests.unit.services.calibration_runs.guided import BALANCE

THERMOMETER, CHAMBER = TEMPLATES["thermometer"], TEMPLATES["climate-chamber"]
Change = Callable[[Wanted, Known], tuple[Wanted, Known]]


def mistakes(template_name: str, wanted: Wanted, known: Known) -> list[str]:
    with pytest.raises(Refused) as found:
        creating.create(TEMPLATES[template_name], INSTRUMENT, wanted, known)
    return list(found.value.mistakes)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_run_of_every_template_that_comes_along_can_be_created(name: str) -> None:
    template = TEMPLATES[name]
    made = creating.create(template, INSTRUMENT, asking.wanted(template), asking.known(template))
    assert events.decode(*events.encode(made)) == made
    run = folding.fold("R-2026-0001", template, [Event(number=1, time_us=1, user="anna", what=made)])
    assert run.instrument == INSTRUMENT
    assert (made.item.condition, made.interval_months, made.reviewer) == ("clean", 12, "another")
    assert (made.customer.contact, made.place.address) == ("internal", "Room 1")
    assert [one.used.role for one in made.standards if not one.used.position] == [
        one.role for one in template.standards if not one.one_per_position
    ]
    assert all(bool(one.instrument) == bool(one.channel) for one in made.standards)


def test_the_standard_of_the_first_position_is_the_first() -> None:
    wanted = asking.wanted(CHAMBER)
    shuffled = replace(wanted, standards=wanted.standards[::-1])
    made = creating.create(CHAMBER, INSTRUMENT, shuffled, asking.known(CHAMBER))
    assert [one.used.position for one in made.standards][::9] == ["centre", "centre"]
    assert [one.used.role for one in made.standards] == ["thermometers"] * 9 + ["hygrometers"] * 9


def test_a_customer_a_place_and_a_mark_of_a_simulation_are_copied() -> None:
    wire = Fields(
        {
            "standards": [{"role": "weights", "name": "weights-1"}],
            "sensors": {"temperature": "pi-1/room/temperature", "humidity": "pi-1/room/humidity"},
            "customer": {"name": "Maltery", "address": "Malzgasse 2"},
            "place": {"kind": "customer", "address": "Malzgasse 2"},
            "condition": "dusty",
            "received": "2026-03-09",
        },
        "request",
    )
    known = asking.with_item(asking.known(BALANCE), is_simulated=True)
    made = creating.create(BALANCE, INSTRUMENT, Wanted.parse(wire), known)
    assert (made.customer.name, made.place.kind, made.item.condition) == ("Maltery", "customer", "dusty")
    assert str(made.item.received) == "2026-03-09"
    assert made.is_simulated
    assert [one.name for one in made.sensors] == ["temperature", "humidity"]  # pressure is optional


def test_an_instrument_that_was_due_long_ago_can_be_calibrated() -> None:
    known = asking.with_item(asking.known(BALANCE), interval_months=1)
    assert creating.create(BALANCE, INSTRUMENT, asking.wanted(BALANCE), known)


def standard(**changed: Any) -> Change:
    return lambda wanted, known: (wanted, asking.with_standard(known, "weights-1", **changed))


def certified(**changed: Any) -> Change:
    return standard(certified=[{"low": 0.0, "high": 200.0, "U": 1e-5, "k": 2.0, "mpe": 1e-5, **changed}])


def chosen(*found: Chosen) -> Change:
    return lambda wanted, known: (replace(wanted, standards=found), known)


def without_instrument(known: Known) -> Known:
    return replace(known, streams=Streams(units={"pi-1/room": known.streams.units["pi-1/room"]}))


WEIGHTS = Chosen(role="weights", name="weights-1")
OF_BALANCE: dict[str, tuple[Change, str]] = {
    "an open run": (
        lambda wanted, known: (wanted, replace(known, open_run="R-2026-0007")),
        "pi-1/item is in run R-2026-0007: an instrument has one run at a time; issue or abort that one first",
    ),
    "no laboratory": (
        lambda wanted, known: (wanted, replace(known, laboratory=None)),
        "the register has no laboratory: enter it with kleinmaelzung calibration laboratory set",
    ),
    "no item": (
        lambda wanted, known: (wanted, replace(known, item=None)),
        "the register has no instrument pi-1/item: enter it with kleinmaelzung calibration item set",
    ),
    "another type": (
        lambda wanted, known: (wanted, asking.with_item(known, instrument_type="thermometer")),
        (
            'pi-1/item is a "thermometer" in the register, the template KM-BALANCE-200G is for "balance":'
            " choose another template, or correct the entry"
        ),
    ),
    "received tomorrow": (
        lambda wanted, known: (replace(wanted, received=TODAY + timedelta(days=1)), known),
        "received is 2026-03-11, which is after today, 2026-03-10: correct the date",
    ),
    "an unknown standard": (
        lambda wanted, known: (wanted, replace(known, standards={})),
        "the register has no standard weights-1: enter it with kleinmaelzung calibration standard add",
    ),
    "an overdue standard": (
        standard(certificate=asking.certificate(due=TODAY - timedelta(days=1))),
        (
            "standard weights-1 is overdue: its certificate K-123 was due on 2026-03-09, today is"
            " 2026-03-10; have it calibrated, or choose another standard"
        ),
    ),
    "calibrated in the future": (
        standard(certificate=asking.certificate(calibrated=TODAY + timedelta(days=1))),
        (
            'standard weights-1, certificate.calibrated: found "2026-03-11"; is after 2026-03-10, when it'
            " was used; choose a standard whose calibration is valid"
        ),
    ),
    "no certificate": (
        standard(certificate=None),
        (
            "standard weights-1 has no certificate: nothing ties its value to the SI; enter its certificate,"
            " or choose another standard"
        ),
    ),
    "no U": (
        certified(U=None),
        "standard weights-1, certified[0].U: missing: without U it is no reference; enter U, as its certificate says",
    ),
    "U without k": (
        certified(k=None),
        (
            "standard weights-1, certified[0].k: missing: U without k says nothing about u; enter k, as its"
            " certificate says"
        ),
    ),
    "nothing certified": (
        standard(certified=[]),
        "standard weights-1, certified: there is neither value nor U; enter what its certificate says",
    ),
    "a point that is not covered": (
        certified(high=150.0),
        (
            "standard weights-1, certified: its certificate does not cover the point 200 g; choose a"
            " standard that does, or leave the point out"
        ),
    ),
    "another kind": (
        standard(kind="bath"),
        'standard weights-1, kind: found "bath"; the template asks for "weight_set"; choose another standard',
    ),
    "another class": (
        standard(accuracy_class="M1"),
        'standard weights-1, accuracy_class: found "M1"; the template permits E2, F1; choose one of such a class',
    ),
    "another quantity": (
        standard(unit="degC"),
        (
            'standard weights-1, unit: found "degC"; the wrong quantity: it cannot be converted to "g";'
            " choose another standard"
        ),
    ),
    "the instrument's serial number": (
        standard(serial=" 0815"),
        (
            'standard weights-1, serial: found " 0815"; is the serial number of the instrument itself, which'
            " cannot be its own reference; choose another standard, or correct it"
        ),
    ),
    "read by the instrument": (
        standard(instrument=INSTRUMENT),
        (
            "standard weights-1 is read by pi-1/item: the instrument under calibration cannot be its own"
            " reference; choose another standard"
        ),
    ),
    "no standard": (
        chosen(),
        'no standard has the role "weights", and the template asks for one: choose one of kind "weight_set"',
    ),
    "a role twice": (
        chosen(WEIGHTS, WEIGHTS),
        '2 standards have the role "weights", and the template asks for one: keep one of them',
    ),
    "another role": (
        chosen(WEIGHTS, Chosen(role="bath", name="weights-1")),
        'the template has no standard with the role "bath", but weights: correct the role',
    ),
    "a position where there is none": (
        chosen(replace(WEIGHTS, position="centre")),
        'weights-1 has the position "centre", and "weights" has none: leave it out',
    ),
    "U too large for the limits": (
        certified(U=0.0005),
        (
            "U of standard weights-1 is 0.5 mg at 50 g, 0.5 of the limit 1 mg: the template permits 0.33 of"
            " it; choose a better standard, or wider limits"
        ),
    ),
    "a sensor that is required": (
        lambda wanted, known: (replace(wanted, sensors={"humidity": "pi-1/room/humidity"}), known),
        (
            "there is no sensor for the temperature of the room, which the template requires: name one, as"
            " agent/instrument/channel"
        ),
    ),
    "a sensor that is not asked for": (
        lambda wanted, known: (replace(wanted, sensors={**wanted.sensors, "light": "pi-1/room/light"}), known),
        "sensors: the template does not ask for light, but temperature, humidity, pressure: leave it out",
    ),
    "a sensor that is the instrument": (
        lambda wanted, known: (replace(wanted, sensors={**wanted.sensors, "pressure": f"{INSTRUMENT}/mass"}), known),
        "the pressure of the room is read of pi-1/item, which is calibrated here: choose another sensor",
    ),
    "a sensor of another unit": (
        lambda wanted, known: (replace(wanted, sensors={**wanted.sensors, "pressure": "pi-1/room/humidity"}), known),
        (
            'the pressure of the room is read of pi-1/room/humidity, in "%RH": that cannot be converted to'
            ' "hPa"; choose another stream'
        ),
    ),
    "a sensor without such a channel": (
        lambda wanted, known: (replace(wanted, sensors={**wanted.sensors, "pressure": "pi-1/room/light"}), known),
        (
            "the pressure of the room is read of pi-1/room, channel light, and it has temperature, humidity,"
            " pressure: name another"
        ),
    ),
    "an instrument that is not here": (
        lambda wanted, known: (wanted, without_instrument(known)),
        "the template reads mass of pi-1/item, which is not here: is its name right, and its agent running?",
    ),
}


@pytest.mark.parametrize("what", OF_BALANCE)
def test_a_balance_is_not_calibrated_with(what: str) -> None:
    change, sentence = OF_BALANCE[what]
    found = mistakes("balance", *change(asking.wanted(BALANCE), asking.known(BALANCE)))
    assert sentence in found
    also_said = {"an open run", "no item", "another quantity", "a sensor that is the instrument", "a role twice"}
    assert len(found) == 1 or what in also_said, found


def test_a_standard_that_was_retired_is_refused() -> None:
    known = asking.known(BALANCE)
    entry = known.standards["weights-1"]
    assert entry
    known = replace(known, standards={"weights-1": replace(entry, is_retired=True)})
    [found] = mistakes("balance", asking.wanted(BALANCE), known)
    assert found == "standard weights-1 was retired by eva: choose another, or put it back"


def test_everything_is_told_at_once() -> None:
    wanted = replace(asking.wanted(BALANCE), sensors={})
    known = replace(asking.known(BALANCE), laboratory=None, open_run="R-2026-0007")
    known = asking.with_standard(known, "weights-1", kind="bath", certificate=None)
    assert len(mistakes("balance", wanted, known)) == 6


def test_a_standard_that_is_the_instrument_by_name_is_refused() -> None:
    known = asking.known(BALANCE)
    wanted = replace(asking.wanted(BALANCE), standards=(Chosen(role="weights", name=INSTRUMENT),))
    entry = known.standards["weights-1"]
    assert entry
    known = replace(known, standards={INSTRUMENT: replace(entry, name=INSTRUMENT)})
    [found] = mistakes("balance", wanted, known)
    assert found.startswith(f"standard {INSTRUMENT}, id: ")
    assert "is the instrument itself, which cannot be its own reference" in found


def test_a_standard_that_is_read_live_needs_an_instrument_with_that_channel() -> None:
    wanted, known = asking.wanted(THERMOMETER), asking.known(THERMOMETER)
    [found] = mistakes("thermometer", wanted, asking.with_standard(known, "reference-1", instrument=""))
    assert found == (
        'standard reference-1 has no instrument: the template reads "reference" live, from a channel'
        " temperature; say in its entry which instrument reads it"
    )
    [found] = mistakes("thermometer", wanted, asking.with_standard(known, "reference-1", instrument="pi-9/bridge"))
    assert (
        found
        == "standard reference-1 is read of pi-9/bridge, which is not here: is its name right, and its agent running?"
    )


def test_fields_that_the_template_needs_are_there() -> None:
    wanted, known = asking.wanted(THERMOMETER), asking.known(THERMOMETER)
    found = mistakes("thermometer", wanted, asking.with_standard(known, "bath-1", fields=[]))
    assert found == [
        f"standard bath-1, fields: there is no {name}, which the template needs; add it to the standard"
        for name in ("u_homogeneity", "u_stability")
    ]


def test_a_chamber_has_one_standard_with_its_own_stream_at_each_position() -> None:
    wanted, known = asking.wanted(CHAMBER), asking.known(CHAMBER)
    first, second, *rest = wanted.standards
    doubled = replace(second, position=first.position)
    found = mistakes("climate-chamber", replace(wanted, standards=(first, doubled, *rest)), known)
    assert found == [
        (
            f'thermometers: 2 standards at "{first.position}", and the template asks for one at each'
            " position: name one there"
        ),
        (
            f'thermometers: no standard at "{second.position}", and the template asks for one at each'
            " position: name one there"
        ),
    ]
    twice = replace(second, name=first.name)
    found = mistakes("climate-chamber", replace(wanted, standards=(first, twice, *rest)), known)
    assert found == [f"thermometers: {first.name} is at 2 positions, and can be at one: choose another for the rest"]
    elsewhere = replace(second, position="on top")
    found = mistakes("climate-chamber", replace(wanted, standards=(first, elsewhere, *rest)), known)
    assert any(f'{second.name} is at "on top", and the template has centre, ' in each for each in found)
    same = asking.with_standard(known, second.name, instrument=f"pi-1/{first.name}")
    found = mistakes("climate-chamber", wanted, same)
    assert found == [
        (
            f"{first.name} and {second.name} are read of pi-1/{first.name}/temperature: each standard that is"
            " read live has a stream of its own; correct their entries"
        )
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"condition": ""}, "condition is empty"),
        ({"received": "yesterday"}, "received is 'yesterday', expected a date like 2026-03-14"),
        ({"standards": [{"role": "weights"}]}, "standard.name is missing"),
        ({"standards": [{"role": "weights", "name": "a b"}]}, "none of the register"),
        ({"sensors": {"temperature": 1}}, "sensors.temperature is no text"),
        ({"customer": {"name": "x"}}, "customer.address: missing"),
        ({"customer": {"name": "x", "address": "y", "country": "Germany"}}, "ISO 3166-1"),
        ({"place": {"kind": "nowhere", "address": "y"}}, "place.kind: .* expected one of"),
    ],
)
def test_a_request_that_nobody_can_read_is_refused(changed: dict[str, Any], said: str) -> None:
    whole: dict[str, Any] = {
        "standards": [],
        "sensors": {},
        "customer": None,
        "place": None,
        "condition": "clean",
        "received": None,
    }
    assert Wanted.parse(Fields(whole, "request")).condition == "clean"
    with pytest.raises(WireError, match=said):
        Wanted.parse(Fields({**whole, **changed}, "request"))
