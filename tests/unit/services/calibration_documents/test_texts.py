"""The fixed words: each in both languages, with the same values in it, and printable."""

import importlib
import re
import string
from pathlib import Path

import pytest

from kleinmaelzung_services.calibration.documents import numerals, texts
from kleinmaelzung_services.calibration.documents.paper import printable
from kleinmaelzung_services.calibration.documents.texts import Language, Words

FOLDER = Path(texts.__file__).parent
FILES = sorted([FOLDER / "texts.py", *FOLDER.rglob("words*.py")])
MODULES = [
    importlib.import_module(".".join((str(texts.__package__), *file.relative_to(FOLDER).with_suffix("").parts)))
    for file in FILES
]
ALL = {
    f"{module.__name__.removeprefix(f'{texts.__package__}.')}.{name}": value
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, Words)
}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_module_of_words_is_here_and_there_is_no_other() -> None:
    assert len(ALL) > 300
    assert all(any(isinstance(value, Words) for value in vars(module).values()) for module in MODULES)
    others = [file for file in FOLDER.rglob("*.py") if file not in FILES]
    assert [
        file.name for file in others if re.search(r"texts import .*\bof\b|texts\.of\(|\bWords\(en", file.read_text())
    ] == []


@pytest.mark.parametrize("name", ALL)
def test_words_are_complete_in_both_languages(name: str) -> None:
    words = ALL[name]
    assert words.en.strip()
    assert words.de.strip()
    assert placeholders(words.en) == placeholders(words.de)
    assert set(words.en + words.de) <= printable() | {"\n"}


@pytest.mark.parametrize(
    ("value", "en", "de"),
    [
        (0.5, "0.5", "0,5"),
        (-12.25, "−12.25", "−12,25"),
        (0.0, "0", "0"),
        (-0.0, "0", "0"),
        (0.00005, "0.00005", "0,00005"),
        (2e-7, "2·10⁻⁷", "2·10⁻⁷"),
        (1.5e15, "1.5·10¹⁵", "1,5·10¹⁵"),
        (0.1 + 0.2, "0.3", "0,3"),
        (1000.0, "1000", "1000"),
    ],
)
def test_numbers_have_the_sign_of_the_language(value: float, en: str, de: str) -> None:
    assert (numerals.number(value, "en"), numerals.number(value, "de")) == (en, de)


@pytest.mark.parametrize(
    ("language", "expected"), [("en", ["4.006", "9.180", "−7.000"]), ("de", ["4,006", "9,180", "−7,000"])]
)
def test_numbers_below_each_other_have_the_same_decimals(language: Language, expected: list[str]) -> None:
    assert numerals.column([4.006, 9.18, -7], language) == expected


@pytest.mark.parametrize(
    ("symbol", "printed"),
    [
        ("degC", "°C"), ("uL", "µL"), ("uL/mg", "µL/mg"), ("kg/m3", "kg/m³"), ("1", ""), ("kOhm", "kΩ"),
        ("%RH", "%RH"), ("mS/cm", "mS/cm"), ("1/K", "1/K"),
    ],
)  # fmt: skip
def test_units_are_printed_as_people_write_them(symbol: str, printed: str) -> None:
    assert numerals.unit(symbol) == printed
