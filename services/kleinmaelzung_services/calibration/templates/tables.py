"""Typed access to a template's TOML that collects mistakes instead of raising: plain values in, checked values out.

After a mistake the getters return a stand-in, so that reading goes on and all mistakes are found at once; no stand-in
gets out, because whoever reads refuses the whole when there are mistakes.
"""

import json
import keyword
import re
from collections.abc import Collection, Iterable
from typing import Any, Final, Self

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.templates import expressions
from kleinmaelzung_services.calibration.templates.expressions import Expression, ExpressionError
from kleinmaelzung_services.calibration.templates.lines import Path
from kleinmaelzung_services.calibration.templates.mistakes import LARGEST, Notes, hint, show_path, shown
from kleinmaelzung_services.calibration.units import Unit, UnitError

LONGEST_TEXT: Final = 500
LONGEST_LIST: Final = 200
MOST_UNKNOWN: Final = 20
NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
NAME_RULE: Final = "a name is a letter, then up to 31 letters, digits and _"
# Formulas use these for themselves, or cannot read them as names.
RESERVED: Final = (*keyword.kwlist, *expressions.FUNCTIONS, "ambient", "fit")

# What stands in for a unit that could not be read: nothing more is said about it.
UNKNOWN: Final = Unit(symbol="?", kind=(("?", 1),), factor=1.0)


