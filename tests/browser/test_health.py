"""The health view in a real Chromium, against the whole system: what it says when parts go, and how complete all is."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from kleinmaelzung_wire import access
from kleinmaelzung_wire.rights import Rights, Role
from tests.browsers import enter, go, sign_in
from tests.doctors import away, frozen
from tests.fakes_instruments import Pty, Thermometer
from tests.whole import THERMOMETER, Whole

pytestmark = pytest.mark.asyncio(loop_scope="module")  # conftest.py says why
SOON = 30_000  # ms
LATER = 60_000  # what is found by asking, every 10 s
PASSWORD = "a-persons-password"


@asynccontextmanager
async def two_instruments(whole: Whole, directory: Path) -> AsyncIterator[Pty]:
    """pi-1/probe and pi-1/second; the second one's port."""
    with Pty(directory / "probe") as one, Pty(directory / "second") as other:
        for pty in (one, other):
            pty.plug()
            Thermometer(pty).start()
        ports = (("probe", one), ("second", other))
        tables = [THERMOMETER.format(name=name, port=pty.port, every="100ms") for name, pty in ports]
        await whole.start_agent(*tables)
        for name, _ in ports:
            await whole.until_state(f"pi-1/{name}", "connected")
        yield other


def link(page: Page, name: str) -> Locator:
    """Of the chain."""
    return page.locator(f'[data-link="{name}"]')


def needs(page: Page) -> Locator:
    return page.locator(".health-need")


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await is_so():
            await asyncio.sleep(0.1)


async def add_user(whole: Whole, name: str, role: Role, *instruments: str) -> None:
    answers = await whole.lab.access(access.add_user(name, PASSWORD, role, instruments))
    assert not any("error" in answer for answer in answers), answers
    await whole.lab.tell_rights(name, Rights(role=role, instruments=instruments))


async def test_without_a_logger_the_page_says_loudly_that_nothing_is_recorded(
    whole: Whole, page: Page, tmp_path: Path
) -> None:
    async with two_instruments(whole, tmp_path):
        await sign_in(page, whole)
        await go(page, "#/health")
        await expect(link(page, "logger")).to_contain_text("recording", timeout=SOON)
        await expect(link(page, "instruments")).to_contain_text("2 live", timeout=SOON)
        async with away(whole.running.children["logger"]):
            first = needs(page).first
            await expect(first).to_contain_text("nothing is recorded now", timeout=SOON)
            await expect(first).to_contain_text("Start kleinmaelzung-logger")
            await expect(first.get_by_role("img", name="broken")).to_be_visible()
            await expect(link(page, "logger")).to_contain_text("nothing is recorded")
            await expect(link(page, "gateway")).to_contain_text("running")
            await expect(page.get_by_text("No logger is there that could be asked.")).to_be_visible()
            await page.screenshot(path=tmp_path / "no-logger.png", full_page=True)
        await expect(link(page, "logger")).to_contain_text("recording", timeout=SOON)
        await expect(page.get_by_text("nothing is recorded")).to_have_count(0)


async def test_a_logger_that_hangs_is_not_taken_for_one_that_records(whole: Whole, page: Page) -> None:
    await sign_in(page, whole)
    await go(page, "#/health")
    await expect(link(page, "logger")).to_contain_text("recording", timeout=SOON)
    with frozen(whole.running.children["logger"].pid):
        # It is asked, and found not to answer; or the broker has given it up before that.
        await expect(needs(page).first).to_contain_text("nothing is recorded now", timeout=LATER)
    await expect(link(page, "logger")).to_contain_text("recording", timeout=LATER)


