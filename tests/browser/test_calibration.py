"""A calibration from the page, on the whole system: a simulated balance, two people, weights put on by the test."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests import calibrating
from tests.brokers import PASSWORD
from tests.browser.test_accessibility import violations
from tests.browsers import enter, go, opened_page, running_chromium
from tests.calibrating import Bench

SOON_MS = 20_000
GLOVE_PX = 64


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with calibrating.open_bench(tmp_path) as running:
        await running.register()
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with running_chromium() as running:
        yield running


@asynccontextmanager
async def person(browser: Browser, bench: Bench, name: str, address: str = "#/calibration") -> AsyncIterator[Page]:
    """A tablet of that person's, signed in, at a view."""
    size = {"width": 820, "height": 1180}
    async with opened_page(browser, locale="en-GB", viewport=size, has_touch=True) as page:
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        await enter(page, bench.whole.running.url, name, PASSWORD)
        await go(page, address)
        yield page
        assert errors == []


async def press(page: Page, name: str) -> None:
    """A button that a gloved finger hits."""
    button = page.get_by_role("button", name=name, exact=True)
    await expect(button).to_be_enabled(timeout=SOON_MS)
    box = await button.bounding_box()
    assert box is not None
    assert box["height"] >= GLOVE_PX, (name, box)
    await button.tap()


def captured(page: Page, text: str | re.Pattern[str]) -> Any:
    return page.locator(".sign", has_text="Captured").filter(has_text=text)


async def place(page: Page, bench: Bench, number: int, run: str) -> None:
    """Put on what the page asks for, and press the large button."""
    view = await bench.show(run)
    assert view["next"] == number
    step = next(one for one in view["steps"] if one["step"] == number)
    await expect(page.locator(".instruction")).to_contain_text("off" if step["what"] == "zero" else "")
    bench.put_for(step)
    await press(page, "Placed")
    done = page.get_by_text(f"{number} of {len(view['steps'])} steps", exact=True)
    await expect(done).to_be_visible(timeout=SOON_MS)


async def create(page: Page) -> str:
    """By the form: what fits is chosen already where there is one of it."""
    await page.get_by_role("link", name="New calibration").tap()
    await page.get_by_label("Instrument", exact=True).select_option("pi-1/balance")
    await page.get_by_label("Template", exact=True).select_option("own")
    file = {"name": "test.toml", "mimeType": "application/toml", "buffer": calibrating.TEMPLATE.encode()}
    await page.get_by_label("The template's file").set_input_files(file)  # type: ignore[arg-type]
    await expect(page.get_by_label("weights")).to_have_value(calibrating.WEIGHTS, timeout=SOON_MS)
    await expect(page.get_by_label("temperature")).to_have_value("pi-1/room/temperature")
    await page.get_by_label("Condition in which").fill("clean")
    await press(page, "Create the run")
    await page.wait_for_url(re.compile("#/calibration/R-"), timeout=SOON_MS)
    return page.url.rpartition("/")[2]


async def prepare(page: Page) -> None:
    await expect(page.get_by_role("heading", name="Preparations")).to_be_visible(timeout=SOON_MS)
    for check in ("levelled", "warmed up"):
        await press(page, check)
        await expect(page.get_by_role("button", name=check)).to_have_attribute("aria-pressed", "true", timeout=SOON_MS)
    await page.get_by_label("apparent change").fill("0.1")
    await press(page, "Save")
    await expect(page.get_by_text("answer convection")).to_have_count(0, timeout=SOON_MS)
    await press(page, "Begin")
    await expect(page.get_by_role("button", name="Placed")).to_be_visible(timeout=SOON_MS)


async def say_why(page: Page, why: str, done: str) -> None:
    await page.get_by_role("dialog").get_by_label("Why?").fill(why)
    await press_in_dialog(page, done)
    await expect(page.get_by_role("dialog")).to_have_count(0, timeout=SOON_MS)


