"""The page at `/` in a real Chromium, against the whole system."""

import os
import re
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.fakes_instruments import Pty, Thermometer
from tests.newcomers import Machine
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


@asynccontextmanager
async def one_instrument(whole: Whole, directory: Path) -> AsyncIterator[None]:
    """pi-1/probe, a thermometer that shows 23.45 °C."""
    with Pty(directory / "probe") as pty:
        pty.plug()
        Thermometer(pty).start()
        await whole.start_agent(THERMOMETER.format(name="probe", port=pty.port, every="100ms"))
        yield


async def test_the_one_time_link_signs_in_and_leaves_the_address_bar(whole: Whole, page: Page, tmp_path: Path) -> None:
    assert whole.running.login_link is not None
    async with one_instrument(whole, tmp_path):
        await page.goto(whole.running.login_link)
        await expect(page.get_by_text("Connected as admin")).to_be_visible(timeout=15_000)
        await expect(page.get_by_text("23.45")).to_be_visible(timeout=15_000)
        assert page.url == whole.running.url + "/"
        assert "login" not in str(await page.evaluate("[location.href, document.referrer, history.length]"))
        password = whole.running.password_file.read_text()
        await expect(page.get_by_text("kleinmaelzung user password admin")).to_be_visible()
        await expect(page.get_by_text(password)).to_have_count(0)
        await page.screenshot(path=tmp_path / "link.png")
        await page.get_by_role("button", name="Show the password").click()
        await expect(page.get_by_text(password)).to_be_visible()
        await page.screenshot(path=tmp_path / "password.png")
        await page.get_by_role("button", name="Close").click()
        await expect(page.get_by_text(password)).to_have_count(0)
        await break_connection(whole)
        await expect(page.get_by_text("Connection lost: nothing here is live")).to_be_visible(timeout=15_000)
        await expect(page.get_by_text("Connected as admin")).to_be_visible(timeout=30_000)


async def break_connection(whole: Whole) -> None:
    pid = whole.running.children["gateway"].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


async def test_a_link_that_was_used_is_said_to_be_where_one_signs_in(whole: Whole, page: Page, tmp_path: Path) -> None:
    assert whole.running.login_link is not None
    await page.goto(whole.running.login_link)
    await expect(page.get_by_text("Connected as admin")).to_be_visible(timeout=15_000)
    await page.goto("about:blank")
    await page.goto(whole.running.login_link)
    await expect(page.get_by_role("alert")).to_contain_text("This link was used already", timeout=15_000)
    await page.screenshot(path=tmp_path / "used.png")
    # A link that is opened in a page that is open: no new page is loaded.
    await page.goto(whole.running.url + "/#login=wrong")
    await expect(page.get_by_role("alert")).to_contain_text("used already", timeout=15_000)
    assert page.url == whole.running.url + "/"
    await sign_in(page, whole, whole.running.password_file.read_text())
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=15_000)


async def test_the_public_view_shows_instruments_to_whoever_comes(page: Page, tmp_path: Path) -> None:
    async with whole_system(tmp_path, public_view=True) as whole, one_instrument(whole, tmp_path):
        await page.goto(whole.running.url)
        await expect(page.get_by_text("Public view", exact=True)).to_be_visible(timeout=15_000)
        await expect(page.get_by_text("23.45")).to_be_visible(timeout=15_000)
        await page.screenshot(path=tmp_path / "public.png")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_text("23.45")).to_be_hidden()
        await page.screenshot(path=tmp_path / "public-sign-in.png")
        await page.get_by_role("button", name="Back to the public view").click()
        await expect(page.get_by_label("Password")).to_be_hidden()
        await expect(page.get_by_text("23.45")).to_be_visible(timeout=15_000)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_label("Name").fill("admin")
        await page.get_by_label("Password").fill(whole.running.password_file.read_text())
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_text("Connected as admin")).to_be_visible(timeout=15_000)
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_text("Public view", exact=True)).to_be_visible(timeout=15_000)


