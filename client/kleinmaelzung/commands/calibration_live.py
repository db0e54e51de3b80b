"""What a run's stream does now, in one line: the value, how far the window is, why it is not stable. Pure."""

from typing import Final

from kleinmaelzung import Live, LiveSignal
from kleinmaelzung.commands import texts
from kleinmaelzung.commands.calibration_screen import Line

BAR: Final = 12  # characters of a whole window
_STYLES: Final = {"stable": "good", "settling": "dim", "unsteady": "warn", "refused": "bad", "idle": "dim"}
MOST_DECIMALS: Final = 9


def own(live: Live | None) -> LiveSignal | None:
    """The stream of the instrument itself."""
    return next((one for one in live.signals if not one.role), None) if live else None


def decimals(signal: LiveSignal | None, at_least: int) -> int:
    """How many an instrument shows: the most that were seen, so that the line does not tremble."""
    if signal is None or signal.value is None:
        return at_least
    _, _, shown = f"{signal.value:.{MOST_DECIMALS}f}".rstrip("0").partition(".")
    return max(at_least, len(shown))


def line(live: Live | None, places: int, *, is_stale: bool, is_fine: bool) -> Line:
    """`  100.0002 g   unsteady ████████···· 3.1 of 4 s   range 0.002 g is above 0.0002 g`

    `is_fine` is for a terminal that has blocks; `is_stale` where nothing came for a while.
    """
    if live is None:
        return [("  nothing is told of the streams yet", "dim")]
    if is_stale:
        return [("  nothing new is told of the streams: is kleinmaelzung-calibration running?", "warn")]
    signal = own(live)
    shown: list[tuple[str, str]] = [("  ", ""), *_value(signal, places)]
    if signal is not None and live.step is not None:
        shown += _window(signal, is_fine=is_fine)
    if live.left_s is not None and live.step is not None:
        shown.append((f"   {live.left_s:.0f} s left", "dim"))
    for other in live.signals:
        if other.role and live.step is not None and other.status in ("unsteady", "refused"):
            shown.append((f"   {texts.plain(other.role)}: {other.status}, {texts.plain(other.reason)}", "warn"))
    if live.reason:
        shown.append((f"   {texts.plain(live.reason)}", "bad"))
    return shown


def _value(signal: LiveSignal | None, places: int) -> Line:
    if signal is None:
        return [("no stream of the instrument", "dim")]
    if signal.value is None:
        return [(f"no value{f': {texts.plain(signal.reason)}' if signal.reason else ''}", "warn")]
    return [(f" {signal.value:.{places}f} {texts.plain(texts.shown_unit(signal.unit))} ", "big")]


def _window(signal: LiveSignal, *, is_fine: bool) -> Line:
    style = _STYLES[signal.status]
    bar = _bar(signal.length_s, signal.window_s, is_fine=is_fine)
    length = f" {signal.length_s:.1f} of {signal.window_s:g} s" if signal.window_s else f" {signal.length_s:.1f} s"
    why = signal.reason if signal.status in ("unsteady", "refused") else ""
    if signal.status == "stable" and signal.spread is not None:
        why = f"range {signal.spread:.2g} {texts.shown_unit(signal.unit)}"
    return [(f"   {signal.status:<8} ", style), (f"{bar}{length}", style), (f"   {texts.plain(why)}", "dim")]


def _bar(length_s: float, window_s: float, *, is_fine: bool) -> str:
    done = round(BAR * min(1.0, length_s / window_s)) if window_s else 0
    full, empty = ("\N{FULL BLOCK}", "\N{MIDDLE DOT}") if is_fine else ("#", ".")
    return full * done + empty * (BAR - done)


def others(live: Live | None) -> Line:
    """The other streams of a run in a line: standards that are read live, and the room."""
    if live is None:
        return []
    shown = [f"{one.role} {number(one)}" for one in live.signals if one.role]
    return [("  " + ", ".join(map(texts.plain, shown)), "dim")] if shown else []


def number(signal: LiveSignal) -> str:
    return f"{signal.value:.6g} {texts.shown_unit(signal.unit)}" if signal.value is not None else "no value"