async def test_two_people_make_a_certificate_on_tablets(bench: Bench, browser: Browser, tmp_path: Path) -> None:
    async with person(browser, bench, "anna") as anna:
        run = await create(anna)
        await prepare(anna)
        await place(anna, bench, 1, run)
        # The first placement was a wrong one: it is struck, stays to be seen, and is made again.
        bench.put(99.5)
        await press(anna, "Placed")
        await expect(captured(anna, "99.5")).to_be_visible(timeout=SOON_MS)
        await press(anna, "Repeat")
        await anna.get_by_role("button", name="wrong weight or place").tap()
        await press_in_dialog(anna, "Strike it")
        struck = anna.get_by_text("struck by anna: wrong weight or wrong place")
        await expect(struck.first).to_be_visible(timeout=SOON_MS)
        await place(anna, bench, 1, run)
        for number in range(2, 9):
            await place(anna, bench, number, run)
        async with person(browser, bench, "anna", f"#/calibration/{run}") as other_tablet:
            await place(other_tablet, bench, 9, run)
        await expect(anna.get_by_text("Everything is measured.")).to_be_visible(timeout=SOON_MS)
        await expect(anna.locator(".error-chart .dot")).to_have_count(7)
        assert await violations(anna) == []
        await calculate(anna)
        await expect(anna.get_by_text("Another person than anna reviews")).to_be_visible()
        await expect(anna.get_by_role("button", name="Approve")).to_have_count(0)
        async with person(browser, bench, "berta", f"#/calibration/{run}") as berta:
            frames = berta.get_by_text(re.compile(r"frames \d+ to \d+ of pi-1/balance"))
            await expect(frames).to_have_count(9, timeout=SOON_MS)
            assert await violations(berta) == []
            await press(berta, "Approve")
            await press_in_dialog(berta, "Approve")
        await expect(anna.get_by_text("Reviewed by berta")).to_be_visible(timeout=SOON_MS)
        await press(anna, "Issue the certificate")
        await press_in_dialog(anna, "Issue the certificate")
        await expect(anna.get_by_text(re.compile("Certificate K-.* is issued"))).to_be_visible(timeout=SOON_MS)
        await get_files(anna, bench, run, tmp_path)
        await see_it_hold(anna, bench)


async def calculate(page: Page) -> None:
    """The last frames may not be in the log yet; the page says so, and it is pressed again."""
    for _ in range(20):
        await press(page, "Calculate")
        outcome = page.get_by_role("heading", name="Results").or_(page.locator(".now-panel .mistakes li"))
        await expect(outcome.first).to_be_visible(timeout=SOON_MS)
        if await page.get_by_role("heading", name="Results").count():
            break
        await expect(page.locator(".now-panel .mistakes")).to_contain_text("not in the log yet")
    await expect(page.locator(".sign", has_text="pass")).to_be_visible()
    await expect(page.get_by_role("row", name=re.compile(r"^▲ 100 0\.\d\d 0\.\d\d 3\.31 .* pass$"))).to_be_visible()


async def press_in_dialog(page: Page, name: str) -> None:
    button = page.get_by_role("dialog").get_by_role("button", name=name, exact=True)
    await button.tap()
    await expect(page.get_by_role("dialog")).to_have_count(0, timeout=SOON_MS)


async def get_files(page: Page, bench: Bench, run: str, folder: Path) -> None:
    number = (await bench.show(run))["certificate"]
    for ending, begins in (("pdf", b"%PDF-"), ("xml", b"<"), ("json", b"{")):
        async with page.expect_download(timeout=SOON_MS) as begun:
            await page.get_by_role("button", name=f"{number}.{ending}").tap()
        file = await begun.value
        assert file.suggested_filename == f"{number}.{ending}"
        await file.save_as(folder / file.suggested_filename)
        content = (folder / file.suggested_filename).read_bytes()
        assert content.startswith(begins)
        if ending == "json":
            assert json.loads(content)["id"]


async def see_it_hold(page: Page, bench: Bench) -> None:
    """From now on the instrument's page corrects what it shows, and says where it cannot."""
    bench.put(100)
    await go(page, "#/instrument/pi-1/balance")
    await expect(page.get_by_role("link", name="Calibration K-")).to_be_visible(timeout=SOON_MS)
    await expect(page.locator(".corrected")).to_have_text(
        re.compile(r"corrected (99\.999\d+|100\.000\d+).±.0\.000\d+ g")
    )
    bench.put(150)
    await expect(page.locator(".corrected")).to_contain_text("outside the calibrated range 0 … 100", timeout=SOON_MS)