async def test_an_agent_that_was_stopped_and_an_instrument_that_was_unplugged_are_said_with_what_to_do(
    whole: Whole, page: Page, tmp_path: Path
) -> None:
    async with two_instruments(whole, tmp_path) as second:
        await sign_in(page, whole)
        await go(page, "#/health")
        agent = page.get_by_role("listitem", name="pi-1")
        await expect(agent).to_contain_text(f"Version{(await whole.status()).version}", timeout=SOON)
        await expect(agent).to_contain_text("Spool")
        await expect(agent).to_contain_text("Clock")
        second.unplug()
        unplugged = needs(page).filter(has_text="Instrument pi-1/second")
        await expect(unplugged).to_contain_text("Plug it in", timeout=SOON)
        await expect(link(page, "instruments")).to_contain_text("1 of 2 live")
        await page.screenshot(path=tmp_path / "unplugged.png", full_page=True)
        await whole.stop_agent()
        # One cause is one fault: of its instruments nothing more is said.
        await expect(needs(page).filter(has_text="Agent pi-1: was stopped")).to_contain_text(
            "Start kleinmaelzung-agent there again", timeout=SOON
        )
        await expect(unplugged).to_have_count(0)
        await expect(link(page, "agents")).to_contain_text("0 of 1 online")
        await page.screenshot(path=tmp_path / "stopped.png", full_page=True)


async def test_it_is_counted_how_complete_all_is_and_why_something_is_missing(
    own: Whole, page: Page, tmp_path: Path
) -> None:
    async with two_instruments(own, tmp_path) as second:
        await sign_in(page, own)

        async def is_logged() -> bool:
            count: int = await own.ask("SELECT count(DISTINCT channel) FROM samples")
            return count == 2

        await until(is_logged)
        await go(page, "#/health")
        table = page.locator(".completeness table")
        row = table.locator("tbody", has_text="pi-1/probe")
        await expect(row).to_contain_text(re.compile(r"(\d+) of \1, no gap"), timeout=SOON)
        await expect(row).to_contain_text("100\N{NO-BREAK SPACE}%")
        second.unplug()
        await own.until_state("pi-1/second", "searching")
        other = table.locator("tbody", has_text="pi-1/second")

        async def shows_pause() -> bool:
            await page.get_by_role("button", name="Count again").click()
            return "one pause in which nothing was taken" in await other.inner_text()

        await until(shows_pause)
        await other.get_by_role("button", name="Details of pi-1/second").click()
        await expect(other).to_contain_text("the port was lost")
        await expect(other).to_contain_text("No frame is missing.")
        await page.screenshot(path=tmp_path / "complete.png", full_page=True)
        await page.get_by_role("button", name="All", exact=True).click()
        await expect(other).to_contain_text("one pause", timeout=SOON)
        await page.evaluate("localStorage.setItem('kleinmaelzung.language', 'de')")
        await page.reload()
        await expect(row).to_contain_text("keine Lücke", timeout=SOON)
        await expect(page.get_by_role("heading", name="Vollständigkeit")).to_be_visible()


async def test_who_is_granted_one_instrument_sees_how_complete_that_one_is(
    whole: Whole, page: Page, tmp_path: Path
) -> None:
    async with two_instruments(whole, tmp_path):
        await add_user(whole, "anna", "observer", "pi-1/probe")
        await enter(page, whole.running.url, "anna", PASSWORD)
        await go(page, "#/health")
        rows = page.locator(".completeness tbody")
        await expect(rows).to_have_count(1, timeout=SOON)
        await expect(rows).to_contain_text("pi-1/probe")


async def test_a_gateway_that_is_gone_is_said_and_nothing_behind_it_is_known(whole: Whole, page: Page) -> None:
    await sign_in(page, whole)
    await go(page, "#/health")
    await expect(link(page, "database")).to_contain_text("answers", timeout=SOON)
    async with away(whole.running.children["gateway"]):
        await expect(needs(page).first).to_contain_text("This page: it is not connected to the server", timeout=SOON)
        await expect(link(page, "gateway")).to_contain_text("does not answer", timeout=SOON)
        await expect(link(page, "database")).to_contain_text("not known")
    await expect(link(page, "database")).to_contain_text("answers", timeout=LATER)
    await expect(page.get_by_text("not connected to the server")).to_have_count(0)
