"""An instrument's page against the whole system: live and logged values in one plot, gaps, marks, notes and files."""

import csv
import io
import itertools
import re
import struct
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from kleinmaelzung_wire import frames
from tests import sockets
from tests.browsers import sign_in
from tests.fakes_instruments import Pty, Thermometer
from tests.whole import THERMOMETER, Whole, whole_system

pytestmark = pytest.mark.asyncio(loop_scope="module")  # conftest.py says why
NUMBERS = itertools.count(1)
# On a busy machine it may be late, and is not silent for that.
PROBE = THERMOMETER.replace('silent_after = "1s"', 'silent_after = "20s"\nlabel = "Malt bed"')
SECOND_US = 1_000_000
SOON_MS = 30_000


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def wide(page: Page) -> None:
    await page.set_viewport_size({"width": 1440, "height": 1100})


@dataclass
class Probe(Thermometer):
    """Of agent pi-1; no other test's, for its plot shows what was logged."""

    name: str = ""


@pytest_asyncio.fixture(loop_scope="module")
async def probe(tmp_path: Path) -> AsyncIterator[Probe]:
    """It shows 23.45 °C."""
    with Pty(tmp_path / "probe") as pty:
        pty.plug()
        yield Probe(pty, name=f"probe{next(NUMBERS)}")


async def read(whole: Whole, probe: Probe) -> None:
    """Have it read, ten times a second."""
    probe.start()
    await whole.start_agent(PROBE.format(name=probe.name, port=probe.pty.port, every="100ms"))
    await whole.until_state(f"pi-1/{probe.name}", "connected")


async def open_instrument(page: Page, whole: Whole, probe: Probe) -> None:
    await read(whole, probe)
    await sign_in(page, whole)
    await page.goto(f"{whole.running.url}/#/instrument/pi-1/{probe.name}")
    await expect(page.get_by_role("heading", name="Malt bed")).to_be_visible(timeout=SOON_MS)


async def drawn(page: Page) -> int:
    count: int = await page.evaluate("window.kleinmaelzung?.drawn.plot ?? 0")
    return count


async def expect_drawn(page: Page, what: str) -> None:
    """What the plot says of itself."""
    await expect(page.get_by_role("img", name=re.compile(what))).to_be_visible(timeout=SOON_MS)


async def log_earlier(whole: Whole, name: str, minutes: int, values: list[float]) -> None:
    """Frames that were taken so long ago, one sample a second, as from an earlier run of the agent."""
    began = time.time_ns() // 1000 - minutes * 60 * SECOND_US
    url = whole.running.url.replace("http", "ws")
    before = await whole.logged()
    async with sockets.agent(url, "pi-1", await whole.secret()) as pi:
        for number, value in enumerate(values, 1):
            frame = frames.Frame(
                epoch=4711,
                number=number,
                times=(began + number * SECOND_US,),
                channels={"temperature": [value]},
                units={"temperature": "°C"},
                clock=frames.Clock(synchronised=True),
            )
            await pi.send("publish", f"{name}/data", frames.encode(frame))
        while await whole.logged() < before + len(values):
            await pi.connection.ping()


async def test_live_values_are_drawn_as_they_come(whole: Whole, page: Page, probe: Probe) -> None:
    await open_instrument(page, whole, probe)
    await expect(page.locator(".newest")).to_contain_text("23.45", timeout=SOON_MS)
    await expect_drawn(page, r"Plot of Malt bed .*temperature 23\.45 to 23\.45 °C")
    probe.temperature = "+31.50"
    await expect_drawn(page, r"temperature 23\.45 to 31\.5 °C")
    before = await drawn(page)
    await page.wait_for_function("before => window.kleinmaelzung.drawn.plot > before + 3", arg=before)


