"""Pictures of every view: three widths, light and dark, English and German.

    scripts/screenshots [--out DIR] [--small DIR] [VIEW...]

They are to be looked at by a person: nothing cut, nothing overlapping, nothing left in the other language. --small also
writes those which README.md shows, small enough for a repository.
"""

import argparse
import asyncio
import io
import itertools
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.shown_lab import shown_lab
from tests.browsers import enter, go, running_chromium
from tests.whole import Whole

WIDTHS: Final = {390: 844, 820: 1180, 1440: 900}
SCHEMES: Final = ("dark", "light")
LOCALES: Final = {"de": "de-DE", "en": "en-GB"}  # last what README.md shows mostly: then sparklines are longest
PATIENCE_MS: Final = 20_000
QUIET_S: Final = 0.8  # until plots have been drawn anew for a width

Act = Callable[[Page], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where it is, what shows that it is there, and what is done there before the picture is taken."""

    name: str
    address: str
    waits_for: str
    act: Act | None = None


async def _press_hour(page: Page) -> None:
    await page.locator("fieldset.windows button").nth(3).click()


async def _week(page: Page) -> None:
    await _choose_time(page, 2)


async def _weeks(page: Page) -> None:
    await _choose_time(page, 3)


async def _choose_time(page: Page, preset: int) -> None:
    """And wait until it is told of all of it whether anything lacks."""
    await page.locator("fieldset.presets button").nth(preset).click()
    told = page.locator(".legend-table .of-instrument").filter(has=page.locator(".is-good, .is-warning"))
    await expect(told).to_have_count(await page.locator(".legend-table .of-instrument").count(), timeout=PATIENCE_MS)


async def _ask_dangerous(page: Page) -> None:
    await page.locator("form.command.is-dangerous button[type=submit]").click()


async def _note(page: Page) -> None:
    await page.locator(".toolbar button:has(span[aria-hidden])").last.click()


async def _open_menu(page: Page) -> None:
    await page.locator("header.top summary").click()


VIEWS: Final = (
    View(name="overview", address="#/", waits_for="article"),
    View(name="menu", address="#/", waits_for="article", act=_open_menu),
    View(name="plot", address="#/instrument/malting/kiln", waits_for=".plot canvas", act=_press_hour),
    View(name="note", address="#/instrument/malting/kiln", waits_for=".plot canvas", act=_note),
    View(name="balance", address="#/instrument/demo/balance", waits_for=".plot canvas"),
    View(name="control", address="#/instrument/malting/kiln/control", waits_for="form.command"),
    View(name="dangerous", address="#/instrument/malting/kiln/control", waits_for="form.command", act=_ask_dangerous),
    View(name="held", address="#/instrument/pi-1/steep/control", waits_for="form.command"),
    View(name="details", address="#/instrument/malting/kiln/details", waits_for=".details"),
    View(name="gone", address="#/instrument/pi-1/scale", waits_for=".instrument-head"),
    View(name="history", address="#/history?instruments=malting/kiln,malting/box", waits_for="canvas", act=_week),
    View(name="history-weeks", address="#/history?instruments=malting/kiln", waits_for="canvas", act=_weeks),
    View(name="history-none", address="#/history", waits_for="main h1"),
    View(name="health", address="#/health", waits_for="main h1"),
    View(name="agents", address="#/agents", waits_for="main h1"),
)
ALONE: Final = ("sign-in", "lost")  # before signing in, and at the end
# file name in docs/screenshots: view, width, scheme, how wide the picture is
SMALL: Final = {
    "overview.webp": ("overview", 1440, "light", 1200),
    "plot-dark.webp": ("plot", 1440, "dark", 1200),
    "control.webp": ("control", 820, "light", 820),
    "history.webp": ("history", 1440, "light", 1200),
    "overview-phone.webp": ("overview", 390, "dark", 390),
}


async def take(out: Path, wanted: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="kleinmaelzung-screenshots-") as directory:
        async with shown_lab(Path(directory)) as whole, running_chromium() as browser:
            for scheme, language in itertools.product(SCHEMES, LOCALES):
                context = await _context(browser, scheme, language)
                await _take_kind(context, whole, out, wanted, f"{scheme}-{language}")
                await context.close()


async def _take_kind(context: BrowserContext, whole: Whole, out: Path, wanted: Sequence[str], kind: str) -> None:
    page = await context.new_page()
    await page.goto(whole.running.url)
    await page.locator("input[name=user]").wait_for()
    if not wanted or "sign-in" in wanted:
        await _take_widths(page, out, f"sign-in-{kind}")
    await enter(page, whole.running.url, "admin", whole.running.password_file.read_text())
    await page.locator("article").first.wait_for(timeout=PATIENCE_MS)
    for view in VIEWS:
        if not wanted or view.name in wanted:
            await _take_view(page, view, out, kind)
    if not wanted or "lost" in wanted:
        await _take_lost(page, out, kind)


async def _context(browser: Browser, scheme: str, language: str) -> BrowserContext:
    return await browser.new_context(
        locale=LOCALES[language],
        timezone_id="Europe/Berlin",
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )


async def _take_view(page: Page, view: View, out: Path, kind: str) -> None:
    await go(page, view.address)
    await page.locator(view.waits_for).first.wait_for(timeout=PATIENCE_MS)
    if view.act is not None:
        await view.act(page)
    await _take_widths(page, out, f"{view.name}-{kind}")
    await page.keyboard.press("Escape")
    if view.name == "menu":
        await page.locator("main#content").click(position={"x": 2, "y": 2})


async def _take_lost(page: Page, out: Path, kind: str) -> None:
    await go(page, "#/")
    await page.locator("article").first.wait_for(timeout=PATIENCE_MS)
    await page.context.set_offline(True)
    await page.locator(".app.lost-connection").wait_for(timeout=PATIENCE_MS)
    await _take_widths(page, out, f"lost-{kind}")


async def _take_widths(page: Page, out: Path, name: str) -> None:
    for width, height in WIDTHS.items():
        await page.set_viewport_size({"width": width, "height": height})
        await asyncio.sleep(QUIET_S)
        await page.screenshot(path=out / f"{name}-{width}.png", full_page=True)
    print(name, file=sys.stderr, flush=True)


def shrink(out: Path, small: Path) -> None:
    """What README.md shows, English, the window's first height."""
    small.mkdir(parents=True, exist_ok=True)
    for name, (view, width, scheme, shown) in SMALL.items():
        with Image.open(out / f"{view}-{scheme}-en-{width}.png") as picture:
            seen = picture.crop((0, 0, width, min(picture.height, WIDTHS[width]))).convert("RGB")
            shrunk = seen.resize((shown, round(seen.height * shown / width)), Image.Resampling.LANCZOS)
        packed = io.BytesIO()
        shrunk.save(packed, "WEBP", quality=80, method=6)
        (small / name).write_bytes(packed.getvalue())
        print(f"{small / name}: {len(packed.getvalue()) / 1000:.0f} kB", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/screenshots", description="Pictures of every view, to be looked at.")
    parser.add_argument("--out", type=Path, default=Path("screenshots"), metavar="DIR", help="all of them")
    parser.add_argument("--small", type=Path, metavar="DIR", help="and those of README.md there, small")
    known = [*(view.name for view in VIEWS), *ALONE]
    parser.add_argument("views", nargs="*", metavar="VIEW", help=f"of {', '.join(known)}; all if none")
    arguments = parser.parse_args()
    if unknown := set(arguments.views) - set(known):
        parser.error(f"no view {', '.join(sorted(unknown))}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(arguments.out, arguments.views))
    if arguments.small:
        shrink(arguments.out, arguments.small)
    return 0


if __name__ == "__main__":
    sys.exit(main())