async def test_what_stands_in_the_way_is_said_plainly_and_nothing_is_lost(
    bench: Bench, browser: Browser, tmp_path: Path
) -> None:
    async with bench.person("anna") as lab:
        run = await bench.capture(await bench.prepare(await bench.create(lab=lab), lab), lab)
    number = run["run"]
    async with person(browser, bench, "anna", f"#/calibration/{number}") as page:
        await expect(captured(page, "0 g")).to_be_visible(timeout=SOON_MS)
        # It never gets still.
        bench.balance.variables.set("moving", 1)
        await press(page, "Placed")
        await expect(page.locator(".big-value")).to_contain_text("unsteady", timeout=SOON_MS)
        await expect(page.get_by_role("alert").filter(has_text="Not captured: given up")).to_be_visible(timeout=SOON_MS)
        bench.balance.variables.set("moving", 0)
        # Paused, and gone on with.
        await page.get_by_text("Pause, deviation, abort").tap()
        await press(page, "Pause")
        await say_why(page, "lunch", "Pause")
        await expect(page.get_by_text("Paused: nothing is captured")).to_be_visible(timeout=SOON_MS)
        await expect(page.get_by_role("button", name="Placed")).to_be_disabled()
        await press(page, "Resume")
        await expect(page.get_by_role("button", name="Placed")).to_be_enabled(timeout=SOON_MS)
        # A command of the instrument goes through the run.
        await page.get_by_text("Commands of the instrument").tap()
        await page.get_by_role("button", name="Zero", exact=True).tap()
        await page.get_by_text("What happened").tap()
        await expect(page.locator(".log")).to_contain_text("commanded", timeout=SOON_MS)
        # A page that is loaded anew shows the same.
        await page.reload()
        await expect(page.get_by_text("Not captured: given up")).to_be_visible(timeout=SOON_MS)
        await expect(page.get_by_text("1 of 9 steps")).to_be_visible()
        await page.context.set_offline(True)
        await expect(page.get_by_text("Connection lost")).to_be_visible(timeout=SOON_MS)
        await expect(page.locator(".big-value")).to_contain_text("No live value")
        await page.context.set_offline(False)
        await expect(page.locator(".big-value")).to_contain_text("live", timeout=SOON_MS)
        # What is skipped is skipped with a reason.
        await press(page, "Skip this test")
        await say_why(page, "the weight is broken", "Skip")
        await expect(page.get_by_role("cell", name="left out")).to_have_count(3, timeout=SOON_MS)
    async with person(browser, bench, "vera", f"#/calibration/{number}") as observer:
        await expect(observer.get_by_text("To do something here takes the role calibrator")).to_be_visible(
            timeout=SOON_MS
        )
        await expect(observer.get_by_role("button", name="Placed")).to_be_disabled()


async def test_the_register_is_kept_and_an_overdue_standard_cannot_be_chosen(bench: Bench, browser: Browser) -> None:
    async with person(browser, bench, "anna", f"#/calibration/register/standard/{calibrating.WEIGHTS}") as page:
        await expect(page.get_by_label("Serial number")).to_have_value("4711", timeout=SOON_MS)
        await page.get_by_label("Certificate: Due on").fill("2026-01-31")
        await page.get_by_label("Location").fill("Safe")
        await page.get_by_label("U, row 1", exact=True).fill("three")
        await page.get_by_label("Reason for the change").fill("read again")
        await press(page, "Save")
        await expect(page.get_by_role("alert").filter(has_text="U, row 1: three is no number")).to_be_visible()
        await page.get_by_label("U, row 1", exact=True).fill("0.00003")
        await press(page, "Save")
        await expect(page.get_by_role("heading", name=calibrating.WEIGHTS)).to_contain_text(
            "overdue since", timeout=SOON_MS
        )
        await page.get_by_text("Who changed what").tap()
        await expect(page.locator(".log")).to_contain_text("Location: Room 1.12 → Safe")
        assert await violations(page) == []
        await go(page, "#/calibration")
        due = page.get_by_role("region", name="Due").get_by_role("listitem")
        await expect(due).to_contain_text(f"{calibrating.WEIGHTS} overdue since", timeout=SOON_MS)
        await page.get_by_role("link", name="New calibration").tap()
        await page.get_by_label("Instrument", exact=True).select_option("pi-1/balance", timeout=SOON_MS)
        await page.get_by_label("Template", exact=True).select_option("balance")
        option = page.get_by_role("option", name=re.compile(f"{calibrating.WEIGHTS}.*overdue since"))
        await expect(option).to_be_disabled()
        await expect(page.get_by_label("weights")).to_have_value("")
        assert await violations(page) == []


