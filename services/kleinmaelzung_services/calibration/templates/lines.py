"""In which line of a TOML file each key stands: text that `tomllib` has accepted in, a line for each path out. Pure.

`tomllib` tells no lines. As it has already made sure that the text is TOML, this only has to tell apart where keys,
texts, lists and tables begin and end; a test compares its paths with tomllib's tree.
"""

import re
import tomllib
from typing import Final

# Keys by name, elements of lists by number: ("budget", "component", 2, "name").
Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_TEXTS: Final = (
    re.compile(r'"""(?:[^\\]|\\.)*?"""(?:"(?:")?)?', re.DOTALL),
    re.compile(r"'''.*?'''(?:'(?:')?)?", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)
_OTHER = re.compile(r"[^,\]}\n#]+")  # a number, a date (it may have a blank), true


def lines(text: str) -> dict[Path, int]:
    """Return the line, counted from 1, of each key and each element of a list."""
    scan = _Scan(text.replace("\r\n", "\n"))
    scan.document()
    return scan.found


def line_of(found: dict[Path, int], path: Path) -> int:
    """Return the line of a key, or of what it is missing in; 1 for the document."""
    while path:
        if path in found:
            return found[path]
        path = path[:-1]
    return 1


class _Scan:
    """A place in the text, and what was found up to there."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}
        self._counted_to = 0
        self._line = 1

    def document(self) -> None:
        table: Path = ()
        while self._skip_blank() < len(self.text):
            if self._take("[["):
                *outer, last = self._keys()
                array = (*self._resolve(tuple(outer)), last)
                self._counts[array] = self._counts.get(array, -1) + 1
                self._note(array)
                table = (*array, self._counts[array])
                self._note(table)
                self._expect("]]")
            elif self._take("["):
                table = self._resolve(self._keys())
                self._note(table)
                self._expect("]")
            else:
                self._pair(table)

    def _pair(self, table: Path) -> None:
        keys = self._keys()
        for length in range(1, len(keys) + 1):
            self._note((*table, *keys[:length]))
        self._expect("=")
        self._value((*table, *keys))

    def _value(self, path: Path) -> None:
        self._skip_blank()
        if self._take("["):
            index = 0
            while self._skip_blank() < len(self.text) and not self._take("]"):
                self._note((*path, index))
                self._value((*path, index))
                self._skip_blank()
                self._take(",")
                index += 1
        elif self._take("{"):
            while self._skip_blank() < len(self.text) and not self._take("}"):
                self._pair(path)
                self._skip_blank()
                self._take(",")
        else:
            self._plain()

    def _plain(self) -> None:
        for pattern in (*_TEXTS, _OTHER):
            if found := pattern.match(self.text, self.at):
                self.at = found.end()
                return
        raise ValueError(f"no value at character {self.at}")

    def _keys(self) -> Path:
        """`a."b c".d`"""
        keys = [self._key()]
        while self._skip_blank() < len(self.text) and self._take("."):
            keys.append(self._key())
        return tuple(keys)

    def _key(self) -> str:
        self._skip_blank()
        found = _KEY.match(self.text, self.at)
        if not found:
            raise ValueError(f"no key at character {self.at}")
        self.at = found.end()
        return _plain_key(found[0])

    def _resolve(self, keys: Path) -> Path:
        """Where `[a.b]` is, when `a` is a list of tables: in its last one."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self._counts:
                path = (*path, self._counts[path])
            else:
                self._note(path)
        return path

    def _note(self, path: Path) -> None:
        self._line += self.text.count("\n", self._counted_to, self.at)
        self._counted_to = self.at
        self.found.setdefault(path, self._line)

    def _skip_blank(self) -> int:
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def _take(self, sign: str) -> bool:
        if self.text.startswith(sign, self.at):
            self.at += len(sign)
            return True
        return False

    def _expect(self, sign: str) -> None:
        self._skip_blank()
        if not self._take(sign):
            raise ValueError(f"expected {sign} at character {self.at}")


def _plain_key(raw: str) -> str:
    if raw[0] not in "\"'":
        return raw
    key: str = tomllib.loads(f"key = {raw}")["key"]
    return key
