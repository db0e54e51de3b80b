"""Which formats there are, by the names that people and programs ask for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kleinmaelzung_services.history.formats import csv_file, json_lines, parquet_file
from kleinmaelzung_services.history.formats.csv_file import CsvFile
from kleinmaelzung_services.history.formats.json_lines import JsonLines
from kleinmaelzung_services.history.formats.parquet_file import ParquetFile
from kleinmaelzung_services.history.formats.table import File, Table


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is written, and what it is to whoever gets it. `open` raises parquet_file.NotInstalled."""

    open: Callable[[Table], File]
    media_type: str
    suffix: str


_JSON_LINES: Final = Format(JsonLines, json_lines.MEDIA_TYPE, json_lines.SUFFIX)
FORMATS: Final = {
    "csv": Format(CsvFile, csv_file.MEDIA_TYPE, csv_file.SUFFIX),
    "json": _JSON_LINES,
    "jsonl": _JSON_LINES,
    "parquet": Format(ParquetFile, parquet_file.MEDIA_TYPE, parquet_file.SUFFIX),
}