async def test_certificates_are_found_and_withdrawn(bench: Bench, browser: Browser) -> None:
    async with bench.person("anna") as lab, bench.person("berta") as berta:
        run = await bench.measure(await bench.prepare(await bench.create(lab=lab), lab), lab)
        await bench.until_calculated(run, lab)
        await bench.act(run, "review", berta, approve=True, text="")
        number = (await bench.act(run, "issue", lab, language="en", readings=False))["certificate"]
    async with person(browser, bench, "anna", "#/calibration/certificates") as page:
        tile = page.get_by_role("listitem").filter(has_text=number)
        await expect(tile).to_contain_text("valid", timeout=SOON_MS)
        await page.get_by_label("Search").fill("nobody has this")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("None is found.")).to_be_visible(timeout=SOON_MS)
        await page.get_by_label("Search").fill(number)
        await page.keyboard.press("Enter")
        await tile.get_by_role("button", name="Withdraw").tap()
        await say_why(page, "the wrong weights", "Withdraw")
        await expect(tile).to_contain_text("withdrawn by anna", timeout=SOON_MS)
        assert await violations(page) == []
        await page.get_by_role("button", name="valid", exact=True).tap()
        await expect(page.get_by_text("None is found.")).to_be_visible(timeout=SOON_MS)
        await go(page, "#/instrument/pi-1/balance")
        await expect(page.get_by_role("heading", name="pi-1/balance")).to_be_visible(timeout=SOON_MS)
        await expect(page.locator(".corrected")).to_have_count(0, timeout=SOON_MS)


async def test_after_an_adjustment_all_is_measured_as_left_and_a_value_can_be_typed(
    bench: Bench, browser: Browser
) -> None:
    async with bench.person("anna") as lab:
        run = await bench.measure(await bench.prepare(await bench.create(lab=lab), lab), lab)
    async with person(browser, bench, "anna", f"#/calibration/{run['run']}") as page:
        await press(page, "Adjust the instrument")
        await page.get_by_label("What was adjusted?").fill("span")
        await page.get_by_label("Parameter before").fill("1.00001")
        await press_in_dialog(page, "Save")
        await press(page, "Begin as left")
        await expect(page.get_by_text("being measured, as left")).to_be_visible(timeout=SOON_MS)
        await expect(page.get_by_text("0 of 9 steps")).to_be_visible()
        await page.get_by_text("as found", exact=True).tap()
        await expect(page.get_by_role("cell", name="100.0003 g").first).to_be_visible()
        await press(page, "Type it in")
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("Value").fill("0,000,1")
        await dialog.get_by_label("Why?").fill("the stream is away")
        await dialog.get_by_role("button", name="Save").tap()
        await expect(dialog.get_by_role("alert")).to_contain_text("is no number", timeout=SOON_MS)
        await dialog.get_by_label("Value").fill("0.0001")
        await press_in_dialog(page, "Save")
        await expect(page.locator(".sign", has_text="Typed in")).to_contain_text("0.0001 g", timeout=SOON_MS)
        assert await violations(page) == []
        await page.get_by_text("Pause, deviation, abort").tap()
        await press(page, "Abort")
        await say_why(page, "the balance is broken", "Abort")
        await expect(page.get_by_text("aborted", exact=True)).to_be_visible(timeout=SOON_MS)
        await expect(page.get_by_role("button", name="Placed")).to_have_count(0)
