"""A template file's bytes in; a Template or all mistakes at once out. Pure: what is released comes as an argument.

check(bytes) -> Checked(template, mistakes)      exactly one of the two is there
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from kleinmaelzung_services.calibration.templates import formulas, lines, release, rules
from kleinmaelzung_services.calibration.templates import measurands as template_measurand
from kleinmaelzung_services.calibration.templates import parts as template_parts
from kleinmaelzung_services.calibration.templates import steps as template_steps
from kleinmaelzung_services.calibration.templates.formulas import Parts
from kleinmaelzung_services.calibration.templates.lines import Path
from kleinmaelzung_services.calibration.templates.mistakes import Mistake, Notes, each_once
from kleinmaelzung_services.calibration.templates.release import Release
from kleinmaelzung_services.calibration.templates.tables import Table
from kleinmaelzung_services.calibration.templates.template import SCHEMA, Fit, Measurand, Template, Test

MAX_BYTES: Final = 256 * 1024
LANGUAGES: Final = ("en", "de")
MODELS: Final[dict[str, Literal[0, 1, 2] | None]] = {"line": 1, "offset": 0, "quadratic": 2, "none": None}

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_AT_LINE = re.compile(r" ?\(at line ([0-9]+), column [0-9]+\)")
# What belongs to one measurand, and stands in each [[measurand]] where there are several.
_OF_MEASURAND: Final = (
    "quantity", "unit", "error_unit", "direction", "instrument", "reference", "stability", "budget", "acceptance", "fit"
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """`sha256` is that of the file, whatever is in it."""

    template: Template | None
    mistakes: tuple[Mistake, ...]
    sha256: str


def check(content: bytes, released: Mapping[tuple[str, int], Release] | None = None) -> Checked:
    """Return the template, or every mistake in it. `released` has the versions that must not change any more."""
    sha256 = hashlib.sha256(content).hexdigest()
    parsed = _parse(content)
    if isinstance(parsed, Mistake):
        return Checked(template=None, mistakes=(parsed,), sha256=sha256)
    values, notes = parsed
    template = _read(Table(values, (), notes), sha256, released or {})
    mistakes = tuple(sorted(set(notes.mistakes)))
    return Checked(template=None if mistakes else template, mistakes=mistakes, sha256=sha256)


def _parse(content: bytes) -> tuple[dict[str, Any], Notes] | Mistake:
    if len(content) > MAX_BYTES:
        return _unreadable(f"has {len(content)} bytes, expected at most {MAX_BYTES}", "this is hardly a template")
    if content.startswith(b"\xef\xbb\xbf"):
        return _unreadable("begins with a byte order mark", "save it as UTF-8 without one")
    try:
        text = content.decode()
        values = tomllib.loads(text)
        return values, Notes(lines.lines(text))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _unreadable(f"is not UTF-8 at byte {error.start}", "save it as UTF-8", line)
    except RecursionError:
        return _unreadable("is nested too deeply", "write it as docs/calibration-templates.md shows")
    except ValueError as error:
        found = _AT_LINE.search(str(error))
        sentence = _AT_LINE.sub("", str(error))
        return _unreadable(f"is not TOML: {sentence}", "correct this line", int(found[1]) if found else 1)


def _unreadable(rule: str, remedy: str, line: int = 1) -> Mistake:
    return Mistake(line=line, path="", found="", rule=rule, remedy=remedy)


def _read(root: Table, sha256: str, released: Mapping[tuple[str, int], Release]) -> Template | None:
    schema = root.text("schema", example=SCHEMA)
    if "schema" in root and schema != SCHEMA:
        root.add("schema", f'this program reads "{SCHEMA}"', "write that, or use a program that reads this one")
    if schema != SCHEMA:
        return None  # the rest would only be mistakes about another format
    id_, version = _identity(root, sha256, released)
    tables = _measurand_tables(root)
    measurands = tuple(template_measurand.read(table, is_whole_file=table is root) for table in tables)
    if not _are_named_apart(root, tables, measurands):
        return None  # nobody could tell to which of them a test belongs
    measurands, analyses = _report(root, measurands)
    title, instrument_type = (
        root.text("title", example="Balance 0-200 g"),
        root.text("instrument_type", example="balance"),
    )
    method, language = root.texts("method", least=1), root.choice("language", LANGUAGES, "en")
    preparation, interval = template_parts.preparation(root), template_parts.interval(root)
    steps = template_steps.read(root, measurands) if measurands else ()
    parts = _parts(root, tables, measurands, tuple(test for _, test in steps))
    root.finish()
    if not measurands:
        return None
    _check_parts(root, tables, parts, tuple(table.path for table, _ in steps), preparation.preload, analyses)
    return Template(
        id=id_,
        version=version,
        sha256=sha256,
        title=title,
        instrument_type=instrument_type,
        method=method,
        language=language,
        measurands=measurands,
        standards=parts.standards,
        environment=parts.environment,
        preparation=preparation,
        inputs=parts.inputs,
        tests=parts.tests,
        results=parts.results,
        interval=interval,
        analyses=analyses,
    )


def _identity(root: Table, sha256: str, released: Mapping[tuple[str, int], Release]) -> tuple[str, int]:
    id_ = root.text("id", example="BAL-200")
    if id_ and not _ID.fullmatch(id_):
        root.add(
            "id",
            "1 to 64 letters, digits and . _ - are expected, first a letter or digit",
            'write one such as "BAL-200"',
        )
    version = root.integer("version", least=1, most=99_999)
    if "version" in root and (why := release.why_not(released, Release(id=id_, version=version, sha256=sha256))):
        root.add("version", why, f"write version = {release.next_version(released, id_)}, or an id of your own")
    return id_, version


def _measurand_tables(root: Table) -> list[Table]:
    """The whole file, or each [[measurand]] of it."""
    if "measurand" not in root:
        return [root]
    below = root.tables("measurand")
    for key in _OF_MEASURAND:
        if key in root:
            root.anything(key)
            root.add(key, "with [[measurand]] it belongs to one of them", f"move it to [measurand.{key}]")
    if not below:
        root.add("measurand", "the list is empty", "write [[measurand]], or its keys without it")
    return below


def _are_named_apart(root: Table, tables: list[Table], measurands: tuple[Measurand, ...]) -> bool:
    named = [((*table.path, "name"), one.name) for table, one in zip(tables, measurands, strict=True)]
    each_once(named, root.notes, "another measurand has this name already")
    return len({one.name for one in measurands}) == len(measurands)


def _parts(root: Table, tables: list[Table], measurands: tuple[Measurand, ...], tests: tuple[Test, ...]) -> Parts:
    return Parts(
        places=tuple(table.path for table in tables),
        measurands=measurands,
        standards=template_parts.standards(root, measurands),
        environment=template_parts.environment(root),
        inputs=template_parts.inputs(root),
        tests=tests,
        are_tests_whole=isinstance(written := root.values.get("test", []), list) and len(tests) == len(written),
        results=template_parts.results(root, measurands) if measurands else (),
    )


def _check_parts(
    root: Table,
    tables: list[Table],
    parts: Parts,
    test_places: tuple[Path, ...],
    preload: Any,
    analyses: tuple[str, ...],
) -> None:
    if tables[0] is not root:
        for table in tables:
            table.finish()
    rules.check(parts, test_places, preload.load if preload else None, root.notes)
    rules.check_analyses(parts, analyses, root.notes)
    formulas.check(parts, root.notes)


def _report(root: Table, measurands: tuple[Measurand, ...]) -> tuple[tuple[Measurand, ...], tuple[str, ...]]:
    """The analyses; and `correction_model`, the short way to write [fit]."""
    table = root.table("report")
    if table is None:
        return measurands, ()
    analyses = table.texts("analyses")
    if "correction_model" in table:
        measurands = _with_model(table, measurands)
    table.finish()
    return measurands, analyses


def _with_model(table: Table, measurands: tuple[Measurand, ...]) -> tuple[Measurand, ...]:
    order = MODELS[table.choice("correction_model", tuple(MODELS))]
    if any(one.fit for one in measurands):
        table.add("correction_model", "there is [fit], which says the same and more", "leave it out")
    if order is None:
        return measurands
    return tuple(replace(one, fit=Fit(order=order, y=one.direction)) for one in measurands)
