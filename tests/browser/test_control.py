"""Commanding an instrument on the page, against the whole system: what is sent, what becomes of it, and who may."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from kleinmaelzung_wire import access
from kleinmaelzung_wire.rights import Rights, Role
from tests.browsers import sign_in, signal_gateway
from tests.fakes_instruments import Pty, Thermometer
from tests.waiting import until
from tests.whole import Whole

pytestmark = pytest.mark.asyncio(loop_scope="module")  # conftest.py says why
NUMBERS = itertools.count(1)
OVEN = r"""
[instruments.{name}]
port = "{port}"
label = "Kiln"
terminator = "\r\n"
encoding = "utf-8"
silent_after = "2s"
safe_command = "off"
[instruments.{name}.channels.temperature]
unit = "°C"
[[instruments.{name}.poll]]
send = "T?"
every = "100ms"
timeout = "500ms"
reply = [{{ pattern = '(?P<temperature>[+-][0-9.]+) C' }}]
[instruments.{name}.commands.set_temperature]
label = "Set the temperature"
send = "SET {{value:.2f}}"
reply = [{{ pattern = 'OK (?P<set>[0-9.]+)' }}]
interlock = ["temperature < 80"]
[instruments.{name}.commands.set_temperature.arguments.value]
type = "number"
unit = "°C"
minimum = 0
maximum = 120
[instruments.{name}.commands.burn]
label = "Burn off"
send = "BURN {{hours}}"
dangerous = true
reply = [{{ pattern = 'OK .*' }}]
[instruments.{name}.commands.burn.arguments.hours]
type = "integer"
unit = "h"
minimum = 1
maximum = 9
[instruments.{name}.commands.off]
label = "Heater off"
send = "SET 0"
reply = [{{ pattern = 'OK .*' }}]
[instruments.{name}.commands.read_name]
label = "Read its name"
send = "NAME?"
timeout = "2s"
reply = [{{ pattern = 'NAME (?P<name>.*)' }}]
"""
PASSWORD = "a secret"
# Markup, a right-to-left override and no end.
HOSTILE = "<img src=x onerror=alert(1)>\N{RIGHT-TO-LEFT OVERRIDE}" + "W" * 600


@dataclass
class Oven(Thermometer):
    """Is as warm as it was set to, and says whatever name it is given; without one it says nothing."""

    full_name: str = ""  # no other test's, for its console shows what was logged
    name: str = ""
    told: list[str] = field(default_factory=list)

    def answer(self, query: str) -> str:
        if not query.endswith("T?"):
            self.told.append(query)
        match query.split():
            case ["SET", value]:
                self.temperature = f"{float(value):+.2f}"
            case ["BURN", hours]:
                return f"OK {hours}"
            case ["NAME?"]:
                return f"NAME {self.name}" if self.name else "?"
        return super().answer(query)


@pytest_asyncio.fixture(loop_scope="module")
async def terminal(tmp_path: Path) -> AsyncIterator[Pty]:
    with Pty(tmp_path / "oven") as plugged:
        plugged.plug()
        yield plugged


@pytest_asyncio.fixture(loop_scope="module")
async def oven(whole: Whole, terminal: Pty) -> Oven:
    """An oven of agent pi-1, which is read."""
    name = f"oven{next(NUMBERS)}"
    started = Oven(terminal, full_name=f"pi-1/{name}").start()
    await whole.start_agent(OVEN.format(name=name, port=terminal.port))
    await whole.until_state(started.full_name, "connected")
    return started


async def add_user(whole: Whole, name: str, role: Role) -> None:
    answers = await whole.lab.access(access.add_user(name, PASSWORD, role))
    assert not any("error" in answer for answer in answers), answers
    await whole.lab.tell_rights(name, Rights(role=role))


async def open_control(page: Page, whole: Whole, oven: Oven, user: str = "admin") -> None:
    """Sign in and look at the oven's page, on which its commands stand."""
    await sign_in(page, whole, "" if user == "admin" else PASSWORD, user)
    await page.goto(f"{whole.running.url}/#/instrument/{oven.full_name}/control")
    await expect(form(page, "Set the temperature")).to_be_visible(timeout=30_000)


def form(page: Page, command: str) -> Locator:
    return page.get_by_role("form", name=command)


def entries(page: Page) -> Locator:
    """Of the console, the newest first."""
    return page.get_by_role("list", name="Console").locator("details.entry")


async def set_temperature(page: Page, degrees: str) -> None:
    await form(page, "Set the temperature").get_by_label("value").fill(degrees)
    await form(page, "Set the temperature").get_by_role("button", name="Send").click()