class Table:
    """One TOML table and its place."""

    def __init__(self, values: dict[str, Any], path: Path, notes: Notes) -> None:
        self.values = values
        self.path = path
        self.notes = notes
        self._known: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def add(self, key: str, rule: str, remedy: str, *, found: Any = None) -> None:
        """Note a mistake at a key, with what stands there unless told otherwise."""
        self.notes.add((*self.path, key), rule, remedy, found=self.values.get(key) if found is None else found)

    def text(self, key: str, default: str | None = None, *, example: str = "", longest: int = LONGEST_TEXT) -> str:
        """A text of one line; without a default the key must be there and hold something."""
        value = self._take(key, str, "a text", default, example)
        if not isinstance(value, str):
            return default or ""
        if default is None and not value.strip():
            self.add(key, "the text is empty", f'write something, such as {key} = "{example}"')
        self._check_text((*self.path, key), value, longest)
        return value

    def name(self, key: str, default: str | None = None, *, example: str) -> str:
        value = self.text(key, default, example=example)
        if value and not NAME.fullmatch(value):
            self.add(key, NAME_RULE, f'write one such as "{example}"')
        if value in RESERVED:
            self.add(key, "is a word of its own in formulas", f'write another, such as "{example}"')
        return value

    def choice(self, key: str, choices: Collection[str], default: str | None = None) -> Any:
        expected = f"one of {', '.join(shown(choice) for choice in choices)}"
        value = self._take(key, str, expected, default, next(iter(choices)))
        if value is not None and value not in choices:
            self.add(key, f"expected {expected}", hint(str(value), choices) or "write one of these")
        return value if value in choices else next(iter(choices))

    def stated(self, key: str, choices: Collection[str], rule: str, remedy: str) -> Any:
        """A choice that must be made, and is explained where it was not."""
        if key not in self.values:
            self._known.append(key)
            self.add(key, f"missing: {rule}", remedy)
            return next(iter(choices))
        return self.choice(key, choices)

    def number(
        self,
        key: str,
        default: float | None = None,
        *,
        example: float = 1.0,
        above: float | None = None,
        least: float | None = None,
        most: float | None = None,
        instead: float | None = None,
    ) -> float:
        """A number; `instead` is what stands in for one that could not be read."""
        value = self.optional_number(key, above=above, least=least, most=most)
        if key not in self.values:
            if default is None:
                self._missing(key, "a number", f"{example:g}")
            value = default
        return value if value is not None else example if instead is None else instead

    def optional_number(
        self, key: str, *, above: float | None = None, least: float | None = None, most: float | None = None
    ) -> float | None:
        self._known.append(key)
        if key not in self.values:
            return None
        return self._checked_number((*self.path, key), self.values[key], above, least, most)

    def integer(
        self, key: str, default: int | None = None, *, least: int, most: int, instead: int | None = None
    ) -> int:
        expected = f"a whole number from {least} to {most}"
        value = self._take(key, int, expected, default, str(least))
        if value is not None and not least <= value <= most:
            self.add(key, f"expected {expected}", "correct it")
            value = None
        return int(value) if value is not None else least if instead is None else instead

    def boolean(self, key: str, *, default: bool) -> bool:
        value = self._take(key, bool, "true or false", default, "true")
        return default if value is None else bool(value)

    def texts(self, key: str, *, least: int = 0, is_unique: bool = True) -> tuple[str, ...]:
        """A list of texts."""
        found: list[str] = []
        for index, value in self._elements(key, "texts", least, '["..."]'):
            place = (*self.path, key, index)
            if not isinstance(value, str) or not value.strip():
                self.notes.add(place, "expected a text", "put it in quotes, or leave it out", found=value)
                continue
            self._check_text(place, value, LONGEST_TEXT)
            if is_unique and value in found:
                self.notes.add(place, "is there twice", "leave one out", found=value)
            found.append(value)
        return tuple(found)

    def numbers(self, key: str, *, least: int = 1) -> tuple[tuple[int, float], ...]:
        """A list of numbers, each with its index in the file."""
        found = []
        for index, value in self._elements(key, "numbers", least, "[0, 50, 100]"):
            number = self._checked_number((*self.path, key, index), value, None, None, None)
            if number is not None:
                found.append((index, number))
        return tuple(found)

    def unit(self, key: str, default: Unit | None = None, *, like: Unit | None = None, example: str = "g") -> Unit:
        """A unit; with `like`, one into which that one can be converted."""
        if key not in self.values and default is not None:
            self._known.append(key)
            return default
        text = self._take(key, str, "a unit", None, example)
        if not isinstance(text, str):
            return UNKNOWN
        try:
            unit = units.find(text)
        except UnitError as error:
            self.add(key, str(error), "write a unit of docs/calibration-templates.md")
            return UNKNOWN
        if like not in (None, UNKNOWN) and not units.are_alike(unit, like):
            self.add(key, f'cannot be converted to "{like.symbol}"', "write a unit of the same kind")
            return UNKNOWN
        return unit

    def formula(self, key: str, *, least: float | None = None) -> Expression | None:
        """A number or a formula; None where there is none. What has no name in it must not be below `least`."""
        self._known.append(key)
        value = self.values.get(key)
        if value is None:
            return None
        try:
            expression = self._expression(key, value)
            if expression is None:
                return None
            if (
                least is not None
                and expression.is_constant
                and (number := expressions.evaluate(expression, {})) < least
            ):
                self.add(key, f"must not be below {least:g}, is {number:g}", "correct the number or the sign")
                return None
        except ExpressionError as error:
            self.add(key, str(error), "correct the formula")
            return None
        return expression

    def anything(self, key: str) -> Any:
        """The value as it is, for who checks it elsewhere; None where there is none."""
        self._known.append(key)
        return self.values.get(key)

    def table(self, key: str) -> Self | None:
        """A table below this one; None where there is none."""
        self._known.append(key)
        if key not in self.values:
            return None
        value = self.values[key]
        if not isinstance(value, dict):
            self.add(key, "expected a table", f"write [{show_path((*self.path, key))}], or {{ ... }}")
            return None
        return type(self)(value, (*self.path, key), self.notes)

    def needed_table(self, key: str, remedy: str) -> Self | None:
        if key not in self.values:
            self._known.append(key)
            self.add(key, "missing", remedy)
        return self.table(key)

    def tables(self, key: str) -> list[Self]:
        """A list of tables; empty where there is none."""
        below = []
        for index, value in self._elements(key, "tables", 0, "[{ ... }]"):
            if isinstance(value, dict):
                below.append(type(self)(value, (*self.path, key, index), self.notes))
            else:
                self.notes.add((*self.path, key, index), "expected a table", "write { ... }", found=value)
        return below

    def finish(self) -> None:
        """Report the keys that nobody asked for."""
        unknown = [key for key in self.values if key not in self._known]
        for key in unknown[:MOST_UNKNOWN]:
            remedy = hint(key, self._known) or "leave it out; docs/calibration-templates.md lists the keys"
            self.notes.add((*self.path, key), "unknown key", remedy)
        if left := unknown[MOST_UNKNOWN:]:
            rule = f"{len(left)} more unknown keys, this is the first"
            self.notes.add((*self.path, left[0]), rule, "correct those before")

    def _expression(self, key: str, value: Any) -> Expression | None:
        if isinstance(value, str):
            return expressions.parse(value)
        number = self._checked_number((*self.path, key), value, None, None, None, "a number or a formula in quotes")
        return None if number is None else expressions.constant(number)

    def _elements(self, key: str, what: str, least: int, example: str) -> Iterable[tuple[int, Any]]:
        self._known.append(key)
        value = self.values.get(key, [])
        if not isinstance(value, list):
            self.add(key, f"expected a list of {what}", f"write {key} = {example}")
            return ()
        if key not in self.values and least:
            self._missing(key, f"a list of {what}", example)
        elif len(value) < least:
            rule = "the list is empty" if not value else f"expected at least {least}"
            self.add(key, rule, f"write {key} = {example}")
        if len(value) > LONGEST_LIST:
            self.add(key, f"expected at most {LONGEST_LIST}, found {len(value)}", "split it")
        return enumerate(value[:LONGEST_LIST])

    def _take(self, key: str, wanted: type, expected: str, default: Any, example: str) -> Any:
        self._known.append(key)
        if key not in self.values:
            if default is None:
                self._missing(key, expected, json.dumps(example) if wanted is str else example)
            return default
        value = self.values[key]
        if type(value) is wanted:  # type() and not isinstance(): true is no number
            return value
        self.add(key, f"expected {expected}", "correct it")
        return None

    def _missing(self, key: str, expected: str, example: str) -> None:
        self.notes.add((*self.path, key), f"missing, expected {expected}", f"write {key} = {example}")

    def _checked_number(
        self,
        place: Path,
        value: Any,
        above: float | None,
        least: float | None,
        most: float | None,
        expected: str = "a number",
    ) -> float | None:
        if type(value) not in (int, float):
            remedy = "take the quotes away" if isinstance(value, str) else "correct it"
            self.notes.add(place, f"expected {expected}", remedy, found=value)
        elif not abs(value) <= LARGEST:  # so that nan is found too
            self.notes.add(
                place, f"expected {expected} between -{LARGEST:g} and {LARGEST:g}", "correct it", found=value
            )
        elif above is not None and not value > above:
            self.notes.add(place, f"must be above {above:g}", "correct the number or the sign", found=value)
        elif least is not None and value < least:
            self.notes.add(place, f"must not be below {least:g}", "correct the number or the sign", found=value)
        elif most is not None and value > most:
            self.notes.add(place, f"must not be above {most:g}", "correct it", found=value)
        else:
            return float(value)
        return None

    def _check_text(self, place: Path, value: str, longest: int) -> None:
        if len(value) > longest:
            self.notes.add(
                place, f"expected at most {longest} characters, found {len(value)}", "shorten it", found=value
            )
        if not value.isprintable():
            self.notes.add(
                place, "has a line break or another character that cannot be printed", "take it out", found=value
            )