async def test_who_holds_an_instrument_is_shown_until_it_is_released(whole: Whole, page: Page, tmp_path: Path) -> None:
    async with one_instrument(whole, tmp_path):
        await whole.until_state("pi-1/probe", "connected")
        await sign_in(page, whole, whole.running.password_file.read_text())
        await expect(page.get_by_text("23.45")).to_be_visible(timeout=15_000)
        await expect(page.get_by_text("held by")).to_have_count(0)
        async with whole.lab.control("pi-1/probe"):
            await expect(page.get_by_text("held by admin until")).to_be_visible(timeout=15_000)
            await page.screenshot(path=tmp_path / "held.png")
        await expect(page.get_by_text("held by")).to_have_count(0, timeout=15_000)
        assert (await whole.lab.send("pi-1/probe", "_take", duration_s=1)).result == "done"
        await expect(page.get_by_text("held by admin until")).to_be_visible(timeout=15_000)
        await expect(page.get_by_text("held by")).to_have_count(0, timeout=15_000)


async def test_of_ones_own_session_the_page_says_you_and_of_what_has_expired_nothing(whole: Whole, page: Page) -> None:
    await page.goto(whole.running.url)
    said = await page.evaluate(
        """async () => {
            const { holderInWords } = await import("/page.js");
            const control = { user: "anna", session: "s1", since: 0, until: 2_000_000 };
            return [["s1", 1000], ["s2", 1000], ["s2", 2000]].map(([own, nowMs]) => holderInWords(control, own, nowMs));
        }"""
    )
    assert [one.partition(" until ")[0] for one in said] == ["held by you", "held by anna", ""]


async def test_an_alarm_is_shown_by_word_and_shape_and_acknowledged_by_a_click(
    whole: Whole, page: Page, tmp_path: Path
) -> None:
    with Pty(tmp_path / "probe") as pty:
        pty.plug()
        probe = Thermometer(pty, temperature="+20.00").start()
        limits = "[instruments.probe.channels.temperature.alarm]\nhigh_warning = 70\nhigh_alarm = 80\n"
        await whole.start_agent(THERMOMETER.format(name="probe", port=pty.port, every="100ms") + limits)
        await sign_in(page, whole, whole.running.password_file.read_text())
        alarms = page.get_by_role("list", name="Alarms")
        await expect(page.get_by_text("20 °C")).to_be_visible(timeout=15_000)
        await expect(alarms).to_have_count(0)
        probe.temperature = "+75.00"
        await expect(alarms).to_contain_text("\N{BLACK DIAMOND}", timeout=15_000)
        await expect(alarms).to_contain_text("Warning")
        probe.temperature = "+85.50"
        await expect(alarms).to_contain_text("temperature: too high, 85.5 °C (limit 80 °C)", timeout=15_000)
        await expect(alarms).to_contain_text("\N{BLACK UP-POINTING TRIANGLE}")
        await page.screenshot(path=tmp_path / "alarm.png")
        await page.get_by_role("button", name="Acknowledge pi-1/probe").click()
        await expect(alarms).to_contain_text("acknowledged by admin", timeout=15_000)
        await expect(page.get_by_role("button", name="Acknowledge pi-1/probe")).to_have_count(0)
        await whole.kill_agent()
        await expect(alarms).to_contain_text("Last known alarm", timeout=15_000)


