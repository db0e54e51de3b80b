"""The overview in a real Chromium, against the whole system: what is shown as live, and what is not any more."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browsers import sign_in, signal_gateway
from tests.fakes_instruments import Pty, Thermometer
from tests.told_agents import ToldAgent, now_us, told_agent
from tests.whole import THERMOMETER, Whole

pytestmark = pytest.mark.asyncio(loop_scope="module")  # conftest.py says why
SOON = 30_000  # ms
LOST = "Connection lost: nothing here is live"
WIDTHS = (390, 820, 1440)


@asynccontextmanager
async def told(whole: Whole, name: str = "pi-2") -> AsyncIterator[ToldAgent]:
    async with told_agent(whole.running.url, whole.lab, name) as agent:
        yield agent


def card(page: Page, name: str) -> Locator:
    return page.locator("article", has=page.locator(f'a[href="#/instrument/{name}"]'))


def alarm(number: str, **more: Any) -> dict[str, Any]:
    plain = {"channel": "temperature", "kind": "high", "level": "alarm", "since": now_us(), "value": 85.5, "limit": 80}
    return {"id": number, **plain, "unit": "°C", "cause": "", "detail": "", "acknowledged": None, **more}


async def test_values_are_live_and_never_old_when_the_instrument_is_gone(
    whole: Whole, page: Page, tmp_path: Path
) -> None:
    with Pty(tmp_path / "probe") as pty:
        pty.plug()
        probe = Thermometer(pty).start()
        await whole.start_agent(THERMOMETER.format(name="probe", port=pty.port, every="100ms"))
        await sign_in(page, whole)
        shown = card(page, "pi-1/probe")
        await expect(shown).to_contain_text("23.45 °C", timeout=SOON)
        await expect(shown).to_contain_text("\N{BLACK CIRCLE} live")
        await expect(shown).not_to_contain_text("last value")
        probe.temperature = "+31.5"
        await expect(shown).to_contain_text("31.50 °C", timeout=SOON)  # as many decimals as it had before
        pty.unplug()
        await expect(shown).to_contain_text("\N{DOTTED CIRCLE} searching", timeout=SOON)
        await expect(shown).to_contain_text(re.compile(r"last value 31\.50 °C of \d"))
        await expect(shown).not_to_contain_text("\N{BLACK CIRCLE} live")
        await page.screenshot(path=tmp_path / "gone.png")
        pty.plug()
        probe.temperature = "+5.25"
        await expect(shown).to_contain_text("5.25 °C", timeout=SOON)
        await expect(shown).not_to_contain_text("last value")
        await whole.kill_agent()
        await expect(shown).to_contain_text("\N{WHITE CIRCLE} offline", timeout=SOON)
        await expect(shown).to_contain_text("last value 5.25 °C of")


async def test_a_connection_that_went_silent_is_said_and_what_was_missed_is_caught_up(
    whole: Whole, page: Page, tmp_path: Path
) -> None:
    async with told(whole) as agent:
        await agent.describe("kiln", {"name": "temperature", "unit": "°C"})
        await agent.stands("kiln", "connected")
        await agent.measures("kiln", temperature=64.2)
        await sign_in(page, whole)
        shown = card(page, "pi-2/kiln")
        await expect(shown).to_contain_text("64.2 °C", timeout=SOON)
        # Stopped, it takes what is sent and says nothing: for a browser nothing has happened.
        signal_gateway(whole, signal.SIGSTOP)
        await expect(page.get_by_text(LOST)).to_be_visible(timeout=SOON)
        await expect(page).to_have_title(re.compile("^Connection lost"))
        await expect(shown).to_contain_text("last value 64.2 °C of")
        await expect(shown).to_contain_text("\N{WHITE CIRCLE} connection lost")
        await expect(page.get_by_role("status").filter(has_text="instrument")).to_contain_text(
            "Last known: 1 instrument"
        )
        await page.screenshot(path=tmp_path / "lost.png")
        await agent.measures("kiln", temperature=70.1)
        await agent.describe("scale", {"name": "mass", "unit": "g"})
        await agent.stands("scale", "connected")
        await agent.measures("scale", mass=12)
        signal_gateway(whole, signal.SIGCONT)
        await expect(page.get_by_text(LOST)).to_be_hidden(timeout=30_000)
        await expect(shown).to_contain_text("70.1 °C", timeout=SOON)
        await expect(shown).not_to_contain_text("last value")
        await expect(card(page, "pi-2/scale")).to_contain_text("12 g", timeout=SOON)


async def test_a_network_that_is_gone_is_said_and_one_that_is_back_is_used(whole: Whole, page: Page) -> None:
    await sign_in(page, whole)
    await page.context.set_offline(True)
    await expect(page.get_by_text(LOST)).to_be_visible(timeout=SOON)
    await page.context.set_offline(False)
    await expect(page.get_by_text(LOST)).to_be_hidden(timeout=SOON)


async def test_who_holds_an_instrument_is_shown_until_it_is_released(whole: Whole, page: Page, tmp_path: Path) -> None:
    with Pty(tmp_path / "probe") as pty:
        pty.plug()
        Thermometer(pty).start()
        await whole.start_agent(THERMOMETER.format(name="probe", port=pty.port, every="100ms"))
        await whole.until_state("pi-1/probe", "connected")
        await sign_in(page, whole)
        shown = card(page, "pi-1/probe")
        await expect(shown).to_contain_text("23.45", timeout=SOON)
        async with whole.lab.control("pi-1/probe"):
            await expect(shown).to_contain_text("held by admin until", timeout=SOON)
        await expect(shown).not_to_contain_text("held by", timeout=SOON)
        assert (await whole.lab.send("pi-1/probe", "_take", duration_s=1)).result == "done"
        await expect(shown).to_contain_text("held by admin until", timeout=SOON)
        await expect(shown).not_to_contain_text("held by", timeout=SOON)


async def test_an_alarm_is_shown_by_word_and_shape_and_acknowledged_by_a_click(
    whole: Whole, page: Page, tmp_path: Path
) -> None:
    with Pty(tmp_path / "probe") as pty:
        pty.plug()
        probe = Thermometer(pty, temperature="+20.00").start()
        limits = "[instruments.probe.channels.temperature.alarm]\nhigh_warning = 70\nhigh_alarm = 80\n"
        await whole.start_agent(THERMOMETER.format(name="probe", port=pty.port, every="100ms") + limits)
        await sign_in(page, whole)
        alarms = page.get_by_role("list", name="Alarms of pi-1/probe")
        await expect(card(page, "pi-1/probe")).to_contain_text("20 °C", timeout=SOON)
        await expect(alarms).to_have_count(0)
        await expect(page).to_have_title("Kleinmaelzung")
        probe.temperature = "+75.00"
        await expect(alarms).to_contain_text("\N{BLACK DIAMOND} Warning", timeout=SOON)
        probe.temperature = "+85.50"
        await expect(alarms).to_contain_text("temperature: too high, 85.5 °C (limit 80 °C)", timeout=SOON)
        await expect(alarms).to_contain_text("\N{BLACK UP-POINTING TRIANGLE} Alarm")
        await expect(page).to_have_title("(1) Kleinmaelzung")
        await page.get_by_role("button", name="Acknowledge pi-1/probe").click()
        await expect(alarms).to_contain_text("acknowledged by admin", timeout=SOON)
        await expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
        await whole.kill_agent()
        await expect(alarms).to_contain_text("Last known: Alarm", timeout=SOON)
        await expect(page.get_by_role("region", name="What concerns several")).to_contain_text(
            "Agent pi-1 is offline: 1 instrument shows last known values, 1 last known alarm"
        )


async def test_alarms_of_one_cause_are_said_once_and_a_refused_acknowledgement_is_said(
    whole: Whole, page: Page, tmp_path: Path
) -> None:
    async with told(whole) as agent:
        for name in ("inlet", "oven", "outlet"):
            await agent.describe(name, {"name": "temperature", "unit": "°C"})
            await agent.stands(name, "searching", "/dev/ttyUSB0 is not there")
            lost = alarm(name, kind="silence", channel="", limit=300, cause="port /dev/ttyUSB0 lost")
            await agent.say(f"{name}/alarm", alarms=[lost], left_out=0)
        await sign_in(page, whole)
        once = page.get_by_role("region", name="What concerns several")
        await expect(once).to_contain_text("pi-2: port /dev/ttyUSB0 lost: 3 instruments", timeout=SOON)
        await expect(page.get_by_role("status").filter(has_text="instruments")).to_have_text(
            "3 instruments: 3 searching; 1 alarm"
        )
        await expect(page).to_have_title("(1) Kleinmaelzung")
        agent.answer = {"result": "refused", "reason": "nobody answers for it"}
        await once.get_by_role("button", name="Acknowledge all").click()
        await expect(once.get_by_role("alert")).to_have_text("Not acknowledged: nobody answers for it", timeout=SOON)
        await page.screenshot(path=tmp_path / "once.png")


async def test_instruments_are_found_by_words_and_states_and_what_is_hidden_is_said(whole: Whole, page: Page) -> None:
    async with told(whole) as agent:
        for number, state in enumerate(("connected", "connected", "silent", "error"), 1):
            await agent.describe(f"i{number}", {"name": "mass", "label": "Öl"}, label=f"Scale {number}")
            await agent.stands(f"i{number}", state)
        await sign_in(page, whole)
        cards = page.locator("article h2")
        await expect(cards).to_have_text(["Scale 4", "Scale 3", "Scale 1", "Scale 2"], timeout=SOON)
        await page.get_by_role("combobox", name="Order").select_option("name")
        await expect(cards).to_have_text(["Scale 1", "Scale 2", "Scale 3", "Scale 4"])
        search = page.get_by_role("searchbox")
        await search.fill("ol pi-2 SILENT")
        await expect(cards).to_have_text(["Scale 3"])
        await expect(page.get_by_text("1 of 4 shown")).to_be_visible()
        await page.reload()
        await expect(cards).to_have_text(["Scale 3"], timeout=SOON)
        await page.get_by_role("button", name="Show all").click()
        await expect(cards).to_have_text(["Scale 1", "Scale 2", "Scale 3", "Scale 4"])
        await expect(search).to_have_value("")
        await page.get_by_role("button", name="error 1").click()
        await page.get_by_role("button", name="silent 1").click()
        await expect(cards).to_have_text(["Scale 3", "Scale 4"])
        # A chip of which none is left hides nothing.
        await agent.stands("i3", "connected")
        await agent.stands("i4", "connected")
        await expect(cards).to_have_count(4, timeout=SOON)
        await cards.get_by_role("link", name="Scale 2").click()
        await expect(page).to_have_url(re.compile("#/instrument/pi-2/i2$"))


async def test_where_there_is_no_instrument_it_is_said_what_to_do(whole: Whole, page: Page) -> None:
    await sign_in(page, whole)
    await expect(page.get_by_role("heading", name="No instruments yet")).to_be_visible(timeout=SOON)
    await page.get_by_role("link", name="To the agents").click()
    await expect(page).to_have_url(re.compile("#/agents$"))


async def test_the_line_of_the_last_minutes_is_filled_from_the_log(whole: Whole, page: Page) -> None:
    async with told(whole) as agent:
        await agent.describe("kiln", {"name": "temperature", "unit": "°C"})
        await agent.stands("kiln", "connected")
        times = range(now_us() - 300_000_000, now_us(), 1_000_000)
        await agent.samples("kiln", times, {"temperature": [float(at % 7) for at, _ in enumerate(times)]})
        async with asyncio.timeout(20):
            while not await whole.logged():
                await asyncio.sleep(0.05)
        await agent.measures("kiln", temperature=3)
        await sign_in(page, whole)
        await page.wait_for_function(PAINTED, arg=0.3, timeout=SOON)


# Whether the line of the first card is longer than this share of its canvas.
PAINTED = """share => {
    const canvas = document.querySelector("article canvas");
    if (canvas === null) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const columns = Array.from({ length: canvas.width }, (_, x) => x);
    const rows = Array.from({ length: canvas.height }, (_, y) => y);
    const isPainted = x => rows.some(y => data[(y * canvas.width + x) * 4 + 3] > 0);
    return columns.filter(isPainted).length > share * canvas.width;
}"""


@pytest.mark.parametrize("width", WIDTHS)
async def test_hostile_names_units_and_values_are_text_and_the_layout_holds(
    whole: Whole, page: Page, tmp_path: Path, width: int
) -> None:
    html = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    await page.set_viewport_size({"width": width, "height": 900})
    async with told(whole) as agent:
        for name, text in (
            ("html", html),
            ("long", "W" * 10_000),
            ("right", "\N{RIGHT-TO-LEFT OVERRIDE}אבג abc " * 20),
        ):
            await agent.describe(name, {"name": "mass", "unit": text, "label": text}, {"name": "note"}, label=text)
            await agent.stands(name, "error", text[:500])
            await agent.measures(name, mass={"value": -1.2345e200, "unit": text, "quality": text[:500]}, note=text)
            await agent.say(f"{name}/alarm", alarms=[alarm("1", unit=text[:60], detail=text[:100])], left_out=0)
        await agent.describe("plain", {"name": "mass", "unit": "g"}, label="Plain")
        await agent.stands("plain", "connected")
        await agent.measures("plain", mass=12.5)
        await sign_in(page, whole)
        await expect(card(page, "pi-2/plain")).to_contain_text("12.5 g", timeout=SOON)
        await expect(page.get_by_role("heading", name=html)).to_be_visible()
        await expect(page.locator("img, main script")).to_have_count(0)
        await page.screenshot(path=tmp_path / f"hostile-{width}.png", full_page=True)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        boxes = [await card(page, f"pi-2/{name}").bounding_box() for name in ("html", "long", "right", "plain")]
        assert all(box is not None and box["x"] + box["width"] <= width and box["height"] < 900 for box in boxes)
        await expect(card(page, "pi-2/plain").get_by_text("12.5")).to_be_visible()


async def test_a_description_that_lacks_what_this_page_knows_hides_no_other_instrument(
    whole: Whole, page: Page
) -> None:
    async with told(whole) as agent:
        await agent.say("odd/description", driver="text")
        await agent.say("odd/state", state="connected", since=now_us())
        await agent.say("odd/alarm")
        await agent.describe("plain", {"name": "mass", "unit": "g"})
        await agent.stands("plain", "connected")
        await agent.measures("plain", mass=12.5)
        await sign_in(page, whole)
        await expect(card(page, "pi-2/plain")).to_contain_text("12.5 g", timeout=SOON)
        await expect(card(page, "pi-2/odd")).to_be_visible()


async def test_nothing_moves_while_values_change(whole: Whole, page: Page) -> None:
    async with told(whole) as agent:
        await agent.describe("scale", {"name": "mass", "unit": "g"}, {"name": "mean", "unit": "g"})
        await agent.stands("scale", "connected")
        await agent.measures("scale", mass=112.25, mean=112.5)
        await sign_in(page, whole)
        shown = card(page, "pi-2/scale")
        await expect(shown).to_contain_text("112.25 g", timeout=SOON)
        unit = shown.locator(".unit").first
        before = [await shown.bounding_box(), await unit.bounding_box()]
        await agent.measures("scale", mass={"value": 9.5, "unit": "g", "quality": "unstable"}, mean=9)
        await expect(shown).to_contain_text("9.50 g", timeout=SOON)
        await expect(shown).to_contain_text("quality: unstable")
        assert [await shown.bounding_box(), await unit.bounding_box()] == before
