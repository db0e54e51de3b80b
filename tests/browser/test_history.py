"""The page's history view against the whole system: weeks at once, no peak lost, several instruments over one time."""

import csv
import io
import math
import re
import struct
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from kleinmaelzung_services.logger import batch, store
from kleinmaelzung_services.logger.batch import Arrival
from kleinmaelzung_wire import frames, topics
from kleinmaelzung_wire.descriptions import Channel, Description
from kleinmaelzung_wire.frames import Clock, Frame, Value
from kleinmaelzung_wire.gaps import Gap
from kleinmaelzung_wire.messages import State
from tests import sockets
from tests.browsers import go, opened_page, sign_in
from tests.whole import Whole, whole_system

pytestmark = pytest.mark.asyncio(loop_scope="module")  # conftest.py says why
S = 1_000_000
DAY = 86_400 * S
STEP = 60 * S
IN_FRAME = 200
WEEKS = 5 * 7 * DAY
NOW = time.time_ns() // 1000 // STEP * STEP
PEAK = NOW - 12 * DAY - 7 * STEP  # of one sample
PEAK_C = 97.25
GAP = (NOW - 20 * DAY, NOW - 19 * DAY)
SOON_MS = 30_000
KILN, CELLAR, QUIET = "pi-1/kiln", "pi-1/cellar", "pi-1/quiet"
CHANNELS = {
    KILN: [Channel(name="temperature", unit="°C"), Channel(name="heater"), Channel(name="program")],
    CELLAR: [Channel(name="temperature", unit="°C"), Channel(name="humidity", unit="%")],
    QUIET: [Channel(name="mass", unit="g")],
}


def kiln(times: Sequence[int]) -> dict[str, list[Value]]:
    warm = [round(40 + 20 * math.sin(time / DAY), 2) for time in times]
    temperature: list[Value] = [PEAK_C if at == PEAK else one for at, one in zip(times, warm, strict=True)]
    return {
        "temperature": temperature,
        "heater": [index % 4 == 0 for index in range(len(times))],
        "program": ["kilning" for _ in times],
    }


def cellar(times: Sequence[int]) -> dict[str, list[Value]]:
    return {
        "temperature": [round(11 + math.sin(time / DAY), 2) for time in times],
        "humidity": [round(80 + 5 * math.cos(time / DAY), 1) for time in times],
    }


def recorded(instrument: str) -> Iterator[Frame]:
    """Weeks of it, a sample each minute; the cellar's port was lost for a day."""
    number, told = 0, False
    for first in range(NOW - WEEKS, NOW - IN_FRAME * STEP, IN_FRAME * STEP):
        times = tuple(range(first, first + IN_FRAME * STEP, STEP))
        if instrument == CELLAR and times[-1] > GAP[0] and times[0] < GAP[1]:
            continue
        number += 1
        gone = instrument == CELLAR and times[0] >= GAP[1] and not told
        told = told or gone
        lost = Gap(reason="port lost", since=GAP[0], until=GAP[1], detail="/dev/ttyUSB0")
        yield Frame(
            epoch=7,
            number=number,
            times=times,
            channels=kiln(times) if instrument == KILN else cellar(times),
            units={channel.name: channel.unit for channel in CHANNELS[instrument] if channel.unit},
            clock=Clock(synchronised=True),
            records=[lost.to_record()] if gone else [],
        )


async def log(dsn: str) -> None:
    """Store weeks as the logger does."""
    async with store.open_store(dsn) as opened:
        for instrument in (KILN, CELLAR):
            topic = topics.instrument(*topics.split_full_name(instrument), "data")
            arrivals = [Arrival(topic, frames.encode(frame), frame.times[-1]) for frame in recorded(instrument)]
            await opened.write(list(batch.sort_arrivals(arrivals, NOW)))


@asynccontextmanager
async def described(whole: Whole) -> AsyncIterator[None]:
    """Its agent is there and says what it has."""
    url = whole.running.url.replace("http", "ws", 1)
    async with sockets.agent(url, "pi-1", await whole.secret()) as agent:
        for instrument, channels in CHANNELS.items():
            name = instrument.partition("/")[2]
            await agent.send("publish", f"{name}/description", Description(channels=channels, driver="fake").encode())
            await agent.send("publish", f"{name}/state", State(state="connected", since=NOW - WEEKS).encode())
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Whole]:
    """Weeks, which no test changes."""
    async with whole_system(tmp_path_factory.mktemp("weeks")) as running, described(running):
        await log(running.running.dsn)
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def page(whole: Whole, chromium: Browser) -> AsyncIterator[Page]:
    """Signed in."""
    async with opened_page(chromium, locale="en-GB") as opened:
        await opened.set_viewport_size({"width": 1440, "height": 1300})
        await sign_in(opened, whole)
        yield opened


