"""Something is sent, and what comes is shown as bytes and as text, with its time, and kept for the transcript."""

from typing import Final

from kleinmaelzung_agent.drivers import raw_bytes
from kleinmaelzung_agent.trying import bytes_shown, marks
from kleinmaelzung_agent.trying.line import Heard
from kleinmaelzung_agent.trying.trial import Trial

ANSWER_S: Final = 2.0  # a slow instrument, and a person who waits
ROWS: Final = 12


def send(trial: Trial, typed: str) -> bytes:
    """Send a line; with nothing typed, only listen. Raises RawError, PortError."""
    outgoing = raw_bytes.unescape(typed, "utf-8") + trial.end if typed else b""
    heard = trial.line.ask(outgoing, ANSWER_S)
    show(trial, heard)
    if heard.content:
        text = raw_bytes.unescape(typed, "utf-8").decode("utf-8") if typed else None
        trial.history.append((text, heard.content))
        if text is not None:
            trial.heard.append((text, heard.content))
    return heard.content


def show(trial: Trial, heard: Heard) -> None:
    if heard.first_s is None:
        trial.person.say(f"  nothing came within {ANSWER_S:g} s")
        return
    trial.person.say(
        f"  after {heard.first_s * 1000:.{0 if heard.first_s > 0.01 else 1}f} ms, {len(heard.content)} bytes:"
    )
    for row in list(bytes_shown.rows(heard.content, marks.encoding([heard.content])))[:ROWS]:
        trial.person.say(f"    {row}")
