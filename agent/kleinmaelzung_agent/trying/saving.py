"""Steps 4 and 5: the profile is checked by the real driver, written as a whole, and run against the live instrument.

Trial in; a file and a Saved out. Until it is written there is nothing on the disk.
"""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from kleinmaelzung_agent import check_ports, whole_file
from kleinmaelzung_agent.drivers.settings import InstrumentConfig
from kleinmaelzung_agent.drivers.text.config import TextConfig
from kleinmaelzung_agent.profiles import profile_files
from kleinmaelzung_agent.trying import draft as drafts
from kleinmaelzung_agent.trying import marks, person, replay
from kleinmaelzung_agent.trying.draft import Draft, Exchange
from kleinmaelzung_agent.trying.trial import GivenUp, Trial
from kleinmaelzung_wire import topics
from kleinmaelzung_wire.findings import Finding

KEPT: Final = 6  # exchanges of each source
USUAL_NAMES: Final = {"weight": "balance", "temperature": "thermometer", "ph": "ph-meter", "voltage": "multimeter"}
NEXT: Final = """
What to do next: give the profile to the agent,

  sudo install -D -m 644 {path} {folder}/{file}

and put this into agent.toml:

[instruments.{name}]
profile = "{stem}"
port = "{port}"
{identity}
Then look whether all is well: kleinmaelzung-agent check --config agent.toml"""


@dataclass(slots=True)
class Saved:
    path: Path
    draft: Draft
    live: Finding | None = None
    differences: list[str] = field(default_factory=list)


def finish(trial: Trial) -> Saved:
    """Raises GivenUp where the profile would not be right, OSError."""
    say = trial.person.say
    say("\n4. The profile")
    trial.draft.name = _ask_name(trial)
    trial.draft.label = trial.person.ask("What is it, for people?", trial.wanted.label or trial.draft.name)
    config, mistakes = replay.read(drafts.instrument(trial.draft), trial.wanted.port)
    if mistakes:
        raise GivenUp("the profile has mistakes: " + "; ".join(mistakes))
    trial.draft.exchanges = _transcript(trial, config)
    path = _ask_path(trial)
    text = drafts.profile(trial.draft)
    saved = Saved(path, trial.draft, differences=_again(text, path, trial))
    whole_file.write(path, text.encode(), mode=0o644)
    say(f"Saved: {path}")
    _tell_transcript(trial, saved)
    trial.line.close()
    saved.live = _live(trial, config)
    name, port = saved.draft.name, trial.wanted.port
    own = {"folder": profile_files.OWN, "path": path, "file": path.name, "stem": path.stem}
    say(NEXT.format(name=name, port=port, identity=_own_identity(saved.draft), **own))
    return saved


def _own_identity(draft: Draft) -> str:
    """The profile is for all of its make; in agent.toml stands which one it is."""
    if not draft.identity or not draft.identity.serial:
        return ""
    serial = drafts.written(draft.identity.serial)
    return (
        f"\n[instruments.{draft.name}.identity]\nserial = {serial}     # this one; without it any that answers alike\n"
    )


def _ask_name(trial: Trial) -> str:
    measured = trial.draft.channels[0].channel if trial.draft.channels else "instrument"
    default = trial.wanted.name or USUAL_NAMES.get(measured, measured.replace("_", "-"))
    return person.until_right(trial.person, "A name for the instrument, such as balance:", default, _name)


def _name(typed: str) -> str:
    if not topics.NAME.match(typed):
        raise ValueError(f"{typed!r} cannot be its name: 1 to 32 of a-z 0-9 _ -, starting with a letter or digit")
    return typed


def _ask_path(trial: Trial) -> Path:
    """Where nothing is yet, or where the person agrees to replace it."""
    default = str(trial.wanted.save or Path(f"{trial.draft.name}.toml"))
    while True:
        path = Path(trial.person.ask("Save it as:", default))
        if not path.parent.is_dir():
            _refuse(trial, f"{path.parent} is no directory")
        elif path.suffix != ".toml":
            _refuse(trial, f"{path}: a profile's name ends with .toml")
        elif not path.exists() or _may_replace(trial, path):
            return path
        else:
            _refuse(trial, f"{path} is there already: give another name with --save")


def _may_replace(trial: Trial, path: Path) -> bool:
    return trial.person.is_there and person.agrees(trial.person, f"{path} is there already. Replace it?")


