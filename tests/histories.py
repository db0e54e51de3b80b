"""Histories for tests of what is written of them: any columns, any values, the nastiest texts."""

import io
from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st

from kleinmaelzung_services.history.formats.choice import FORMATS
from kleinmaelzung_services.history.formats.table import Buckets, Column, Key, Table, Type
from kleinmaelzung_wire.frames import Clock, Frame, Value
from kleinmaelzung_wire.gaps import Gap

START_US: Final = 1_790_000_000_000_000
END_US: Final = START_US + 10**15
GOOD_CLOCK: Final = Clock(synchronised=True)

# What a spreadsheet would take for a formula.
FORMULAS: Final = (
    *("=cmd|'/c calc'!A1", "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "'=1", '"=1', "''-1", "“=1"),
    *("a;=1", "a\t-1", "a\n@x", ";;=1", "\t\t=", "a;'=1", "\u200b=1", "＝1+1", "\u2212x", "\x01=1"),
)
NASTY: Final = (
    *FORMULAS,
    *(
        "'",
        "''",
        ";'",
        'say "no"',
        "a,b",
        "a\r\nb",
        "\r",
        "\n",
        "",
        " ",
        "NA",
        "null",
        "nan",
        "true",
        "1.5",
        "007",
        "1e5",
    ),
    *("-", "😀", "°C", "\u0085", "\u2028", "\u2029", "\ufeff", "\x1c", "\x7f", "\\", "\\N", "{}", "<script>"),
)
TYPES: Final[tuple[Type, ...]] = ("number", "integer", "text", "boolean", "mixed")

# No NUL and no half of a surrogate pair: a frame with those is refused.
texts = st.sampled_from(NASTY) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12
)
units = st.sampled_from(["", "g", "kg", "°C", "µg/m³", *(text[:32] for text in NASTY)]) | texts
names = st.sampled_from(["mass", "time", "quality", "note", "gap", "exact", "0", "a-b_c"])
floats = st.floats(allow_nan=False, allow_infinity=False)
integers = st.integers(-(2**63), 2**64 - 1) | st.integers(2**53 - 2, 2**53 + 2)
small_integers = st.integers(-(2**63), 2**63 - 1)
_VALUES: Final[dict[Type, st.SearchStrategy[Value]]] = {
    "number": floats | integers,
    "integer": small_integers,
    "text": texts,
    "boolean": st.booleans(),
    "mixed": floats | integers | texts | st.booleans(),
}


@st.composite
def tables(draw: st.DrawFn, types: Sequence[Type] = TYPES) -> Table:
    keys = draw(st.lists(st.tuples(names, units), min_size=1, max_size=4, unique=True))
    columns = [Column(name=name, unit=unit, type=draw(st.sampled_from(types))) for name, unit in keys]
    gaps = draw(st.lists(any_gap(), max_size=3))
    return Table(instrument="pi-1/balance", since=START_US, until=END_US, columns=columns, gaps=gaps)


@st.composite
def any_gap(draw: st.DrawFn) -> Gap:
    moments = st.none() | st.integers(START_US, START_US + 50)
    return Gap(reason=draw(texts), since=draw(moments), until=draw(moments), detail=draw(texts))


@st.composite
def histories(draw: st.DrawFn, types: Sequence[Type] = TYPES, *, nothing: bool = True) -> tuple[Table, list[Frame]]:
    """A table and frames of it; without `nothing` each frame has every column, if it can, and no value is nil."""
    about = draw(tables(types))
    sizes = draw(st.lists(st.integers(1, 4), max_size=4))
    frames, time = [], START_US
    for number, size in enumerate(sizes, 1):
        of_name = {column.name: column for column in draw(st.permutations(about.columns))}
        chosen = draw(st.sets(st.sampled_from(sorted(of_name)), min_size=1)) if nothing else set(of_name)
        frames.append(draw(frame_of([of_name[name] for name in sorted(chosen)], number, time, size, nothing)))
        time += size * 7
    return about, frames


@st.composite
def frame_of(draw: st.DrawFn, columns: list[Column], number: int, time: int, size: int, nothing: bool) -> Frame:
    def values(column: Column) -> list[Value]:
        one = _VALUES[column.type]
        return draw(st.lists(st.none() | one if nothing else one, min_size=size, max_size=size))

    words = st.none() | st.sampled_from(["good", "unstable", "=1", "; a: b"])
    return Frame(
        epoch=1,
        number=number,
        times=tuple(range(time, time + size * 7, 7)),
        channels={column.name: values(column) for column in columns},
        units={column.name: column.unit for column in columns if column.unit},
        quality={columns[0].name: draw(st.lists(words, min_size=size, max_size=size))} if draw(st.booleans()) else {},
        clock=Clock(synchronised=draw(st.booleans())),
    )


def written(format_name: str, about: Table, rows: Sequence[Frame | Buckets]) -> bytes:
    file = FORMATS[format_name].open(about)
    return b"".join([file.begin(), *map(file.add, rows), file.end()])


def reader(content: bytes) -> io.BytesIO:
    return io.BytesIO(content)


def times_of(frames: Sequence[Frame]) -> list[int]:
    return [time for frame in frames for time in frame.times]


def values_of(frames: Sequence[Frame], key: Key) -> list[Value]:
    """What the frames say of one column, None where they say nothing."""
    name, unit = key
    return [
        value
        for frame in frames
        for value in (
            frame.channels[name]
            if name in frame.channels and frame.units.get(name, "") == unit
            else [None] * len(frame.times)
        )
    ]


def same(found: object, expected: object) -> bool:
    """Equal to the last bit, and of the same type: 1, 1.0 and true differ, and so do 0.0 and -0.0."""
    return type(found) is type(expected) and repr(found) == repr(expected)