def table(page: Page) -> Locator:
    return page.get_by_role("table", name="What is shown")


def row(page: Page, instrument: str, channel: str) -> Locator:
    """Of the table: a channel's figures."""
    switch = page.get_by_role("checkbox", name=f"Show {instrument}, {channel}", exact=True)
    return table(page).get_by_role("row").filter(has=switch)


async def shown(page: Page, *instruments: str, **more: str) -> None:
    asked = "&".join(f"{key}={value}" for key, value in more.items())
    await go(page, f"#/history?instruments={','.join(instruments)}&{asked}")


async def has_come(page: Page) -> None:
    """What is shown is the answer for just that time."""
    await expect(page.get_by_text(re.compile("^Loading"))).to_have_count(0, timeout=SOON_MS)
    await expect(page.get_by_text("coarse, finer is coming")).to_have_count(0, timeout=SOON_MS)
    await expect(table(page)).to_be_visible()


async def drag(page: Page, begin: float, end: float) -> None:
    """Over a part of the plot's width."""
    box = await page.locator(".panels canvas").first.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    await page.mouse.move(box["x"] + box["width"] * begin, y)
    await page.mouse.down()
    await page.mouse.move(box["x"] + box["width"] * (begin + end) / 2, y, steps=3)
    await page.mouse.move(box["x"] + box["width"] * end, y, steps=3)
    await page.mouse.up()


async def span_us(page: Page) -> int:
    """From and to of the address."""
    found: list[float] = await page.evaluate(
        """() => { const asked = new URLSearchParams(location.hash.split("?")[1]);
                   return ["from", "to"].map((name) => Date.parse(asked.get(name))); }"""
    )
    return int((found[1] - found[0]) * 1000)


async def test_the_peak_of_one_sample_is_the_maximum_of_four_weeks_and_stays_it_however_close_one_looks(
    page: Page, tmp_path: Path
) -> None:
    await shown(page, KILN, **{"from": "28d"})
    await has_come(page)
    cells = row(page, KILN, "temperature").get_by_role("cell")
    await expect(cells).to_contain_text(["°C", "20.00", "", "97.25", ""])
    samples = int((await cells.last.inner_text()).replace(",", ""))
    assert 28 * DAY // STEP - 2 * IN_FRAME <= samples <= 28 * DAY // STEP
    await page.screenshot(path=tmp_path / "weeks.png")
    await assert_peak_is_drawn(page)
    weeks = await page.evaluate("location.hash")
    await drag(page, 0.5, 0.66)
    await page.wait_for_function("before => location.hash !== before", arg=weeks)
    assert await span_us(page) < 6 * DAY
    await has_come(page)
    await expect(cells).to_contain_text(["°C", "", "", "97.25", ""])
    await page.go_back()
    await page.wait_for_function("before => location.hash === before", arg=weeks)
    await has_come(page)
    await assert_peak_is_drawn(page)
    plot = page.get_by_role("img", name=re.compile("^Plot of"))
    await plot.focus()
    await page.keyboard.press("Shift+ArrowRight")
    readout = page.locator(".history-readout")
    await expect(readout).to_contain_text(re.compile(r"\d\d\.\d\d … \d\d\.\d\d … \d\d\.\d\d °C"))
    await page.keyboard.press("Escape")
    await expect(readout).to_have_count(0)
    await shown(page, KILN, **{"from": stamp(PEAK - 600 * S), "to": stamp(PEAK + 600 * S)})
    await has_come(page)
    await expect(cells).to_contain_text(["°C", "", "", "97.25", "20"])
    await plot.focus()
    await page.keyboard.press("+")
    await page.wait_for_function("before => location.hash !== before", arg=await page.evaluate("location.hash"))
    await has_come(page)
    await expect(cells).to_contain_text(["°C", "", "", "97.25", "10"])
    await page.screenshot(path=tmp_path / "close.png")