async def test_a_command_is_done_its_effect_is_seen_and_the_console_has_its_bytes(
    whole: Whole, page: Page, oven: Oven
) -> None:
    await open_control(page, whole, oven)
    await expect(form(page, "Set the temperature")).to_contain_text("0 to 120 °C")
    await set_temperature(page, "42.5")
    said = form(page, "Set the temperature").get_by_role("status")
    await expect(said).to_contain_text("The instrument answered as expected.", timeout=30_000)
    await expect(said).to_contain_text("temperature, now42.5 °C", timeout=30_000)
    entry = entries(page).first
    await expect(entry).to_contain_text("value = 42.5 °C", timeout=30_000)
    await expect(entry).to_contain_text("SET 42.50\u240d\u240a")
    await expect(entry).to_contain_text("OK 42.50\u240d\u240a")
    await expect(entry).to_contain_text("admin")
    # By keyboard alone, from the ledger, with what the line has no room for.
    await entry.locator("summary").press("Enter")
    await expect(entry).to_contain_text("53 45 54 20 34 32 2e 35 30 0d 0a")
    await expect(entry).to_contain_text("Recorded by agent", timeout=30_000)
    assert oven.told == ["SET 42.50"]


async def test_a_comma_is_understood_and_what_is_out_of_range_is_said_and_not_sent(
    whole: Whole, page: Page, oven: Oven
) -> None:
    await open_control(page, whole, oven)
    await set_temperature(page, "121")
    field = form(page, "Set the temperature").get_by_label("value")
    await expect(field).to_be_focused()
    await expect(form(page, "Set the temperature")).to_contain_text("Out of range. Expected: 0 to 120 °C.")
    await set_temperature(page, "warm")
    await expect(form(page, "Set the temperature")).to_contain_text("This is no number.")
    await set_temperature(page, "12,5")
    await until(lambda: oven.told == ["SET 12.50"], "only what is in range")


async def test_a_refused_command_says_why_and_nothing_reaches_the_port(whole: Whole, page: Page, oven: Oven) -> None:
    oven.temperature = "+95.00"
    await open_control(page, whole, oven)
    await expect(form(page, "Set the temperature")).to_contain_text("Only while temperature < 80")
    await set_temperature(page, "20")
    said = form(page, "Set the temperature").get_by_role("alert")
    await expect(said).to_contain_text("Refused", timeout=30_000)
    await expect(said).to_contain_text("Nothing was sent to the instrument.")
    await expect(said).to_contain_text("temperature is 95.0")
    await expect(entries(page).first).to_contain_text("temperature is 95.0", timeout=30_000)
    assert oven.told == []
    # The safe state has no interlock.
    await page.get_by_role("button", name="Safe state: Heater off").click()
    await until(lambda: oven.told == ["SET 0"], "made safe")


async def test_a_dangerous_command_is_asked_about_and_sent_or_not(whole: Whole, page: Page, oven: Oven) -> None:
    await open_control(page, whole, oven)
    await expect(form(page, "Burn off")).to_contain_text("Dangerous")
    await form(page, "Burn off").get_by_label("hours").fill("3")
    await form(page, "Burn off").get_by_role("button").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(f"“Burn off” will be sent to Kiln ({oven.full_name})")
    await expect(dialog).to_contain_text("hours3 h")
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(form(page, "Burn off")).to_contain_text("Cancelled: nothing was sent.")
    await expect(form(page, "Burn off").get_by_role("button")).to_be_focused()
    assert (oven.told, await entries(page).count()) == ([], 0)
    await page.keyboard.press("Enter")
    await dialog.get_by_role("button", name="Send it now").click()
    await expect(form(page, "Burn off").get_by_role("status")).to_contain_text("Done", timeout=30_000)
    await expect(entries(page)).to_have_count(2, timeout=30_000)
    await expect(entries(page).nth(1)).to_contain_text("burn, hours = 3 h", timeout=30_000)
    assert oven.told == ["BURN 3"]


async def test_what_somebody_else_holds_is_locked_until_it_is_released(whole: Whole, page: Page, oven: Oven) -> None:
    await add_user(whole, "nele", "operator")
    await open_control(page, whole, oven, "nele")
    send = form(page, "Set the temperature").get_by_role("button")
    await expect(send).to_be_enabled()
    lease = page.get_by_role("region", name="Sole control")
    async with whole.lab.control(oven.full_name):
        await expect(lease).to_contain_text("admin holds control.", timeout=30_000)
        await expect(send).to_be_disabled()
        await expect(page.get_by_role("region", name="Commands")).to_contain_text("admin holds control.")
        await form(page, "Set the temperature").get_by_label("value").fill("20")
        await send.press("Enter")
    await expect(send).to_be_enabled(timeout=30_000)
    assert oven.told == []


async def test_control_is_taken_over_after_a_question_and_let_go_of(whole: Whole, page: Page, oven: Oven) -> None:
    await add_user(whole, "nele", "operator")
    await open_control(page, whole, oven, "nele")
    lease = page.get_by_role("region", name="Sole control")
    assert (await whole.lab.send(oven.full_name, "_take", duration_s=600)).result == "done"
    await lease.get_by_role("button", name="Take over").click()
    await expect(page.get_by_role("dialog")).to_contain_text("admin will lose control at once")
    await page.get_by_role("dialog").get_by_role("button", name="Take over now").click()
    await expect(lease).to_contain_text("You hold control.", timeout=30_000)
    refused = await whole.lab.send(oven.full_name, "set_temperature", value=20)
    assert (refused.result, "held by nele" in refused.reason) == ("refused", True)
    await expect(form(page, "Set the temperature").get_by_role("button")).to_be_enabled()
    await lease.get_by_role("button", name="Release").click()
    await expect(lease).to_contain_text("Nobody holds control", timeout=30_000)
    assert oven.told == []


