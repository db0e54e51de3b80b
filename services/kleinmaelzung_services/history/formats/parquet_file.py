"""Samples or buckets as Parquet, by pyarrow (the extra `[parquet]`), handed out as it grows.

    time      timestamp[us, UTC]
    mass [g]  double; int64 where the column's type is "integer"; string; bool; string of JSON where types are mixed
    quality   string: JSON such as {"mass [g]": "unstable"}, null where all is good
    note      string, null mostly
    exact     string: JSON such as {"mass [g]": 9007199254740993}, null mostly

What a column's type cannot hold is never lost: it stands in `exact`, and its own column has the nearest number or null.
So integers beyond 2^53 are exact, and the types do not depend on which rows were asked for. Buckets have
`mass [g] mean`, `min`, `max` (double, null where there is none) and `count` (int64) instead, and only these.

Each field's metadata has `channel` and `unit`; the schema's metadata has, as JSON under the key `kleinmaelzung`, what
the table is about, with its gaps.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from kleinmaelzung_services.history.formats import table
from kleinmaelzung_services.history.formats.table import Buckets, Column, Table
from kleinmaelzung_wire.frames import Frame, Value

MEDIA_TYPE: Final = "application/vnd.apache.parquet"
SUFFIX: Final = "parquet"
METADATA_KEY: Final = "kleinmaelzung"
NOT_INSTALLED: Final = (
    "this server cannot write Parquet: its history service needs pip install 'kleinmaelzung[parquet]'."
    " Ask for csv or json"
)

# A row group is what is held in memory before it is written. Larger groups compress a little better.
MAX_ROWS: Final = 65_536
MAX_CELLS: Final = 262_144
MAX_TEXT: Final = 4 * 1024 * 1024  # characters

_FLOAT: Final = frozenset([float, type(None)])
_MOST: Final = 2**63


class NotInstalled(Exception):
    """pyarrow is not there; the message is a sentence for people."""


class ParquetFile:
    """A Parquet file as table.File says. Raises NotInstalled without pyarrow."""

    def __init__(self, about: Table) -> None:
        try:
            # Only where it is used: it costs each process 0.2 s and 60 MB.
            import pyarrow
            from pyarrow import parquet
        except ImportError as error:
            raise NotInstalled(NOT_INSTALLED) from error
        self._arrow = pyarrow
        self._table = about
        self._schema = _schema(pyarrow, about)
        self._sink = _Sink()
        self._writer = parquet.ParquetWriter(
            pyarrow.PythonFile(self._sink, mode="w"), self._schema, compression="zstd", coerce_timestamps=None
        )
        self._rows: list[list[Any]] = [[] for _ in self._schema.names]
        self._text = 0
        self._most_rows = min(MAX_ROWS, MAX_CELLS // len(self._rows))

    def begin(self) -> bytes:
        return self._sink.taken()

    def add(self, rows: Frame | Buckets) -> bytes:
        columns = self._of_buckets(rows) if isinstance(rows, Buckets) else self._of_frame(rows)
        for held, column in zip(self._rows, columns, strict=True):
            held += column
        if len(self._rows[0]) >= self._most_rows or self._text >= MAX_TEXT:
            self._write_group()
        return self._sink.taken()

    def end(self) -> bytes:
        if self._rows[0]:
            self._write_group()
        self._writer.close()
        return self._sink.taken()

    def _write_group(self) -> None:
        arrays = [self._arrow.array(held, kind) for held, kind in zip(self._rows, self._schema.types, strict=True)]
        self._rows = [[] for _ in arrays]
        self._text = 0
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema), row_group_size=MAX_ROWS)
        # Otherwise the pool keeps ever more: 27 MiB over 10 million samples.
        self._arrow.default_memory_pool().release_unused()

    def _of_frame(self, frame: Frame) -> list[Sequence[Any]]:
        nothing = [None] * len(frame.times)
        columns: list[Sequence[Any]] = [frame.times]
        exact: dict[int, dict[str, Value]] = {}
        for column, values in zip(self._table.columns, table.columns_of(frame, self._table.columns), strict=True):
            columns.append(nothing if values is None else _stored(column, values, exact))
        note = nothing if frame.clock.synchronised else [table.CLOCK_NOTE] * len(frame.times)
        quality = list(map(_json, table.qualities(frame))) if frame.quality else nothing
        left = [_json(exact.get(index)) for index in range(len(frame.times))] if exact else nothing
        columns += [quality, note, left]
        self._text += sum(len(text) for column in columns for text in column if type(text) is str)
        return columns

    def _of_buckets(self, buckets: Buckets) -> list[Sequence[Any]]:
        nothing = [None] * len(buckets.times)
        columns: list[Sequence[Any]] = [buckets.times]
        for column in self._table.columns:
            numbers = buckets.columns.get(column.key)
            if numbers is None:
                columns += [nothing, nothing, nothing, [0] * len(buckets.times)]
            else:
                figures = (numbers.mean, numbers.minimum, numbers.maximum)
                columns += [*([_figure(value) for value in part] for part in figures), numbers.count]
        return columns


class _Sink:
    """Takes what pyarrow writes until it is taken away."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(self._pieces[-1])

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def taken(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def _schema(pyarrow: Any, about: Table) -> Any:
    kinds: dict[table.Type, Any] = {
        "number": pyarrow.float64(),
        "integer": pyarrow.int64(),
        "text": pyarrow.string(),
        "boolean": pyarrow.bool_(),
        "mixed": pyarrow.string(),
    }
    fields = [pyarrow.field(table.TIME, pyarrow.timestamp("us", tz="UTC"), nullable=False)]
    for column in about.columns:
        told = {"channel": column.name, "unit": column.unit, "type": column.type}
        if about.width_us is None:
            fields.append(pyarrow.field(column.label, kinds[column.type], metadata=told))
            continue
        for word in table.STATISTICS:
            kind = pyarrow.int64() if word == "count" else pyarrow.float64()
            fields.append(pyarrow.field(f"{column.label} {word}", kind, metadata={**told, "statistic": word}))
    if about.width_us is None:
        fields += [pyarrow.field(name, pyarrow.string()) for name in (table.QUALITY, table.NOTE, table.EXACT)]
    told_of_all = {**about.to_map(), "gaps": [table.gap_map(gap) for gap in about.gaps]}
    return pyarrow.schema(fields, metadata={METADATA_KEY: table.json_text(told_of_all)})


def _stored(column: Column, values: list[Value], exact: dict[int, dict[str, Value]]) -> Sequence[Any]:
    """The values as the column's type holds them; what it cannot hold is put into `exact`, by the row's index."""
    if column.type == "number" and _FLOAT.issuperset(map(type, values)):  # nearly every column: as it is
        return values
    hold = _HOLD[column.type]
    stored = []
    for index, value in enumerate(values):
        held, is_exact = hold(value)
        stored.append(held)
        if not is_exact:
            exact.setdefault(index, {})[column.label] = value
    return stored


def _number(value: Value) -> tuple[Any, bool]:
    if isinstance(value, bool | str):
        return None, False
    return (None, True) if value is None else (float(value), float(value) == value)


def _integer(value: Value) -> tuple[Any, bool]:
    is_held = value is None or (type(value) is int and -_MOST <= value < _MOST)
    return (value if is_held else None), is_held


def _text(value: Value) -> tuple[Any, bool]:
    is_held = value is None or type(value) is str
    return (value if is_held else None), is_held


def _boolean(value: Value) -> tuple[Any, bool]:
    is_held = value is None or type(value) is bool
    return (value if is_held else None), is_held


def _mixed(value: Value) -> tuple[Any, bool]:
    return (None if value is None else table.json_text(value)), True


_HOLD: Final[dict[table.Type, Callable[[Value], tuple[Any, bool]]]] = {
    "number": _number,
    "integer": _integer,
    "text": _text,
    "boolean": _boolean,
    "mixed": _mixed,
}


def _json(words: dict[str, Any] | None) -> str | None:
    return json.dumps(words, ensure_ascii=False) if words else None


def _figure(value: float | None) -> float | None:
    return None if value is None or value != value else value
