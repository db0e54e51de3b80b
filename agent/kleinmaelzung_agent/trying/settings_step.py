"""Step 1: the line settings. First only heard; asked with harmless questions where the person agrees.

Trial in; in its draft: the settings with which the instrument is understood. GivenUp where it speaks something else.
"""

from kleinmaelzung_agent.drivers.port_settings import PortSettings
from kleinmaelzung_agent.drivers.transport_port import PortError
from kleinmaelzung_agent.trying import bytes_shown, person, scoring, search, settings_tried
from kleinmaelzung_agent.trying.search import Found, Question
from kleinmaelzung_agent.trying.trial import GivenUp, Trial

MODBUS = """\
This is no text: unit {unit} answers in Modbus RTU at {settings}. What it measures cannot be seen from outside: the
manual's table of registers says it. Put this into agent.toml, with the numbers of that table (docs/drivers.md, modbus):

[instruments.NAME]
driver = "modbus"
port = "{port}"
baudrate = {baudrate}
parity = "{parity}"
unit = {unit}
[instruments.NAME.channels.temperature]
holding = 0                # the register's number, counted from 0; or input = 0
type = "int16"
scale = 0.1
unit = "°C"
"""
NOTHING = """\
Nothing came. Look at this, one after the other:
  - Is the instrument switched on, and its interface (in its menu: RS-232, or "host") too?
  - Is it the right cable? Some need a crossed one ("null modem"), some a straight one. An adapter for RS-485 does not
    hear RS-232.
  - Does its manual name the baudrate? Then say so: --baudrate 2400 --framing 7E1
  - Does it speak only when asked in its own way? Then give its question: --send "RM"
  - Does it speak Modbus at another address than 1? That is not looked for here: docs/drivers.md, modbus."""
UNREADABLE = """\
Something comes, but at none of these settings it is text; best was {best}, {points} of 100 points. Look into the manual
for baudrate, parity and data bits, and give them: --baudrate 4800 --framing 7E1. If the manual speaks of records of
bytes, docs/drivers.md shows the driver "binary"; if of registers, "modbus"."""


def find(trial: Trial) -> None:
    """Raises GivenUp, PortError."""
    say = trial.person.say
    say("1. Line settings")
    tried = list(settings_tried.to_try(trial.line.settings, *_choices(trial)))
    found = _find(trial, tried)
    while True:
        best = _explained(trial, found)
        answer = trial.person.ask("Take these? Enter for yes, or type others, such as 2400 7E1:")
        if not answer or answer.lower() in ("y", "yes"):
            break
        try:
            found = [_at(trial, settings_tried.read(answer, best.settings))]
        except (ValueError, PortError) as error:
            say(f"{error}.")
    _take(trial, best)


def _choices(trial: Trial) -> tuple[tuple[int, ...], tuple[str, ...]]:
    wanted, port = trial.wanted, trial.wanted.port
    if not settings_tried.is_serial(port):
        return (9600,), ("8N1",)  # they mean nothing there
    return wanted.rates or settings_tried.RATES, wanted.framings or settings_tried.FRAMINGS


def _find(trial: Trial, tried: list[PortSettings]) -> list[Found]:
    say = trial.person.say
    say(f"Listening at {settings_tried.shown(tried[0])} whether something comes by itself (nothing is sent) ...")
    heard = search.hear(trial.line, tried, lambda one: say(_row(one)), listen_s=trial.wanted.listen_s)
    if heard and (heard[0].score.is_text or heard[0].modbus_unit is not None):
        trial.is_streaming = heard[0].score.is_text
        return heard
    if not heard:
        say("Nothing comes by itself.")
    if not _may_ask(trial):
        return heard or [Found(tried[0], b"", scoring.NOTHING)]
    count = len(tried)
    say(f"Asking at {count} settings ..." if count > 1 else f"Asking at {settings_tried.shown(tried[0])} ...")
    asked = search.ask(trial.line, tried, trial.questions, lambda one: say(_row(one)), wait_s=trial.wanted.wait_s)
    if not asked and not heard:
        raise GivenUp(NOTHING)
    return sorted([*asked, *heard], key=lambda one: (one.modbus_unit is None, -one.score.points))


def _may_ask(trial: Trial) -> bool:
    if trial.wanted.is_silent:
        return False
    trial.person.say(
        "To find its settings it can be asked harmless questions, which change nothing in usual instruments:"
    )
    for question in trial.questions:
        trial.person.say(f"  {bytes_shown.escaped(question.outgoing):<14} {question.meaning}")
    trial.person.say("  a Modbus frame that reads one register")
    return person.agrees(trial.person, "May they be sent?")


def _row(one: Found) -> str:
    asked = f"asked {bytes_shown.escaped(one.question.outgoing)}" if one.question else "heard"
    text = bytes_shown.escaped(one.heard[:40])
    return f"  {settings_tried.shown(one.settings):<11} {one.score.points:>3} points  {asked}: {text}"


def _explained(trial: Trial, found: list[Found]) -> Found:
    best = found[0]
    if best.modbus_unit is not None:
        raise GivenUp(_modbus(best))
    if best.heard and not best.score.is_text:
        shown = settings_tried.shown(best.settings)
        trial.person.say(UNREADABLE.format(best=shown, points=best.score.points))
        if not trial.person.is_there:
            raise GivenUp("no settings were found at which it can be read")
    where = f": {settings_tried.in_words(best.settings)}" if settings_tried.is_serial(trial.wanted.port) else ""
    trial.person.say(f"Best{where} ({'; '.join(best.score.reasons)}).")
    return best


def _modbus(best: Found) -> str:
    settings = best.settings
    return MODBUS.format(
        unit=best.modbus_unit,
        settings=settings_tried.shown(settings),
        port=settings.port,
        baudrate=settings.baudrate,
        parity=settings.parity,
    )


def _at(trial: Trial, settings: PortSettings) -> Found:
    """Those that somebody typed: heard, and asked once if that was allowed and something answered."""
    trial.line.set(settings)
    heard = trial.line.listen(search.HEAR_S).content
    if heard:
        trial.is_streaming = scoring.score(heard).is_text
    return Found(settings, heard, scoring.score(heard))


def _take(trial: Trial, best: Found) -> None:
    trial.draft.settings = best.settings
    trial.line.set(best.settings)
    trial.question = best.question
    if trial.wanted.terminator:
        trial.draft.terminator = trial.wanted.terminator
    if best.question:
        _flush(trial, best.question)
    if best.question and not trial.wanted.terminator:
        trial.question = search.best_end(trial.line, best.question, trial.wanted.wait_s)
        trial.draft.terminator = trial.question.end
        _flush(trial, trial.question)
        trial.person.say(f"What is sent ends with {bytes_shown.escaped(trial.end)}.")


def _flush(trial: Trial, question: Question) -> None:
    """What was asked in other ways may still stand in its buffer: end it, and let it complain."""
    trial.line.ask(question.end.encode("ascii"), trial.wanted.wait_s)
