"""Chromium, as the browser tests use it: a page that fails its test for what it must never do, and signing in."""

import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Dialog, Page, async_playwright, expect

from tests.whole import Whole

# On two cores that do other work beside, what comes at once elsewhere may take far longer.
expect.set_options(timeout=20_000)
# Without these Chromium looks for its maker's servers at each start.
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


@asynccontextmanager
async def running_chromium(*more: str) -> AsyncIterator[Browser]:
    """As long as the context lasts; with `more` of its flags."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "no Chromium on this machine: sudo apt-get install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, *more])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def opened_page(browser: Browser, **settings: Any) -> AsyncIterator[Page]:
    """An empty page with Playwright's settings of a context. A script's mistake, what the page's policy had to forbid,
    or a dialog of the browser's own fails the test."""
    context = await browser.new_context(**settings)
    page = await context.new_page()
    mistakes: list[str] = []

    def note_console(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            mistakes.append(message.text)

    async def note_dialog(dialog: Dialog) -> None:
        mistakes.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    page.on("pageerror", lambda error: mistakes.append(f"{error}\n{error.stack}"))
    page.on("console", note_console)
    page.on("dialog", note_dialog)
    try:
        yield page
    except BaseException as error:
        error.add_note(f"the page's mistakes: {mistakes}")
        raise
    await context.close()
    assert mistakes == []


async def sign_in(page: Page, whole: Whole, password: str = "", user: str = "admin") -> None:
    """As the first admin unless told otherwise."""
    await enter(page, whole.running.url, user, password or whole.running.password_file.read_text())
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=30_000)


async def enter(page: Page, url: str, user: str, password: str) -> None:
    """Sign in, whatever the page's language is."""
    await page.goto(url)
    await page.locator("input[name=user]").fill(user)
    await page.locator("input[name=password]").fill(password)
    await page.locator("button[type=submit]").click()
    await page.locator("main#content").wait_for(timeout=30_000)


async def go(page: Page, address: str) -> None:
    """To a view, by what follows # in its address; the page is not loaded anew."""
    await page.evaluate("address => { location.hash = address; }", address)


def signal_gateway(whole: Whole, number: signal.Signals = signal.SIGKILL) -> None:
    """Killed, the gateway is started again by `up`."""
    pid = whole.running.children["gateway"].pid
    assert pid is not None
    os.kill(pid, number)
