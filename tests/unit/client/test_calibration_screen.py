"""Keys and what is drawn: what a terminal sends in, what it is sent out."""

import io

import pytest

from kleinmaelzung import Live, LiveSignal
from kleinmaelzung.commands import calibration_live, calibration_screen
from kleinmaelzung.commands.calibration_screen import Keys, Screen


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        ("\r", [""]),
        ("tare\r", ["tare"]),
        ("tarr\x7fe\n", ["tare"]),
        ("\x7f\r", [""]),
        ("no\x15yes\r", ["yes"]),
        ("one two\x17three\r", ["onethree"]),
        ("a\x1b[Ab\x1bOAc\x1b[1;5Cd\x1b[3~e\r", ["abcde"]),
        ("\x04", ["q"]),
        ("x\x04\r", ["x"]),
        ("20 °C\r\r", ["20 °C", ""]),
        ("a\tb\x07\r", ["ab"]),
    ],
)
def test_keys_become_lines_at_once_and_one_by_one(typed: str, lines: list[str]) -> None:
    assert list(Keys().feed(typed)) == lines
    keys = Keys()
    assert [line for key in typed for line in keys.feed(key)] == lines


def test_what_is_not_finished_is_kept() -> None:
    keys = Keys()
    assert list(keys.feed("one\rtw")) == ["one"]
    assert keys.typed == "tw"


def test_a_block_is_written_over_and_only_where_it_is_different() -> None:
    out = io.StringIO()
    screen = Screen(out, is_coloured=False)
    screen.draw([[("put 100 g on", "")], [("100.0", "big")]], "")
    assert out.getvalue() == "\rput 100 g on\x1b[K\n100.0\x1b[K\n> \x1b[J"
    before = len(out.getvalue())
    screen.draw([[("put 100 g on", "")], [("100.0", "big")]], "")
    assert len(out.getvalue()) == before
    screen.say("   2  100 g")
    assert out.getvalue()[before:] == "\x1b[2A\r\x1b[J   2  100 g\n"


def test_a_line_is_no_longer_than_the_terminal() -> None:
    out = io.StringIO()
    Screen(out, is_coloured=True).draw([[("x" * 70, ""), ("y" * 70, "warn")]], "z" * 100)
    first, second = out.getvalue().removesuffix("\x1b[J").removeprefix("\r").split("\x1b[K\n")
    assert first == f"{'x' * 70}\x1b[33m{'y' * 9}\x1b[0m"
    assert second == f"> {'z' * 77}"


@pytest.mark.parametrize(("term", "is_able"), [("", False), ("dumb", False), ("xterm", False)])
def test_a_file_is_no_terminal(term: str, is_able: bool) -> None:
    assert calibration_screen.is_able(io.StringIO(), io.StringIO(), term) is is_able


def live(status: str = "stable", reason: str = "", step: int | None = 2, value: float | None = 100.0) -> Live:
    own = LiveSignal(
        role="",
        instrument="pi-1/balance",
        channel="weight",
        value=value,
        unit="g",
        status=status,  # type: ignore[arg-type]
        reason=reason,
        length_s=3.0,
        window_s=4.0,
        spread=0.0002,
    )
    room = LiveSignal(role="temperature", instrument="pi-1/room", channel="temperature", value=21.53, unit="°C")
    return Live(
        run="R-2026-0001", state="measuring", phase="as_found", head=9, step=step, left_s=41.6, signals=[own, room]
    )


def text(found: Live | None, *, is_stale: bool = False, is_fine: bool = True) -> str:
    line = calibration_live.line(found, 4, is_stale=is_stale, is_fine=is_fine)
    return "".join(piece for piece, _ in line)


def test_the_live_line_tells_value_window_and_why() -> None:
    assert text(live()) == "   100.0000 g    stable   █████████··· 3.0 of 4 s   range 0.0002 g   42 s left"
    unsteady = text(live("unsteady", "range 0.02 g, allowed is 0.0002 g"), is_fine=False)
    assert unsteady == (
        "   100.0000 g    unsteady #########... 3.0 of 4 s   range 0.02 g, allowed is 0.0002 g   42 s left"
    )
    assert text(live(step=None)) == "   100.0000 g "
    assert "no value: silent for 3 s" in text(live("refused", "silent for 3 s", value=None))


def test_a_service_that_says_nothing_is_noticed() -> None:
    assert "is kleinmaelzung-calibration running?" in text(live(), is_stale=True)
    assert text(None) == "  nothing is told of the streams yet"


def test_the_room_is_told_below() -> None:
    assert calibration_live.others(live()) == [("  temperature 21.53 °C", "dim")]


def test_decimals_stay_as_many_as_were_seen() -> None:
    signal = calibration_live.own(live(value=100.0002))
    assert calibration_live.decimals(signal, 0) == 4
    assert calibration_live.decimals(calibration_live.own(live(value=100.0)), 4) == 4
    assert calibration_live.decimals(None, 2) == 2