async def test_an_admin_has_an_agent_read_its_configuration_again_and_a_wrong_one_is_refused_as_a_whole(
    whole: Whole, page: Page, tmp_path: Path
) -> None:
    with Pty(tmp_path / "probe") as pty, Pty(tmp_path / "second") as other:
        pty.plug()
        other.plug()
        probe, second = Thermometer(pty).start(), Thermometer(other, temperature="+5.25").start()
        tables = [
            THERMOMETER.format(name=name, port=port, every="100ms")
            for name, port in (("probe", pty.port), ("second", other.port))
        ]
        await whole.start_agent(tables[0])
        await sign_in(page, whole, whole.running.password_file.read_text())
        await expect(page.get_by_text("23.45")).to_be_visible(timeout=15_000)
        await page.get_by_role("button", name="Agents").click()
        agent = page.get_by_role("group", name="pi-1", exact=True)
        button, said = agent.get_by_role("button", name="Reload its configuration"), agent.get_by_role("status")
        await expect(agent).to_contain_text(f"version {(await whole.status()).version}")
        await expect(agent).to_contain_text("online, running since")
        right = whole.config.read_text() + tables[1]
        whole.config.write_text(right)
        await button.click()
        await expect(said).to_have_text("Read again.Added: secondUnchanged: probe", timeout=15_000)
        await expect(page.locator("article", has_text="pi-1/second")).to_contain_text("5.25 °C", timeout=15_000)
        await page.screenshot(path=tmp_path / "reloaded.png", full_page=True)
        # None for the agent itself, which sent a frame with the command's record.
        await expect(page.locator("article")).to_have_count(2)
        whole.config.write_text(right.replace('"100ms"', '"soon"'))
        await button.click()
        await expect(said.locator("p")).to_have_count(3, timeout=15_000)
        lines = await said.locator("p").all_inner_texts()
        assert lines[0] == "Refused, everything as before:"
        for name, line in zip(("probe", "second"), lines[1:], strict=True):
            assert line.startswith(f"instruments.{name}.poll[0].every: ")
        await page.screenshot(path=tmp_path / "refused.png", full_page=True)
        probe.temperature, second.temperature = "+31.5", "+6.75"
        await expect(page.get_by_text("31.5 °C")).to_be_visible(timeout=15_000)
        await expect(page.get_by_text("6.75 °C")).to_be_visible(timeout=15_000)
        whole.config.write_text(right)
        await button.click()
        await expect(said).to_contain_text("Read again: nothing is different.", timeout=15_000)
        whole.config.write_text(right.replace(tables[1], ""))
        await button.click()
        await expect(said).to_have_text("Read again.Removed: secondUnchanged: probe", timeout=15_000)
        await expect(page.locator("article")).to_have_count(1, timeout=15_000)
        await whole.kill_agent()
        await expect(agent).to_contain_text("(the connection was lost)", timeout=15_000)
        await expect(button).to_be_disabled()
        await expect(button).to_be_focused()
        await expect(page.locator("article")).to_have_count(1)
        await page.screenshot(path=tmp_path / "offline.png", full_page=True)
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("button", name="Agents")).not_to_be_visible()


async def test_an_agent_that_does_not_answer_leaves_it_open_what_became_of_its_configuration(
    whole: Whole, page: Page, tmp_path: Path
) -> None:
    async with one_instrument(whole, tmp_path):
        await sign_in(page, whole, whole.running.password_file.read_text())
        await page.get_by_role("button", name="Agents").click()
        agent = page.get_by_role("group", name="pi-1", exact=True)
        await expect(agent).to_contain_text("online")
        whole.signal_agent(signal.SIGSTOP)
        await agent.get_by_role("button").click()
        await expect(agent.get_by_role("status")).to_have_text("Asking it …")
        await expect(agent.get_by_role("button")).to_be_disabled()
        await break_connection(whole)
        await expect(agent.get_by_role("status")).to_contain_text("is not known", timeout=15_000)


async def test_what_becomes_of_a_reload_is_said_in_plain_words(whole: Whole, page: Page) -> None:
    await page.goto(whole.running.url)
    said = await page.evaluate(
        """async () => {
            const { answerInLines } = await import("/agents.js");
            const done = { added: "", removed: "old,older", changed: "balance", unchanged: "", restarted: true };
            return [
                { result: "done", reason: "", values: done },
                { result: "refused", reason: "busy: too much is waiting already", values: {} },
                { result: "offline", reason: "agent pi-1 is not connected", values: {} },
                { result: "timeout", reason: "", values: {} },
            ].map((reply) => answerInLines(reply).join(" / "));
        }"""
    )
    assert said == [
        "Read again. / Removed: old, older / Changed: balance / The agent begins anew.",
        "Refused: busy: too much is waiting already",
        "Nothing was reloaded: agent pi-1 is not connected",
        "Whether it was reloaded is not known: timeout / It does no harm to reload it again.",
    ]