def _refuse(trial: Trial, sentence: str) -> None:
    if not trial.person.is_there:
        raise GivenUp(sentence)
    trial.person.say(f"{sentence}.")


# --- the transcript ---------------------------------------------------------------------------------------------------


def _transcript(trial: Trial, config: TextConfig) -> list[Exchange]:
    """What each source said, with what the driver reads from it, and each command."""
    exchanges = []
    for source in trial.draft.sources:
        heard = [content for send, content in trial.history if send == source.send]
        said = _unasked(trial, heard, config) if source.send is None else _answered(trial, source.send, heard)
        found = [replay.meant(config, one) for one in said]
        exchanges += [one for one in found if one.values][:KEPT]
    asked = [one for one in trial.draft.exchanges if not one.is_reading]
    return exchanges + [replay.meant(config, one) for one in [*_refused(trial, config), *asked]]


def _refused(trial: Trial, config: TextConfig) -> Iterator[Exchange]:
    """Each refusal, as the answer to the command that got it, else to the first that waits for an answer."""
    tried = [one for one in trial.draft.exchanges if one.command and config.commands[one.command].reply]
    for refusal in trial.draft.refusals:
        got = {send for send, content in trial.heard if refusal.line in content.decode("utf-8", "replace")}
        for one in sorted(tried, key=lambda one: one.send not in got):
            made = replace(one, lines=(refusal.line,))
            made = replay.meant(config, replace(made, comes=replay.composed(made, config)))
            if made.result == "failed":
                yield made
                break


def _answered(trial: Trial, send: str, heard: Iterable[bytes]) -> Iterator[Exchange]:
    for content in heard:
        lines = marks.lines(content, trial.draft.marks, send.encode(trial.draft.encoding) + trial.end)
        yield Exchange(send=send, comes=content, lines=tuple(lines))


def _unasked(trial: Trial, heard: Iterable[bytes], config: TextConfig) -> Iterator[Exchange]:
    """Each line on its own; the first and the last may be cut off."""
    for content in heard:
        for line in marks.lines(content, trial.draft.marks)[1:-1]:
            one = Exchange(send=None, comes=b"", lines=(line,))
            yield replace(one, comes=replay.composed(one, config))


def _again(text: str, path: Path, trial: Trial) -> list[str]:
    """The text as a profile that is read again: what differs from what was meant."""
    root = tomllib.loads(text)
    try:
        profile = profile_files.parse(root, path)
    except profile_files.ProfileError as error:
        raise GivenUp(f"the profile cannot be used: {error}") from error
    config, mistakes = replay.read(profile.settings, trial.wanted.port)
    if mistakes:
        raise GivenUp("the profile has mistakes: " + "; ".join(mistakes))
    return replay.differences(config, replay.exchanges(profile.transcript, config))


def _tell_transcript(trial: Trial, saved: Saved) -> None:
    count = len(saved.draft.exchanges)
    for one in saved.draft.exchanges:
        if one.command and not one.result:
            trial.person.say(f"The answer to command {one.command} is not understood now: try it again with .command.")
        if one.is_identity and not one.result:
            trial.person.say("The answer to who it is is not understood now: mark it again with .identity.")
    if saved.differences:
        trial.person.say(f"Its transcript does not mean what it meant: {'; '.join(saved.differences)}")
    elif count:
        trial.person.say(f"Its transcript: {count} exchanges, each read by the driver as it was meant.")
    else:
        trial.person.say("Its transcript is empty: the pattern reads nothing of what came. Mark the value again.")


def _live(trial: Trial, config: InstrumentConfig) -> Finding:
    """The driver, as in the agent, at the instrument."""
    trial.person.say("Reading the instrument with the profile, as the agent will ...")
    found = trial.line.run(check_ports.try_all({trial.draft.name: config}))[0]
    trial.person.say(f"  {found.label}: {found.found}")
    if found.remedy and found.state != "ok":
        trial.person.say(f"  -> {found.remedy}")
    return found


def is_well(saved: Saved) -> bool:
    """Whether the profile reads the instrument."""
    return not saved.differences and saved.live is not None and saved.live.state == "ok"


def document(saved: Saved) -> dict[str, Any]:
    """For --json."""
    live = saved.live
    return {
        "ok": is_well(saved),
        "saved": str(saved.path),
        "instrument": drafts.instrument(saved.draft),
        "transcript": len(saved.draft.exchanges),
        "differences": saved.differences,
        "live": {"state": live.state, "found": live.found} if live else None,
    }
