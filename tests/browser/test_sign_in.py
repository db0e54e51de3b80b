"""Signing in and out in a real Chromium, against the whole system; what of it outlives a reload, and what does not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from kleinmaelzung_wire import access
from kleinmaelzung_wire.rights import Role
from tests.browsers import enter, sign_in, signal_gateway
from tests.fakes_instruments import Pty, Thermometer
from tests.whole import THERMOMETER, Whole, whole_system

pytestmark = pytest.mark.asyncio(loop_scope="module")  # conftest.py says why
SOON = 30_000  # ms
PASSWORD = "a-persons-password"
KEPT = "() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])"


@asynccontextmanager
async def one_instrument(whole: Whole, directory: Path) -> AsyncIterator[None]:
    """pi-1/probe, a thermometer that shows 23.45 °C."""
    with Pty(directory / "probe") as pty:
        pty.plug()
        Thermometer(pty).start()
        await whole.start_agent(THERMOMETER.format(name="probe", port=pty.port, every="100ms"))
        yield


async def add_user(whole: Whole, name: str, role: Role) -> None:
    answers = await whole.lab.access(access.add_user(name, PASSWORD, role))
    assert not any("error" in answer for answer in answers), answers


async def test_the_one_time_link_signs_in_and_leaves_the_address_bar(own: Whole, page: Page, tmp_path: Path) -> None:
    assert own.running.login_link is not None
    async with one_instrument(own, tmp_path):
        await page.goto(own.running.login_link)
        await expect(page.get_by_text("Connected as admin")).to_be_visible(timeout=SOON)
        await expect(page.get_by_text("23.45")).to_be_visible(timeout=SOON)
        assert page.url == own.running.url + "/"
        assert "login" not in str(await page.evaluate("[location.href, document.referrer, history.length]"))
        password = own.running.password_file.read_text()
        await expect(page.get_by_text("kleinmaelzung user password admin")).to_be_visible()
        await expect(page.get_by_text(password)).to_have_count(0)
        await page.get_by_role("button", name="Show the password").click()
        await expect(page.get_by_text(password)).to_be_visible()
        # Whoever has not noted it down has it still, whatever happens, until they put it away.
        signal_gateway(own)
        await expect(page.get_by_text("Connection lost: nothing here is live")).to_be_visible(timeout=SOON)
        await expect(page.get_by_text("Connection lost: nothing here is live")).to_be_hidden(timeout=30_000)
        await expect(page.get_by_text(password)).to_be_visible()
        await page.reload()
        await page.get_by_role("button", name="Show the password").click(timeout=SOON)
        await expect(page.get_by_text(password)).to_be_visible()
        await page.screenshot(path=tmp_path / "password.png")
        await page.get_by_role("button", name="Close").click()
        await expect(page.get_by_text(password)).to_have_count(0)
        await page.reload()
        await expect(page.get_by_text("Connected as admin")).to_be_visible(timeout=SOON)
        await expect(page.get_by_role("button", name="Show the password")).to_have_count(0)


async def test_a_link_that_was_used_is_said_to_be_where_one_signs_in(own: Whole, page: Page) -> None:
    assert own.running.login_link is not None
    await page.goto(own.running.login_link)
    await expect(page.get_by_text("Connected as admin")).to_be_visible(timeout=SOON)
    await page.get_by_role("button", name="Sign out").click()
    await page.goto("about:blank")
    await page.goto(own.running.login_link)
    await expect(page.get_by_role("alert")).to_contain_text("This link was used already", timeout=SOON)
    # A link that is opened in a page that is open: no new page is loaded.
    await page.goto(own.running.url + "/#login=wrong")
    await expect(page.get_by_role("alert")).to_contain_text("used already", timeout=SOON)
    assert page.url == own.running.url + "/"
    await sign_in(page, own)


async def test_a_wrong_password_is_said_and_what_was_typed_stays(whole: Whole, page: Page) -> None:
    await page.goto(whole.running.url)
    await page.get_by_label("Name").fill("admin")
    await page.get_by_label("Password").fill("wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("wrong", timeout=SOON)
    await expect(page.get_by_label("Name")).to_have_value("admin")
    await expect(page.get_by_label("Password")).to_be_focused()
    await page.get_by_label("Password").fill(whole.running.password_file.read_text())
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=SOON)


async def test_the_session_outlives_a_reload_and_no_sign_out(whole: Whole, page: Page) -> None:
    password = whole.running.password_file.read_text()
    await sign_in(page, whole)
    await page.reload()
    await expect(page.get_by_text("Connected as admin")).to_be_visible(timeout=SOON)
    # Also where the server is away just then.
    signal_gateway(whole)
    await expect(page.get_by_text("Connection lost")).to_be_visible(timeout=SOON)
    await expect(page.get_by_text("Connection lost")).to_be_hidden(timeout=30_000)
    assert password in await page.evaluate(KEPT)
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Password")).to_be_visible()
    assert password not in await page.evaluate(KEPT)
    await page.reload()
    await expect(page.get_by_label("Password")).to_be_visible()
    await expect(page.get_by_label("Password")).to_have_value("")


async def test_another_tab_has_to_sign_in_for_itself(whole: Whole, page: Page) -> None:
    await sign_in(page, whole)
    other = await page.context.new_page()
    await other.goto(whole.running.url)
    await expect(other.get_by_label("Password")).to_be_visible(timeout=SOON)


async def test_whose_password_was_changed_is_asked_for_it_and_nothing_is_kept(whole: Whole, page: Page) -> None:
    await add_user(whole, "anna", "operator")
    await enter(page, whole.running.url, "anna", PASSWORD)
    answers = await whole.lab.access([{"command": "setClientPassword", "username": "anna", "password": "another"}])
    assert not any("error" in answer for answer in answers), answers
    await page.reload()
    await expect(page.get_by_role("alert")).to_contain_text("wrong", timeout=SOON)
    assert PASSWORD not in await page.evaluate(KEPT)


async def test_name_and_role_are_shown(whole: Whole, page: Page) -> None:
    await add_user(whole, "anna", "observer")
    await enter(page, whole.running.url, "anna", PASSWORD)
    await expect(page.get_by_text("Connected as anna")).to_be_visible(timeout=SOON)
    await page.locator("summary").filter(has_text="anna").click()
    await expect(page.get_by_text("Role:")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_text("Role:")).to_be_hidden()


async def test_the_public_view_shows_instruments_to_whoever_comes(page: Page, tmp_path: Path) -> None:
    async with whole_system(tmp_path, public_view=True) as whole, one_instrument(whole, tmp_path):
        await page.goto(whole.running.url)
        await expect(page.get_by_text("Public view", exact=True).first).to_be_visible(timeout=SOON)
        await expect(page.get_by_text("23.45")).to_be_visible(timeout=SOON)
        await expect(page.get_by_role("link", name="History")).to_have_count(0)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_text("23.45")).to_be_hidden()
        await page.get_by_role("button", name="Back to the public view").click()
        await expect(page.get_by_label("Password")).to_be_hidden()
        await expect(page.get_by_text("23.45")).to_be_visible(timeout=SOON)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_label("Name").fill("admin")
        await page.get_by_label("Password").fill(whole.running.password_file.read_text())
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_text("Connected as admin")).to_be_visible(timeout=SOON)
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_text("Public view", exact=True).first).to_be_visible(timeout=SOON)
        await page.reload()
        await expect(page.get_by_text("Public view", exact=True).first).to_be_visible(timeout=SOON)


async def test_language_and_colours_are_kept_and_can_be_chosen_before_signing_in(whole: Whole, page: Page) -> None:
    await page.goto(whole.running.url)
    await page.get_by_label("Language").select_option("de")
    await page.get_by_label("Farben").select_option("dark")
    await expect(page.get_by_role("button", name="Anmelden")).to_be_visible()
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("lang", "de")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await enter(page, whole.running.url, "admin", whole.running.password_file.read_text())
    await page.get_by_role("button", name="Abmelden").click()
    await expect(page.get_by_role("button", name="Anmelden")).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