async def test_of_ones_own_other_session_the_page_says_so_and_can_release_it(
    whole: Whole, page: Page, oven: Oven
) -> None:
    await open_control(page, whole, oven)
    lease = page.get_by_role("region", name="Sole control")
    assert (await whole.lab.send(oven.full_name, "_take", duration_s=600)).result == "done"
    await expect(lease).to_contain_text("You hold control in another tab or program.", timeout=30_000)
    await expect(form(page, "Set the temperature").get_by_role("button")).to_be_disabled()
    await lease.get_by_role("button", name="Release it there").click()
    await expect(lease).to_contain_text("Nobody holds control", timeout=30_000)
    await lease.get_by_label("For").select_option("60")
    await lease.get_by_role("button", name="Take control").click()
    await expect(lease).to_contain_text("You hold control.", timeout=30_000)
    await expect(lease).to_contain_text("the agent sends “Heater off”")
    assert oven.told == []


async def test_an_observer_sees_all_and_can_press_nothing(whole: Whole, page: Page, oven: Oven) -> None:
    await add_user(whole, "otto", "observer")
    assert (await whole.lab.send(oven.full_name, "set_temperature", value=30)).result == "done"
    await open_control(page, whole, oven, "otto")
    await expect(entries(page).first).to_contain_text("SET 30.00", timeout=30_000)
    await expect(page.get_by_role("region", name="Commands")).to_contain_text("Your role may look, but not send")
    buttons = page.locator(".safe-state, .lease, .commands").get_by_role("button")
    assert await buttons.count() == 5
    for button in await buttons.all():
        await expect(button).to_be_disabled()
        await button.press("Enter")
    await expect(page.get_by_text("Raw bytes", exact=True)).to_have_count(0)
    assert oven.told == ["SET 30.00"]


async def test_what_is_not_known_is_said_so_and_a_second_click_sends_nothing(
    whole: Whole, page: Page, oven: Oven
) -> None:
    oven.name = ""
    await open_control(page, whole, oven)
    read = form(page, "Read its name")
    await read.get_by_role("button", name="Read its name").dblclick()
    await expect(read.get_by_role("status")).to_contain_text("Under way")
    await expect(form(page, "Set the temperature").get_by_role("button")).to_be_disabled()
    await expect(page.get_by_role("button", name="Safe state: Heater off")).to_be_enabled()
    said = read.get_by_role("alert")
    await expect(said).to_contain_text(
        "It is not known whether it took effect: look at the instrument.", timeout=30_000
    )
    assert oven.told == ["NAME?"]


async def test_a_hostile_reply_is_text_and_the_layout_holds(whole: Whole, page: Page, oven: Oven) -> None:
    oven.name = HOSTILE
    await page.set_viewport_size({"width": 390, "height": 844})
    await open_control(page, whole, oven)
    await form(page, "Read its name").get_by_role("button", name="Read its name").click()
    said = form(page, "Read its name").get_by_role("status")
    await expect(said).to_contain_text("<img src=x onerror=alert(1)>", timeout=30_000)
    await expect(entries(page).first).to_contain_text("NAME <img src=x", timeout=30_000)
    await said.get_by_text("characters").click()
    await entries(page).first.locator("summary").click()
    assert await page.locator(".control img").count() == 0
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_raw_bytes_are_refused_in_the_agents_own_words_where_they_are_off(
    whole: Whole, page: Page, oven: Oven
) -> None:
    await open_control(page, whole, oven)
    await page.get_by_text("Raw bytes", exact=True).click()
    raw = form(page, "Raw bytes")
    await raw.get_by_label("Bytes to send").fill("SET 1\\q")
    await raw.get_by_role("button", name="Send bytes").click()
    await expect(raw.get_by_text("Expected \\r \\n")).to_be_visible()
    await raw.get_by_label("Bytes to send").fill("SET 1\\r\\n")
    await raw.get_by_role("button", name="Send bytes").click()
    await expect(raw).to_contain_text('"allow_raw = true" in the configuration', timeout=30_000)
    assert oven.told == []


async def test_without_a_connection_nothing_is_sent_not_even_later(whole: Whole, page: Page, oven: Oven) -> None:
    await open_control(page, whole, oven)
    signal_gateway(whole)
    await expect(page.get_by_role("region", name="Commands")).to_contain_text("Connection lost", timeout=30_000)
    send = form(page, "Set the temperature").get_by_role("button")
    await expect(send).to_be_disabled()
    await form(page, "Set the temperature").get_by_label("value").fill("20")
    await send.press("Enter")
    await expect(send).to_be_enabled(timeout=30_000)
    await set_temperature(page, "30")
    await until(lambda: len(oven.told) > 0, "a command")
    assert oven.told == ["SET 30.00"]
