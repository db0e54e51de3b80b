import io

import pytest

from kleinmaelzung.commands import progress
from kleinmaelzung.commands.progress import Progress


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("done", "expected", "size", "seconds", "line"),
    [
        (42, 100, 12_300_000, 4.0, "pi-1/balance   42 %  12.3 MB  3.1 MB/s"),
        (120, 100, 999, 1.0, "pi-1/balance  100 %  999 B  999 B/s"),
        (5, 0, 2_000, 0.0, "pi-1/balance  2.0 kB  0 B/s"),
    ],
)
def test_a_line_says_share_amount_and_rate(done: int, expected: int, size: int, seconds: float, line: str) -> None:
    assert progress.line("pi-1/balance", done, expected, size, seconds) == line


def test_a_terminal_sees_one_line_that_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    screen = Screen()
    shown = Progress(screen)
    shown.show("a/b", 1, 100, 1_000_000)
    shown.show("a/b", 2, 100, 2)
    shown.clear()
    first, second, blank, end = screen.getvalue().split("\r")[1:]
    assert first.startswith("a/b    1 %  1.0 MB")
    assert second.startswith("a/b    2 %  2 B")
    assert blank.strip() == end == ""
    assert len(blank) >= len(second.rstrip())


def test_what_is_no_terminal_sees_nothing() -> None:
    out = io.StringIO()
    shown = Progress(out)
    shown.show("a/b", 1, 2, 3)
    shown.clear()
    assert out.getvalue() == ""