def stamp(us: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(us // S))


async def assert_peak_is_drawn(page: Page) -> None:
    """Where it was, 12 of 28 days before the plot's end."""
    # The highest point of the plot that has a colour of the line, as a share of its width.
    place: float = await page.evaluate(
        """() => {
            const canvas = document.querySelector(".panels canvas");
            const ctx = canvas.getContext("2d");
            const { data, width, height } = ctx.getImageData(0, 0, canvas.width, canvas.height);
            for (let y = 24; y < height; y += 1) {
                for (let x = 80; x < width - 20; x += 1) {
                    const at = 4 * (y * width + x);
                    const [red, green, alpha] = [data[at], data[at + 1], data[at + 3]];
                    if (alpha > 100 && green - red > 50) return x / width;
                }
            }
            return -1;
        }"""
    )
    assert place == pytest.approx(1 - 12 / 28, abs=0.05)


async def test_instruments_lie_over_each_other_with_their_gaps_and_reasons(page: Page, tmp_path: Path) -> None:
    await go(page, "#/history")
    await page.get_by_role("searchbox", name="Search instruments").fill("pi-1")
    for name in ("kiln", "cellar"):
        await page.locator("#instrument-list").get_by_role("checkbox", name=f"pi-1/{name}").check()
    await page.get_by_role("button", name="4 weeks", exact=True).click()
    await has_come(page)
    await expect(row(page, KILN, "temperature")).to_be_visible()
    await expect(row(page, CELLAR, "humidity").get_by_role("cell")).to_contain_text(["%", "75.0", "", "85.0", ""])
    # Booleans as the share that is true, texts counted: said, not drawn as something else.
    await expect(row(page, KILN, "heater")).to_contain_text("yes in 25")
    await expect(table(page).get_by_role("row", name=re.compile("^program"))).to_contain_text(
        "text: counted, not drawn"
    )
    heads = table(page).get_by_role("rowheader")
    await expect(heads.filter(has_text=KILN)).to_contain_text("no gap")
    await expect(heads.filter(has_text=CELLAR)).to_contain_text("1 gap")
    await page.get_by_text("Gaps in this time (1)").click()
    await expect(page.locator(".gap-list")).to_contain_text("the port was lost")
    await page.screenshot(path=tmp_path / "overlay.png", full_page=True)
    await row(page, CELLAR, "humidity").get_by_role("checkbox").uncheck()
    assert "hide=pi-1/cellar/humidity" in await page.evaluate("decodeURIComponent(location.hash)")
    await page.reload()
    await has_come(page)
    await expect(row(page, CELLAR, "humidity").get_by_role("checkbox")).not_to_be_checked()
    await expect(row(page, CELLAR, "temperature").get_by_role("checkbox")).to_be_checked()
    await shown(page, KILN, QUIET, **{"from": "28d"})
    await has_come(page)
    await expect(heads.filter(has_text=QUIET)).to_contain_text("ever been logged")
    await expect(row(page, KILN, "temperature")).to_contain_text("97.25")


async def test_all_that_was_recorded_a_batch_and_files_of_what_is_shown(
    page: Page, whole: Whole, tmp_path: Path
) -> None:
    await shown(page, KILN, **{"from": "all"})
    await has_come(page)
    count = len(range(NOW - WEEKS, NOW - IN_FRAME * STEP, IN_FRAME * STEP)) * IN_FRAME
    await expect(row(page, KILN, "temperature").get_by_role("cell").last).to_have_text(f"{count:,}")
    await shown(page, KILN, CELLAR, **{"from": "28d"})
    await has_come(page)
    await page.get_by_text("Save", exact=False).first.click()
    async with page.expect_download() as coming:
        await page.get_by_role("button", name=f"CSV: {KILN}").click()
    content = Path(await (await coming.value).path()).read_text()
    maxima = [
        float(value)
        for line in csv.DictReader(io.StringIO(content))
        for key, value in line.items()
        if key and key.startswith("temperature") and "max" in key and value
    ]
    assert max(maxima) == PEAK_C
    async with page.expect_download() as coming:
        await page.get_by_role("button", name="Picture (PNG)").click()
    picture = Path(await (await coming.value).path()).read_bytes()
    (tmp_path / "saved.png").write_bytes(picture)
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24])[0] >= 1200
    url = whole.running.url.replace("http", "ws", 1)
    async with sockets.client(url, "admin", whole.running.password_file.read_text()) as socket:
        asked = {"request": "batch-start", "instrument": "+/+", "name": "Pilsner 7", "instruments": [KILN, CELLAR]}
        kind, *_ = await socket.ask("request", 1, "batches", {**asked, "at": NOW - 14 * DAY})
        assert kind == "done"
        ending = {"request": "batch-end", "instrument": "+/+", "name": "Pilsner 7", "at": NOW - 10 * DAY}
        kind, *_ = await socket.ask("request", 2, "batches", ending)
        assert kind == "done"
    await go(page, "#/history")
    await page.reload()
    await page.get_by_label("Batch").select_option("Pilsner 7")
    await has_come(page)
    assert await span_us(page) == 4 * DAY
    await expect(row(page, KILN, "temperature")).to_contain_text("97.25")
    await expect(row(page, CELLAR, "temperature")).to_be_visible()


async def test_the_public_view_has_no_history(chromium: Browser, tmp_path: Path) -> None:
    async with whole_system(tmp_path, public_view=True) as running, opened_page(chromium, locale="en-GB") as page:
        await page.goto(f"{running.running.url}/#/history")
        await expect(page.get_by_text("The public view has no history")).to_be_visible(timeout=SOON_MS)
        await expect(page.get_by_role("table")).to_have_count(0)
