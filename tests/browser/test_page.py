"""The page at `/` in a real Chromium, against the whole system."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.fakes_instruments import Pty, Thermometer
from tests.whole import THERMOMETER, Whole, whole_system

# Without these Chromium looks for its maker's servers at each start.
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


@pytest.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole_system(tmp_path) as running:
        yield running


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    """An empty page; fails the test when the page's script does."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "no Chromium on this machine: sudo apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        opened = await browser.new_page()
        mistakes: list[str] = []
        opened.on("pageerror", lambda error: mistakes.append(str(error)))
        yield opened
        await browser.close()
        assert mistakes == []


async def sign_in(page: Page, whole: Whole, password: str) -> None:
    await page.goto(whole.running.url)
    await page.get_by_label("Name").fill("admin")
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def test_values_are_live_and_never_old_when_the_instrument_is_gone(
    whole: Whole, page: Page, tmp_path: Path
) -> None:
    with Pty(tmp_path / "probe") as pty:
        pty.plug()
        probe = Thermometer(pty).start()
        await whole.start_agent(THERMOMETER.format(name="probe", port=pty.port, every="100ms"))
        await sign_in(page, whole, whole.running.password_file.read_text())
        await expect(page.get_by_text("pi-1/probe")).to_be_visible(timeout=15_000)
        await expect(page.get_by_text("23.45")).to_be_visible(timeout=15_000)
        probe.temperature = "+31.5"
        await expect(page.get_by_text("31.5")).to_be_visible(timeout=15_000)
        await page.screenshot(path=tmp_path / "live.png")
        pty.unplug()
        await expect(page.get_by_text("searching")).to_be_visible(timeout=15_000)
        await page.screenshot(path=tmp_path / "gone.png")
        pty.plug()
        probe.temperature = "+5.25"
        await expect(page.get_by_text("5.25")).to_be_visible(timeout=15_000)


async def test_a_wrong_password_is_said_and_the_right_one_lets_in(whole: Whole, page: Page) -> None:
    await sign_in(page, whole, "wrong")
    await expect(page.get_by_role("alert")).to_contain_text("wrong", timeout=15_000)
    await sign_in(page, whole, whole.running.password_file.read_text())
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=15_000)
