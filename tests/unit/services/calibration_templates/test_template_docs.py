"""docs/calibration-templates.md: its example is in order, and what templates can say is written there."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kleinmaelzung_services.calibration import units
from kleinmaelzung_services.calibration.templates import budgets, checking, expressions, limits, rules, shipped
from kleinmaelzung_services.calibration.templates import names as template_names

DOCS = (Path(__file__).parents[4] / "docs" / "calibration-templates.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)
MARKED = set(re.findall(r"`([^`\n]+)`", DOCS))
WORDS = {word for marked in MARKED for form in (r"[\w.%/-]+", r"\w+", r"\.\w+") for word in re.findall(form, marked)}


def keys(value: Any) -> Iterator[str]:
    below = (
        value.items() if isinstance(value, dict) else ((None, one) for one in value) if isinstance(value, list) else ()
    )
    for key, inner in below:
        if key is not None:
            yield key
        yield from keys(inner)


def test_the_example_is_in_order() -> None:
    assert EXAMPLES
    for example in EXAMPLES:
        assert checking.check(example.encode()).mistakes == ()


@pytest.mark.parametrize("one", shipped.templates(), ids=lambda one: str(one.name))
def test_every_key_that_a_template_uses_is_written_down(one: shipped.Shipped) -> None:
    assert set(keys(tomllib.loads(one.content.decode()))) - WORDS == set()


def test_every_name_of_a_formula_is_written_down() -> None:
    names = {
        *template_names.DISPLAY, *template_names.POINT, *template_names.OF_ANY_TEST, *template_names.FIT,
        *template_names.SHORT.values(), *(f".{field}" for field in template_names.STANDARD if field != "U"),
        *expressions.FUNCTIONS,
    }  # fmt: skip
    assert names - WORDS == set()


def test_every_choice_is_written_down() -> None:
    choices = {
        *budgets.DISTRIBUTIONS, budgets.TRUNCATED, *limits.BASES, *limits.RULES,
        *rules.ANALYSES, *checking.LANGUAGES, *checking.MODELS, *template_names.KINDS.values(),
    }  # fmt: skip
    assert choices - WORDS == set()


def test_the_units_that_are_named_are_known() -> None:
    section = DOCS.partition("## Units")[2].partition(": SI units")[0]
    named = re.findall(r"`([^`]+)`", section)
    assert len(named) > 15
    for unit in named:
        units.find(unit)
