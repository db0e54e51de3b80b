"""Typed access to parsed TOML that collects mistakes instead of raising: plain values in, checked values out.

After a mistake the getters return a stand-in, so that reading goes on and all mistakes are found at once; whoever
reads the tables must refuse the whole when `mistakes` is not empty, and then no stand-in gets out.
"""

import difflib
import json
import re
from typing import Any, Final, Self

from kleinmaelzung_agent.configuration import durations, sizes

REQUIRED: Final = object()

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Table:
    """One TOML table and its place, such as `instruments.balance.poll[0]`."""

    def __init__(self, values: dict[str, Any], place: str, mistakes: list[str]) -> None:
        self.values = values
        self.place = place
        self.mistakes = mistakes
        self._known: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def at(self, key: str) -> str:
        """The place of a key: `agent.name`, or `agent."odd key"`."""
        shown = key if _PLAIN_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
        return f"{self.place}.{shown}" if self.place else shown

    def mistake(self, key: str, sentence: str) -> None:
        self.mistakes.append(f"{self.at(key)}: {sentence}")

    def text(self, key: str, default: Any = REQUIRED, *, longest: int = 1024, is_secret: bool = False) -> str:
        value = self._take(key, default, (str,), "a text", is_secret=is_secret)
        if isinstance(value, str) and len(value) > longest:
            self.mistake(key, f"expected at most {longest} characters, found {len(value)}")
        return value if isinstance(value, str) else ""

    def choice(self, key: str, choices: tuple[Any, ...], default: Any = REQUIRED) -> Any:
        expected = f"one of {', '.join(shown(choice) for choice in choices)}"
        value = self._take(key, default, (str, int, float), expected)
        if value is not None and value not in choices:
            self.mistake(key, f"expected {expected}, found {shown(value)}{hint(str(value), map(str, choices))}")
        return value if value in choices else choices[0]

    def number(self, key: str, default: Any = REQUIRED, *, expected: str = "a number") -> float:
        value = self._take(key, default, (int, float), expected)
        if isinstance(value, float) and not abs(value) < float("inf"):
            self.mistake(key, f"expected {expected}, found {value}")
            value = None
        return float(value) if value is not None else 0.0

    def boolean(self, key: str, *, default: bool) -> bool:
        value = self._take(key, default, (bool,), "true or false")
        return value if isinstance(value, bool) else default

    def integer(self, key: str, default: Any, *, minimum: int, maximum: int) -> int:
        expected = f"an integer from {minimum} to {maximum}"
        value = self._take(key, default, (int,), expected)
        if value is not None and not minimum <= value <= maximum:
            self.mistake(key, f"expected {expected}, found {value}")
        return value if isinstance(value, int) else minimum

    def duration(
        self, key: str, default: Any = REQUIRED, *, minimum: float = 0.0, maximum: float = float("inf")
    ) -> float:
        """Seconds of a duration; `default` is in seconds."""
        if key not in self.values and default is not REQUIRED:
            self._known.append(key)
            return float(default)
        value = self._take(key, REQUIRED, (str,), durations.EXPECTED)
        try:
            seconds = durations.parse(value) if isinstance(value, str) else minimum
        except ValueError as error:
            self.mistake(key, str(error))
            return minimum
        if seconds < minimum:
            self.mistake(key, f"expected at least {durations.show(minimum)}, found {shown(value)}")
        if seconds > maximum:
            self.mistake(key, f"expected at most {durations.show(maximum)}, found {shown(value)}")
        return seconds

    def size(self, key: str, default: int, *, minimum: int) -> int:
        """Bytes of a size such as "256MB"; `default` is in bytes."""
        value = self._take(key, None, (str,), sizes.EXPECTED)
        if value is None:
            return default
        try:
            size = sizes.parse(value)
        except ValueError as error:
            self.mistake(key, str(error))
            return default
        if size < minimum:
            self.mistake(key, f"expected at least {sizes.show(minimum)}, found {shown(value)}")
        return size

    def texts(self, key: str) -> dict[str, str]:
        """A table of texts, such as `{ S = "good", D = "unstable" }`."""
        table = self.table(key)
        return {name: table.text(name, longest=32) for name in table.values}

    def anything(self, key: str) -> Any:
        """The value as it is, for who checks it elsewhere; None where there is none."""
        self._known.append(key)
        return self.values.get(key)

    def text_list(self, key: str) -> list[str]:
        value = self._take(key, [], (list,), "a list of texts") or []
        wrong = [element for element in value if not isinstance(element, str)]
        if wrong:
            self.mistake(key, f"expected a list of texts, found {shown(wrong[0])} in it")
        return [element for element in value if isinstance(element, str)]

    def table(self, key: str) -> Self:
        """A table below this one; empty where there is none."""
        return self._below(key, self._take(key, {}, (dict,), "a table"), self.at(key))

    def tables(self, key: str) -> list[Self]:
        """A list of tables, `[[poll]]` or `reply = [{...}]`; empty where there is none."""
        value = self._take(key, [], (list,), "a list of tables") or []
        return [self._element(key, index, element) for index, element in enumerate(value)]

    def named_tables(self, key: str) -> dict[str, Self]:
        """The tables below `key` by their names, `[channels.weight]`."""
        outer = self.table(key)
        return {name: outer.table(name) for name in outer.values}

    def _element(self, key: str, index: int, element: Any) -> Self:
        place = f"{self.at(key)}[{index}]"
        if not isinstance(element, dict):
            self.mistakes.append(f"{place}: expected a table, found {shown(element)}")
        return self._below(key, element if isinstance(element, dict) else None, place)

    def _below(self, key: str, values: dict[str, Any] | None, place: str) -> Self:
        # What is no table at all is one mistake, not one more for each key that is missing in it.
        return type(self)(values or {}, place, self.mistakes if values is not None else [])

    def finish(self) -> None:
        """Report the keys that nobody asked for."""
        for key in self.values:
            if key not in self._known:
                self.mistake(key, f"unknown key{hint(key, self._known)}")

    def _take(self, key: str, default: Any, wanted: tuple[type, ...], expected: str, *, is_secret: bool = False) -> Any:
        self._known.append(key)
        if key not in self.values:
            if default is REQUIRED:
                self.mistake(key, f"missing, expected {expected}")
            return None if default is REQUIRED else default
        value = self.values[key]
        if type(value) in wanted:  # type() and not isinstance(): true is no number
            return value
        self.mistake(key, f"expected {expected}, found {'something else' if is_secret else shown(value)}")
        return None


def hint(found: str, expected: Any) -> str:
    """`, did you mean "name"?`, or nothing where nothing is similar."""
    similar = difflib.get_close_matches(found, [str(word) for word in expected], n=1)
    return f', did you mean "{similar[0]}"?' if similar else ""


def shown(value: Any) -> str:
    """A value as TOML would write it, short enough for a sentence."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, (str, bool)) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
