"""What a template calls "mass" is found at an instrument that calls it "weight", or must be named."""

from dataclasses import replace

import pytest

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.runs import capturing, channels, creating, events, folding, view
from kleinmaelzung_services.calibration.runs.channels import Streams
from kleinmaelzung_services.calibration.runs.creating import Known, Wanted
from kleinmaelzung_services.calibration.runs.events import Event, RunChannel
from kleinmaelzung_services.calibration.runs.permitting import Refused
from kleinmaelzung_services.calibration.runs.run import Run
from kleinmaelzung_services.calibration.templates.template import Channel, Template
from tests.unit.services.calibration_records.examples import TEMPLATES
from tests.unit.services.calibration_runs import asking
from tests.unit.services.calibration_runs.asking import INSTRUMENT

BALANCE, PH_METER, THERMOMETER = (TEMPLATES[name] for name in ("balance", "ph-meter", "thermometer"))
MASS = Channel(name="mass", unit=units.find("g"))


@pytest.mark.parametrize(
    ("has", "found"),
    [
        ({"mass": "g", "weight": "g"}, "mass"),
        ({"mass": "V", "weight": "g"}, "mass"),
        ({"weight": "kg", "state": "", "temperature": "degC"}, "weight"),
        ({"weight": ""}, "weight"),
        ({"weight": "degC"}, "weight"),  # which is told as a wrong unit
        ({"net": "g", "gross": "mg"}, ""),
        ({"net": "", "gross": ""}, ""),
        ({}, ""),
    ],
)
def test_the_channel_that_is_meant_is_found(has: dict[str, str], found: str) -> None:
    assert channels.find(MASS, has) == found


def test_a_channel_that_is_taken_is_not_found_for_another() -> None:
    assert channels.find(MASS, {"net": "g", "gross": "g"}, ["net"]) == "gross"
    assert channels.find(MASS, {"net": "g"}, ["net"]) == ""


def known_with(template: Template, has: dict[str, str], instrument: str = INSTRUMENT) -> Known:
    known = asking.known(template)
    return replace(known, streams=Streams(units={**known.streams.units, instrument: has}))


def asked(template: Template, **named: str) -> Wanted:
    return replace(asking.wanted(template), channels=named)


def refused(template: Template, wanted: Wanted, known: Known) -> list[str]:
    with pytest.raises(Refused) as found:
        creating.create(template, INSTRUMENT, wanted, known)
    return list(found.value.mistakes)


def created(template: Template, wanted: Wanted, known: Known) -> Run:
    made = creating.create(template, INSTRUMENT, wanted, known)
    what = events.decode(*events.encode(made))
    return folding.fold("R-2026-0001", template, [Event(number=1, time_us=1, user="anna", what=what)])


@pytest.mark.parametrize(
    ("has", "named"), [({"weight": "g", "state": ""}, {}), ({"weight": "g", "tare": "g"}, {"mass": "weight"})]
)
def test_what_was_chosen_stands_in_the_run_and_is_what_its_steps_read(
    has: dict[str, str], named: dict[str, str]
) -> None:
    run = created(BALANCE, asked(BALANCE, **named), known_with(BALANCE, has))
    assert run.created.what.channels == (RunChannel(name="mass", channel="weight"),)
    assert view.view(run)["channels"] == {"mass": "weight"}
    [stream] = capturing.streams(run, view.steps_of(run).steps[0])
    assert (stream.instrument, stream.channel) == (INSTRUMENT, "weight")


def test_a_run_of_an_earlier_version_reads_what_the_template_says() -> None:
    run = created(BALANCE, asked(BALANCE), asking.known(BALANCE))
    kind, details = events.encode(run.created.what)
    del details["channels"]
    what = events.decode(kind, details)
    run = folding.fold("R-2026-0001", BALANCE, [Event(number=1, time_us=1, user="anna", what=what)])
    assert view.view(run)["channels"] == {"mass": "mass"}
    [stream] = capturing.streams(run, view.steps_of(run).steps[0])
    assert stream.channel == "mass"


def test_a_second_signal_is_found_beside_the_first() -> None:
    run = created(PH_METER, asked(PH_METER), known_with(PH_METER, {"electrode": "V", "reading": "pH"}))
    assert view.view(run)["channels"] == {"ph": "reading", "voltage": "electrode"}


def test_what_cannot_be_told_must_be_named() -> None:
    known = known_with(BALANCE, {"state": "", "net": "g", "gross": "g"})
    assert refused(BALANCE, asked(BALANCE), known) == [
        (
            "the template reads mass of pi-1/item, which has no channel mass, but state, net (g), gross (g): say"
            ' which one is meant, in "g", as --channel mass=net'
        )
    ]
    [found] = refused(BALANCE, asked(BALANCE, mass="wieght"), known)
    assert "which has no channel wieght, but state, net (g), gross (g): " in found


def test_what_is_named_is_of_the_template_and_in_its_unit_and_once() -> None:
    known = known_with(BALANCE, {"weight": "g", "temperature": "degC"})
    assert refused(BALANCE, asked(BALANCE, weight="mass"), known) == [
        "channels: the template reads no channel weight of the instrument, but mass: correct the name"
    ]
    assert refused(BALANCE, asked(BALANCE, mass="temperature"), known) == [
        (
            'the template reads mass of pi-1/item/temperature, in "degC": that cannot be converted to "g"; choose'
            " another stream"
        )
    ]
    known = known_with(PH_METER, {"ph": "pH", "voltage": "mV"})
    assert (
        "ph and voltage are read of pi-1/item/voltage: each has a channel of its own; name another for one of them"
        in refused(PH_METER, asked(PH_METER, ph="voltage"), known)
    )


def test_what_reads_a_standard_is_found_or_named_in_its_entry() -> None:
    bridge = "pi-1/reference-1"
    known = known_with(THERMOMETER, {"t1": "degC", "resistance": "Ohm"}, bridge)
    run = created(THERMOMETER, asked(THERMOMETER), known)
    assert [(one.instrument, one.channel) for one in run.created.what.standards if one.instrument] == [(bridge, "t1")]
    known = known_with(THERMOMETER, {"t1": "degC", "t2": "degC"}, bridge)
    assert refused(THERMOMETER, asked(THERMOMETER), known) == [
        (
            "standard reference-1 is read of pi-1/reference-1, which has no channel temperature, but t1 (degC), t2"
            ' (degC): say which one is meant, in "degC", in its entry, as instrument = "pi-1/reference-1/t1"'
        )
    ]
    known = asking.with_standard(known, "reference-1", instrument=f"{bridge}/t2")
    run = created(THERMOMETER, asked(THERMOMETER), known)
    assert [(one.instrument, one.channel) for one in run.created.what.standards if one.instrument] == [(bridge, "t2")]
    known = asking.with_standard(known, "reference-1", instrument=f"{INSTRUMENT}/temperature")
    [found] = refused(THERMOMETER, asked(THERMOMETER), known)
    assert found.startswith("standard reference-1 is read by pi-1/item: the instrument under calibration cannot be")
