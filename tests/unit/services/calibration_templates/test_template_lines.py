"""The line of each key: the same paths as tomllib's tree has, and the right numbers."""

import tomllib
from collections.abc import Iterator
from pathlib import Path as File
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_services.calibration.templates import lines, shipped
from kleinmaelzung_services.calibration.templates.lines import Path

# Whole lines, each of which may follow any other: every way in which TOML writes keys, texts, lists and tables.
FRAGMENTS = [
    "n{0} = 1",
    "d{0} = 1979-05-27 07:32:00  # with a blank",
    's{0} = "a # no comment, no = sign ] }}"',
    "l{0} = 'C:\\path'",
    'e{0} = "quote \\" and backslash \\\\"',
    'm{0} = """one\ntwo "quoted"\n\\""" three"""""',
    "r{0} = '''raw\n'two' = 3'''",
    "a{0} = [1, [2, 3], {{ x = 1, y = [4] }},\n  # between\n  5,\n]",
    "i{0} = {{ a = 1, b.c = 'x', \"d e\" = [] }}",
    "q{0}.w.'x y'.z = true",
    '"odd = key{0}" = 1',
    "b{0} = true # trailing",
    "o{0} = []",
    "p{0} = {{}}",
    "",
    "  # only a comment = 1",
    "\n[t{0}]\nx = 1\n  y = 2",
    "\n[[many]]\nx = {0}\n[many.below]\ny = 1\n[[many.deep]]\nz = 1\n[[many.deep]]\n[many.deep.er]\nw = 2",
    "\n[ u{0} . 'v' ]\nx = 1",
]  # fmt: skip


def paths(value: Any, place: Path = ()) -> Iterator[Path]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in below:
        yield (*place, key)
        yield from paths(inner, (*place, key))


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_the_paths_are_those_of_tomllib(fragments: list[str], ending: str) -> None:
    text = "\n".join(fragment.format(number) for number, fragment in enumerate(fragments)).replace("\n", ending)
    assert set(lines.lines(text)) == set(paths(tomllib.loads(text)))


@pytest.mark.parametrize("one", shipped.templates(), ids=lambda one: str(one.name))
def test_the_key_stands_in_its_line(one: shipped.Shipped) -> None:
    text = one.content.decode()
    found, written = lines.lines(text), text.split("\n")
    assert set(found) == set(paths(tomllib.loads(text)))
    for path, line in found.items():
        if isinstance(path[-1], str):
            assert path[-1] in written[line - 1], path


def test_lines_are_counted_from_one_over_texts_of_several_lines() -> None:
    found = lines.lines('a = 1\nb = """\n\n"""\nc = [\n  1,\n  2,\n]\n[[t]]\nx = 1\n\n[[t]]\nx = 2\n')
    assert found == {
        ("a",): 1, ("b",): 2, ("c",): 5, ("c", 0): 6, ("c", 1): 7,
        ("t",): 9, ("t", 0): 9, ("t", 0, "x"): 10, ("t", 1): 12, ("t", 1, "x"): 13,
    }  # fmt: skip


def test_what_is_missing_is_told_at_the_table_that_lacks_it() -> None:
    found = lines.lines("a = 1\n[t]\nb = 1\n")
    assert lines.line_of(found, ("t", "gone")) == 2
    assert lines.line_of(found, ("gone", 3, "x")) == 1


def test_the_project_file_is_read_too() -> None:
    text = (File(__file__).parents[4] / "pyproject.toml").read_text()
    found = lines.lines(text)
    assert set(found) == set(paths(tomllib.loads(text)))
    assert text.split("\n")[found["project", "version"] - 1].startswith("version = ")