async def test_a_wrong_password_is_said_and_the_right_one_lets_in(whole: Whole, page: Page) -> None:
    await sign_in(page, whole, "wrong")
    await expect(page.get_by_role("alert")).to_contain_text("wrong", timeout=15_000)
    await sign_in(page, whole, whole.running.password_file.read_text())
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=15_000)


async def test_an_instruments_last_hour_is_a_click_away(whole: Whole, page: Page, tmp_path: Path) -> None:
    async with one_instrument(whole, tmp_path):
        await sign_in(page, whole, whole.running.password_file.read_text())
        await expect(page.get_by_text("23.45")).to_be_visible(timeout=15_000)
        while not await whole.logged():
            pass
        group = page.get_by_role("group", name="Download pi-1/probe as CSV")
        async with page.expect_download() as downloading:
            await group.get_by_role("button", name="hour").click()
        download = await downloading.value
        assert download.suggested_filename == "pi-1_probe.csv"
        saved = Path(await download.path()).read_text()
        assert saved.startswith("time,temperature [°C],quality,note")
        assert ",23.45," in saved
        # The keyboard stays where it is while values come and go.
        await group.get_by_role("button", name="week").focus()
        await page.evaluate("document.querySelector('.value').classList.add('drawn-before')")
        await expect(page.locator(".drawn-before")).to_have_count(0)
        await expect(group.get_by_role("button", name="week")).to_be_focused()
        await page.screenshot(path=tmp_path / "download.png")
        await whole.running.children["history"].stop()
        await group.get_by_role("button", name="day").click()
        await expect(group.get_by_role("status")).to_contain_text("No history service is there", timeout=15_000)
        await page.screenshot(path=tmp_path / "download-refused.png")
        await expect(group.get_by_role("button", name="day")).to_be_enabled()


async def test_the_public_view_offers_no_download(page: Page, tmp_path: Path) -> None:
    async with whole_system(tmp_path, public_view=True) as whole, one_instrument(whole, tmp_path):
        await page.goto(whole.running.url)
        await expect(page.get_by_text("23.45")).to_be_visible(timeout=15_000)
        await expect(page.get_by_role("group")).to_have_count(0)


async def test_an_admin_lets_a_machine_in_by_a_code_on_the_page(whole: Whole, page: Page, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "pi", "pi-9")
    await sign_in(page, whole, whole.running.password_file.read_text())
    await page.get_by_role("button", name="Add an agent").click()
    await page.get_by_label("Agent to add").fill("PI 9")
    await page.get_by_role("button", name="Make a code").click()
    await expect(page.locator("#enrol").get_by_role("alert")).to_contain_text("PI 9")
    await page.get_by_label("Agent to add").fill("pi-9")
    await page.get_by_role("button", name="Make a code").click()
    code = page.locator('#enrol [data-part="code"]')
    await expect(code).to_have_text(re.compile("^[0-9A-Z]{4}-[0-9A-Z]{4}$"), timeout=15_000)
    await expect(page.get_by_text("Valid for 14:")).to_be_visible()
    typed = f"sudo kleinmaelzung-agent enrol --server {whole.running.url} --name pi-9"
    await expect(page.get_by_text(typed)).to_be_visible()
    await expect(page.get_by_text("This address has no TLS")).to_be_visible()
    await expect(page.get_by_text("Take this server's name in the network")).to_be_visible()
    await page.screenshot(path=tmp_path / "code.png")
    assert (await machine.enrol(whole.running.url, await code.inner_text()))[0] == 0
    async with machine.running():
        await expect(page.get_by_text("pi-9 is connected.")).to_be_visible(timeout=15_000)
    await page.get_by_role("button", name="Close").click()
    await expect(code).not_to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="Add an agent")).not_to_be_visible()