async def test_what_was_logged_before_the_page_was_opened_joins_what_comes_live(
    whole: Whole, page: Page, probe: Probe, tmp_path: Path
) -> None:
    await log_earlier(whole, probe.name, 30, [50.0] * 200 + [99.5] + [50.0] * 200)
    await open_instrument(page, whole, probe)
    await expect_drawn(page, r"temperature 23\.45 to 23\.45 °C")
    await page.get_by_role("button", name="1 h", exact=True).click()
    # One sample of an hour: thinned, it is still there.
    await expect_drawn(page, r"temperature 23\.45 to 99\.5 °C")
    await page.screenshot(path=tmp_path / "hour.png")
    plot = page.get_by_role("img", name="Plot of")
    box = await plot.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * 0.45, box["y"] + 100)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * 0.65, box["y"] + 100, steps=5)
    await page.mouse.up()
    await expect_drawn(page, r"temperature 50 to 99\.5 °C")
    await expect(page.get_by_role("button", name="Back to live")).to_be_visible()
    await page.get_by_text("Values as a table").click()
    await expect(page.get_by_role("row").filter(has_text="50").first).to_be_visible(timeout=SOON_MS)
    await page.screenshot(path=tmp_path / "zoomed.png")


async def test_paused_it_stays_and_back_to_live_it_goes_on(whole: Whole, page: Page, probe: Probe) -> None:
    await open_instrument(page, whole, probe)
    await expect_drawn(page, r"temperature 23\.45 to 23\.45 °C")
    plot = page.get_by_role("img", name="Plot of")
    await plot.focus()
    await page.keyboard.press("Space")
    await expect(page.get_by_role("button", name="Back to live")).to_be_visible()
    # The newest values come once a second at most; by the second one the words below the plot are those of the pause.
    for shown in ("38", "39"):
        probe.temperature = f"+{shown}.00"
        await expect(page.locator(".newest")).to_contain_text(shown, timeout=SOON_MS)
    paused = await plot.get_attribute("aria-label")
    probe.temperature = "+40.00"
    await expect(page.locator(".newest")).to_contain_text("40", timeout=SOON_MS)
    assert await plot.get_attribute("aria-label") == paused
    assert paused is not None
    assert "23.45 to 23.45" in paused
    await page.get_by_role("button", name="Back to live").click()
    await expect_drawn(page, r"to 40 °C")


async def test_a_gap_is_shown_with_its_reason_while_it_lasts_and_after(
    whole: Whole, page: Page, probe: Probe, tmp_path: Path
) -> None:
    await open_instrument(page, whole, probe)
    await expect_drawn(page, r"temperature 23\.45 to 23\.45 °C")
    probe.pty.unplug()
    await page.get_by_text("1 gap", exact=True).click(timeout=SOON_MS)
    gaps = page.get_by_role("listitem").filter(has_text="still lasts")
    await expect(gaps.first).to_contain_text(re.compile("not found|unplugged"), timeout=SOON_MS)
    probe.pty.plug()
    # With an end.
    told = page.get_by_role("listitem").filter(has_text=re.compile("\\d \N{EN DASH} \\d.*unplugged"))
    await expect(told.first).to_be_visible(timeout=SOON_MS)
    await expect_drawn(page, r"One gap\.")
    mark = page.get_by_role("button", name=re.compile("^Gap .*unplugged"))
    await mark.focus()
    await expect(page.get_by_role("tooltip")).to_contain_text("unplugged")
    await page.screenshot(path=tmp_path / "gap.png")


async def test_a_command_is_a_mark_that_says_who_and_what_became_of_it(whole: Whole, page: Page, probe: Probe) -> None:
    await open_instrument(page, whole, probe)
    await expect_drawn(page, r"temperature 23\.45")
    await whole.lab.send(f"pi-1/{probe.name}", "nonsense")
    mark = page.get_by_role("button", name=re.compile("Command nonsense by admin, refused"))
    await expect(mark).to_be_attached(timeout=SOON_MS)
    await mark.hover()
    await expect(page.get_by_role("tooltip")).to_contain_text("unknown command")


async def test_a_note_is_put_shown_and_withdrawn(whole: Whole, page: Page, probe: Probe, tmp_path: Path) -> None:
    await open_instrument(page, whole, probe)
    await expect_drawn(page, r"temperature 23\.45")
    await page.get_by_role("button", name="Note", exact=True).click()
    dialog = page.get_by_role("dialog", name="Put a note")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("alert")).to_have_text("Write what happened.")
    await dialog.get_by_label("What happened?").fill("cleaned <b>the</b> pan")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_have_count(0, timeout=SOON_MS)
    notes = page.get_by_role("region", name="Notes")
    await expect(notes).to_contain_text("cleaned <b>the</b> pan", timeout=SOON_MS)
    await expect(page.get_by_role("button", name=re.compile("Note by admin: cleaned"))).to_be_attached()
    await page.screenshot(path=tmp_path / "note.png")
    await notes.get_by_role("button", name="Withdraw").click()
    await page.get_by_label("Why is it withdrawn?").fill("it was the other one")
    await page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    await expect(notes).to_contain_text("withdrawn by admin: it was the other one", timeout=SOON_MS)
    await expect(page.get_by_role("button", name=re.compile("Note by admin"))).to_have_count(0)


