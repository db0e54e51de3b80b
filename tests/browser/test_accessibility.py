"""axe-core on every view of the page, light and dark: with its rules, no violation. The system behind it is real."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page, expect

from kleinmaelzung_wire.descriptions import Argument, CommandDescription
from tests.browsers import enter, go, opened_page, running_chromium, signal_gateway
from tests.told_agents import ToldAgent, now_us, told_agent
from tests.whole import Whole, whole_system

AXE: Final = Path(__file__).parents[2] / "gateway" / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
# Colours are judged as they will be, not on their way.
STILL: Final = """() => {
    const still = new CSSStyleSheet();
    still.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important }");
    document.adoptedStyleSheets = [still];
}"""
FIND: Final = """async () => {
    const { violations } = await axe.run(document, { rules: { "target-size": { enabled: true } } });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 200)} ` +
        node.failureSummary.split("\\n").slice(1).join(" ").slice(0, 300)));
}"""
COMMANDS: Final = [
    CommandDescription(name="tare", label="Tare"),
    CommandDescription(
        name="heat",
        label="Heat",
        dangerous=True,
        interlocks=["temperature < 80"],
        arguments=[
            Argument(name="target", type="number", unit="°C", minimum=20, maximum=90, default=60.0),
            Argument(name="steps", type="integer", minimum=1, maximum=9),
            Argument(name="mode", type="choice", choices=["fast", "slow"]),
            Argument(name="stir", type="boolean", default=True),
            Argument(name="remark", type="text", default=""),
        ],
    ),
    CommandDescription(name="stop", label="Stop", safe=True),
]


async def test_axe_finds_no_violation_in_any_view_light_or_dark(tmp_path: Path) -> None:
    assert AXE.exists(), "scripts/setup installs it"
    found: list[str] = []
    async with whole_system(tmp_path) as whole, running_chromium() as browser:
        url, password = whole.running.url, whole.running.password_file.read_text()
        async with told_agents(whole), opened_page(browser, color_scheme="light") as page:

            async def look(view: str) -> None:
                found.extend([f"{view}, {each}" for each in await violations(page)])

            await page.goto(url)
            await page.locator("input[name=user]").fill("admin")
            await look("sign in")
            await page.locator("input[name=password]").fill("wrong")
            await page.locator("button[type=submit]").click()
            await expect(page.get_by_role("alert")).not_to_be_empty(timeout=30_000)
            await look("sign in, refused")
            await enter(page, url, "admin", password)
            await expect(page.locator("article")).to_have_count(len(STATES) + 1, timeout=30_000)
            await look_at_views(page, look)
            signal_gateway(whole)
            await expect(page.get_by_text("Connection lost: nothing here is live")).to_be_visible(timeout=30_000)
            await look("overview, connection lost")
    assert found == [], "\n" + "\n".join(found)


async def look_at_views(page: Page, look: Callable[[str], Awaitable[None]]) -> None:
    await expect(page.get_by_text("last value").first).to_be_visible(timeout=30_000)
    await look("overview")
    await page.locator("header.top summary").click()
    await look("the menu")
    await page.keyboard.press("Escape")
    for view in VIEWS:
        await go(page, view)
        await page.wait_for_load_state("networkidle")
        await expect(page.locator("main#content")).not_to_be_empty(timeout=30_000)
        await look(view)
    await go(page, "#/instrument/pi-2/kiln")
    await page.get_by_role("button", name="Note", exact=True).click()
    await expect(page.get_by_role("dialog")).to_be_visible(timeout=30_000)
    await look("a note")
    await page.keyboard.press("Escape")
    await go(page, "#/instrument/pi-2/kiln/control")
    await send_dangerous(page)
    await look("a dangerous command")
    await page.get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Tare").first.click()
    await expect(page.get_by_text("done by the kiln").first).to_be_visible(timeout=30_000)
    await look("a reply")
    await page.locator("details:not([open]) > summary").evaluate_all("all => all.forEach((one) => one.click())")
    await look("control, all opened")
    await go(page, "#/instrument/pi-2/held/control")
    await page.get_by_role("button", name="Take over …").click()
    await look("taking over control")
    await page.keyboard.press("Escape")
    await go(page, "#/history?instruments=pi-2/kiln")
    await page.get_by_role("button", name="Choose instruments").click()
    await look("history, choosing")
    await go(page, "#/agents")
    await page.get_by_role("button", name="Add an agent").click()
    await look("adding an agent")
    await go(page, "#/")


async def send_dangerous(page: Page) -> None:
    form = page.get_by_role("form", name="Heat")
    await form.get_by_label("steps").fill("2")
    await form.get_by_label("mode").select_option("slow")
    await form.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("dialog")).to_be_visible(timeout=30_000)


async def violations(page: Page) -> list[str]:
    """What axe finds, light and dark; a rule and the element each."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(AXE.read_text())  # by the debugger, so the page's policy has no say
    found: list[str] = []
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme="light" if scheme == "light" else "dark", reduced_motion="reduce")
        await page.evaluate(STILL)
        await page.wait_for_function("scheme => document.documentElement.dataset.theme === scheme", arg=scheme)
        found += [f"{scheme}: {each}" for each in await page.evaluate(FIND)]
    return found


VIEWS: Final = (
    "#/instrument/pi-2/kiln",
    "#/instrument/pi-2/kiln/control",
    "#/instrument/pi-2/kiln/details",
    "#/instrument/pi-2/silent",
    "#/instrument/pi-2/silent/control",
    "#/instrument/pi-3/away",
    "#/instrument/pi-2/nothing-there",
    "#/history",
    "#/history?instruments=pi-2/kiln,pi-2/silent",
    "#/health",
    "#/agents",
    "#/nowhere",
)
STATES: Final = ("kiln", "silent", "searching", "error", "warned", "doubtful", "held")


@asynccontextmanager
async def told_agents(whole: Whole) -> AsyncIterator[ToldAgent]:
    """pi-2 with an instrument in each state, and pi-3, which was there and is offline."""
    async with told_agent(whole.running.url, whole.lab, "pi-3") as away:
        await tell(away, "away")
    async with told_agent(whole.running.url, whole.lab, "pi-2") as agent:
        agent.answer = {"result": "done", "reason": "", "values": {"said": "done by the kiln"}, "bytes_in": b"OK\r\n"}
        for name in STATES:
            await tell(agent, name)
        await agent.stands("silent", "silent", "no answer for 5 s")
        await agent.stands("searching", "searching", "port /dev/ttyUSB0 lost")
        await agent.stands("error", "error", "E42: the door is open")
        await agent.say("kiln/alarm", alarms=[alarm("alarm", 91.5)], left_out=0)
        acknowledged = {"user": "anna", "time": now_us(), "note": ""}
        await agent.say("warned/alarm", alarms=[alarm("warning", 71.5, acknowledged)], left_out=0)
        await agent.measures("doubtful", temperature={"value": 20.5, "unit": "°C", "quality": "unstable"})
        hour_us = 3_600_000_000
        await agent.say("held/control", user="anna", session="s", since=now_us(), until=now_us() + hour_us)
        yield agent


async def tell(agent: ToldAgent, name: str) -> None:
    """An instrument that is connected, with values now and in the last minutes."""
    temperature = {"name": "temperature", "unit": "°C", "label": "Temperature"}
    await agent.describe(
        name, temperature, {"name": "door", "label": ""}, label=f"The {name}", commands=list(map(asdict, COMMANDS))
    )
    await agent.stands(name, "connected")
    now = now_us()
    times = [now - 200_000_000 + at * 1_000_000 for at in range(200)]
    channels: dict[str, list[float | int | str | bool | None]] = {
        "temperature": [20 + at % 7 for at in range(200)],
        "door": ["open" if at % 50 < 5 else "closed" for at in range(200)],
    }
    await agent.samples(name, times, channels, units={"temperature": "°C"})
    await agent.measures(name, temperature={"value": 20.5, "unit": "°C"}, door="closed")


def alarm(level: str, value: float, acknowledged: dict[str, Any] | None = None) -> dict[str, Any]:
    shown = {"id": f"t-{level}", "channel": "temperature", "kind": "high", "level": level, "since": now_us()}
    limits = {"value": value, "limit": 70.0, "unit": "°C", "cause": "", "detail": ""}
    return {**shown, **limits, "acknowledged": acknowledged}
