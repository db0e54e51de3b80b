"""Step 3: the person points at the value and its unit in an answer; a pattern is proposed, and tried on more answers.

Trial, what was sent and what came in; a channel or several and their source out, into its draft.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Final

from kleinmaelzung_agent.configuration import durations
from kleinmaelzung_agent.trying import bytes_shown, marks, person, words
from kleinmaelzung_agent.trying.draft import Marked, Source
from kleinmaelzung_agent.trying.trial import GivenUp, Trial
from kleinmaelzung_agent.trying.words import Word

MORE: Final = 5  # answers on which a pattern is tried
ANSWER_S: Final = 1.0
STREAM_S: Final = 3.0
MOST_LINES: Final = 16

_CHANNEL = re.compile(r"[a-z][a-z0-9_]{0,31}")


def mark(trial: Trial, send: str | None, content: bytes) -> None:
    """One source of values. Raises GivenUp where there is none and nobody to ask, PortError."""
    say = trial.person.say
    texts = _texts(trial, send, content)
    if not texts:
        say("There is no text in it.")
        return
    trial.draft.decimal = words.decimal_mark(texts)
    texts = sorted(texts, key=lambda text: words.guess_value(words.meant(text)) is None)  # refusals last
    chosen = texts[0]
    meant = words.meant(chosen, trial.draft.decimal)
    say("\n3. The value")
    say(f"The answer:  {bytes_shown.escaped(chosen.encode(), 'utf-8')}")
    _show_words(trial, meant)
    found = _values(trial, meant)
    if not found:
        return
    groups = {index: group for one in found for index, group in one[1].items()}
    marked = [one[0] for one in found]
    marked, groups = _with_quality(trial, texts, meant, marked, groups)
    pattern = _pattern(trial, texts, groups)
    every = _every(trial) if send is not None else "1s"
    trial.draft.answer_end = trial.draft.marks.get("received_terminator", marks.terminator(content))
    trial.draft.channels += marked
    trial.draft.sources.append(Source(send=send, pattern=pattern, every=every, lines=chosen.count("\n") + 1))


def _texts(trial: Trial, send: str | None, content: bytes) -> list[str]:
    """The answer, and those to the same question asked again, each as its driver will see it."""
    if send is None:
        return _lines(trial, content)
    trial.person.say(f"Asking the same {MORE} times more, to see what changes ...")
    outgoing = send.encode("utf-8") + trial.end
    answers = [content, *(trial.line.ask(outgoing, ANSWER_S).content for _ in range(MORE))]
    answers = [answer for answer in answers if answer]
    trial.history += [(send, answer) for answer in answers[1:]]
    trial.draft.marks = marks.keys(outgoing, answers)
    return ["\n".join(marks.lines(answer, trial.draft.marks, outgoing)[:MOST_LINES]) for answer in answers]


def _lines(trial: Trial, content: bytes) -> list[str]:
    """Whole lines of what comes by itself, those of the most frequent form first."""
    heard = content + trial.line.listen(STREAM_S, STREAM_S).content
    trial.history.append((None, heard))
    trial.draft.marks = marks.keys(b"", [heard]) if b"\x02" in heard else {}
    if (encoding := marks.encoding([heard])) != "ascii":
        trial.draft.marks["encoding"] = encoding
    found = marks.lines(heard, trial.draft.marks)[1:-1]  # the first and the last may be cut off
    shapes = [re.sub(r"[0-9]+", "9", line) for line in found]
    return sorted(found, key=lambda line: -shapes.count(re.sub(r"[0-9]+", "9", line)))


def _show_words(trial: Trial, meant: Sequence[Word]) -> None:
    trial.person.say(
        "   ".join(f"{number}: {word.text.strip() or repr(word.text)}" for number, word in enumerate(meant, 1))
    )


# --- value, unit, name ------------------------------------------------------------------------------------------------


def _values(trial: Trial, meant: Sequence[Word]) -> list[tuple[Marked, Mapping[int, str]]]:
    found: list[tuple[Marked, Mapping[int, str]]] = []
    guess = words.guess_value(meant, trial.draft.decimal)
    if guess is None and trial.person.is_there:
        trial.person.say("There is no number in it. Send something else, and type .value when the answer has one.")
        return []
    while True:
        index = _ask_value(trial, meant, guess if not found else None, is_first=not found)
        if index is None:
            return found
        found.append(_value(trial, meant, index, [one[0].channel for one in found]))
        if not trial.person.is_there:
            return found


def _ask_value(trial: Trial, meant: Sequence[Word], guess: int | None, *, is_first: bool) -> int | None:
    """By its number, or as it stands on the display."""
    wanted = trial.wanted
    given = "" if not is_first else str(wanted.value) if wanted.value is not None else wanted.seen
    default = given or (str(guess + 1) if guess is not None else "")
    question = "Which is the value? Its number above, or what the display shows:"
    if not is_first:
        question = "Another value? Its number or what the display shows; Enter for no more:"
    if not trial.person.is_there and not default:
        raise GivenUp("the answer has no number in it: look at it without --yes, or give another --send")
    return person.until_right(trial.person, question, default, functools.partial(_index, meant))


def _index(meant: Sequence[Word], typed: str) -> int | None:
    if not typed:
        return None
    is_number_of_word = typed.isdecimal() and 1 <= int(typed) <= len(meant)
    seen = int(typed) - 1 if is_number_of_word else words.find_seen(meant, typed)
    if seen is None:
        raise ValueError(f"{typed} is neither one of 1 to {len(meant)} nor a number in the answer")
    if meant[seen].kind != "number":
        raise ValueError(f"{meant[seen].text!r} is no number")
    return seen


def _value(trial: Trial, meant: Sequence[Word], index: int, taken: Sequence[str]) -> tuple[Marked, Mapping[int, str]]:
    behind = words.guess_unit(meant, index)
    unit = _ask_unit(trial, meant[behind].text if behind is not None else "")
    said = meant[behind].text if behind is not None else ""
    name = _ask_channel(trial, unit, [*taken, *(one.channel for one in trial.draft.channels)])
    is_said = behind is not None and unit == said and words.guess_channel(unit) == "weight"
    if behind is not None and is_said:  # balances switch it
        group = "unit" if not taken else f"{name}_unit"
        return Marked(channel=name, unit_group=group), {index: name, behind: group}
    return Marked(channel=name, unit=unit), {index: name}


def _ask_unit(trial: Trial, said: str) -> str:
    wanted = trial.wanted.unit
    default = wanted if wanted is not None else words.written(said)
    unit = trial.person.ask("Its unit, - for none:", default)
    return "" if unit == "-" else unit


def _ask_channel(trial: Trial, unit: str, taken: Sequence[str]) -> str:
    guess = trial.wanted.channel if trial.wanted.channel and not taken else words.guess_channel(unit)
    free = next(name for name in (guess, *(f"{guess}_{n}" for n in range(2, 99))) if name not in taken)
    return person.until_right(
        trial.person, "A name for what it measures:", free, functools.partial(_channel_name, taken=taken)
    )


def _channel_name(typed: str, taken: Sequence[str]) -> str:
    if not _CHANNEL.fullmatch(typed):
        raise ValueError(f"{typed!r} cannot be its name: 1 to 32 of a-z 0-9 _, starting with a letter")
    if typed in taken:
        raise ValueError(f"{typed} is there already")
    return typed


# --- quality ----------------------------------------------------------------------------------------------------------


def _with_quality(
    trial: Trial, texts: Sequence[str], meant: Sequence[Word], marked: list[Marked], groups: dict[int, str]
) -> tuple[list[Marked], dict[int, str]]:
    """A word that says how good the value is, such as S for stable and D for dynamic."""
    changing = words.propose(texts, groups, trial.draft.decimal).changing
    index = _ask_quality(trial, meant, changing, groups)
    if index is None:
        return marked, groups
    good = trial.person.ask("Which text there means that the value is good (stable)?", meant[index].text)
    quality = {good: "good"} | dict.fromkeys(_others(trial, texts, index, good), "unstable")
    changed = [_replace_quality(one, quality) for one in marked]
    return changed, {**groups, index: "stable"}


def _others(trial: Trial, texts: Sequence[str], index: int, good: str) -> list[str]:
    """What stood there in other answers."""
    lines = [words.meant(text, trial.draft.decimal) for text in texts]
    return sorted({line[index].text for line in lines if len(line) > index and line[index].kind == "word"} - {good})


def _replace_quality(one: Marked, quality: Mapping[str, str]) -> Marked:
    return Marked(
        channel=one.channel, unit=one.unit, unit_group=one.unit_group, quality_group="stable", quality=quality
    )


def _ask_quality(trial: Trial, meant: Sequence[Word], changing: Sequence[int], groups: Mapping[int, str]) -> int | None:
    free = [index for index, word in enumerate(meant) if word.kind == "word" and index not in groups]
    if not free:
        return None
    given = trial.wanted.quality
    if not trial.person.is_there:
        return given - 1 if given is not None else None
    for index in changing:
        trial.person.say(f"Word {index + 1} was not always {meant[index].text}.")
    question = "Does a word say whether the value is good, such as S for stable? Its number, or Enter for no:"
    read = functools.partial(_quality_index, free=free)
    return person.until_right(trial.person, question, str(given or ""), read)


def _quality_index(typed: str, free: Sequence[int]) -> int | None:
    if typed.lower() in ("", "n", "no"):
        return None
    if not typed.isdecimal() or int(typed) - 1 not in free:
        raise ValueError(f"{typed} is none of the words {', '.join(str(index + 1) for index in free)}")
    return int(typed) - 1


# --- pattern ----------------------------------------------------------------------------------------------------------


def _pattern(trial: Trial, texts: Sequence[str], groups: Mapping[int, str]) -> str:
    """The proposal, or what the person makes of it."""
    pattern = words.propose(texts, groups, trial.draft.decimal).pattern
    trial.person.say(f"The pattern:  {pattern}")
    while True:
        _show_read(trial, texts, pattern, groups)
        typed = trial.person.ask("Enter to take it, or type a better pattern:")
        if not typed:
            return pattern
        try:
            re.compile(typed)
        except re.error as error:
            trial.person.say(f"This is no regular expression: {error}.")
            continue
        pattern = typed


def _show_read(trial: Trial, texts: Sequence[str], pattern: str, groups: Mapping[int, str]) -> None:
    expression = re.compile(pattern)
    read = [expression.fullmatch(text) for text in texts]
    trial.person.say(f"It reads {sum(map(bool, read))} of {len(texts)} answers:")
    for text, found in list(zip(texts, read, strict=True))[:8]:
        said = ", ".join(f"{name} {value}" for name, value in found.groupdict().items()) if found else "nothing"
        trial.person.say(f"  {bytes_shown.escaped(text.encode(), 'utf-8'):<32} {said}")


def _every(trial: Trial) -> str:
    question = "How often shall it be asked?"
    return person.until_right(trial.person, question, trial.wanted.every or "1s", _duration)


def _duration(typed: str) -> str:
    durations.parse(typed)
    return typed