async def test_what_is_shown_is_saved_as_csv_and_as_a_picture(
    whole: Whole, page: Page, probe: Probe, tmp_path: Path
) -> None:
    await open_instrument(page, whole, probe)
    await expect_drawn(page, r"temperature 23\.45")
    await page.get_by_role("button", name="Pause").click()
    async with page.expect_download(timeout=SOON_MS) as begun:
        await page.get_by_role("button", name="Save what is shown as CSV").click()
    file = await begun.value
    assert re.fullmatch(rf"pi-1_{probe.name}.*\.csv", file.suggested_filename)
    await file.save_as(tmp_path / "shown.csv")
    rows = list(csv.reader(io.StringIO((tmp_path / "shown.csv").read_text(encoding="utf-8-sig"))))
    assert sum("23.45" in row for row in rows) > 5
    async with page.expect_download(timeout=SOON_MS) as begun:
        await page.get_by_role("button", name="Save what is shown as PNG").click()
    picture = await begun.value
    assert re.fullmatch(rf"pi-1_{probe.name}_\d{{8}}T\d{{6}}Z\.png", picture.suggested_filename)
    await picture.save_as(tmp_path / "shown.png")
    width, height = struct.unpack(">II", (tmp_path / "shown.png").read_bytes()[16:24])
    assert (width, height) > (1200, 560)


async def test_channels_are_hidden_and_shown_by_keyboard_alone(whole: Whole, page: Page, probe: Probe) -> None:
    await open_instrument(page, whole, probe)
    await expect_drawn(page, r"temperature 23\.45")
    channel = page.get_by_role("list", name="Channels").get_by_role("button", name="temperature")
    await channel.focus()
    await page.keyboard.press("Enter")
    await expect(channel).to_have_attribute("aria-pressed", "false")
    await expect_drawn(page, r"Nothing was measured in this time")
    await page.keyboard.press("Enter")
    await expect_drawn(page, r"temperature 23\.45")
    plot = page.get_by_role("img", name="Plot of")
    await plot.focus()
    await page.keyboard.press("Shift+ArrowLeft")
    await expect(page.locator(".readout")).to_contain_text("°C", timeout=SOON_MS)


async def test_after_a_lost_connection_the_plot_has_what_came_meanwhile(whole: Whole, page: Page, probe: Probe) -> None:
    await open_instrument(page, whole, probe)
    await expect_drawn(page, r"temperature 23\.45 to 23\.45 °C")
    await page.context.set_offline(True)
    await expect(page.get_by_text("Connection lost: nothing here is live")).to_be_visible(timeout=SOON_MS)
    before = await whole.logged()
    probe.temperature = "+77.25"
    while await whole.logged() < before + 30:
        await page.wait_for_timeout(20)
    probe.temperature = "+23.45"
    await page.context.set_offline(False)
    await expect(page.get_by_text("Connection lost: nothing here is live")).to_have_count(0, timeout=SOON_MS)
    await expect_drawn(page, r"temperature 23\.45 to 77\.25 °C")


async def test_the_public_view_has_the_plot_and_no_files(page: Page, probe: Probe, tmp_path: Path) -> None:
    async with whole_system(tmp_path, public_view=True) as whole:
        await read(whole, probe)
        await page.goto(f"{whole.running.url}/#/instrument/pi-1/{probe.name}")
        await expect_drawn(page, r"temperature 23\.45 to 23\.45 °C")
        await expect(page.get_by_role("button", name=re.compile("CSV"))).to_have_count(0)
        await expect(page.get_by_text("Sign in to save files.")).to_be_visible()
        await expect(page.get_by_role("button", name="Note", exact=True)).to_have_count(0)
