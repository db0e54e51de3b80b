"""Names, units, values and replies as hostile as they get, over the real gateway: shown as text, and the page holds."""

import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, Page, expect
from playwright.async_api import TimeoutError as PlaywrightTimeout

from kleinmaelzung_wire.descriptions import Argument, CommandDescription
from tests.browsers import enter, go
from tests.told_agents import ToldAgent, now_us, told_agent
from tests.whole import Whole

pytestmark = pytest.mark.asyncio(loop_scope="module")  # conftest.py says why
HTML: Final = "<img src=x onerror=\"window.hacked=1;alert(1)\"><script>window.hacked=1</script><b id='broken'>&amp;</b>"
LONG: Final = "Wägezelle" * 1_111  # 10 000 characters without a place to break
TEXTS: Final = {
    "html": HTML,
    "attribute": "\"'><svg/onload=window.hacked=1> javascript:alert(1) ${window.hacked=1} {{7*7}}",
    "long": LONG,
    "spaced": "very long " * 1_000,
    "right-to-left": "\u202e\u2067\u05d0\u05d1\u05d2 \u202eabc \u200f\u0634\u0641\u0631\u0629",
    "emoji": "\N{WOMAN}\u200d\N{MICROSCOPE}\N{FIRE}" * 200,
    "zero-width": "\u200b\u200c\u200d\ufeff\u2060" * 500,
    "combining": "Z" + "\u0353\u0325\u0317\u0332" * 300,
    "lines": "one\ntwo\r\n\tthree\u2028four\0five\x1b[31m",
    "prototype": "__proto__",
}
WIDTHS: Final = (390, 820, 1440)
OF_AN_INSTRUMENT: Final = ("", "/control", "/details")
POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
FITS: Final = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
# What sticks out of the window to the right, unless something around it scrolls or clips.
STICKS_OUT: Final = """() => {
    const most = document.documentElement.clientWidth;
    const holds = (element) => element !== document.body && element !== document.documentElement &&
        getComputedStyle(element).overflowX !== "visible";
    const isHeld = (element) => element !== null && (holds(element) || isHeld(element.parentElement));
    return [...document.querySelectorAll("body *")].filter((element) =>
        element.getBoundingClientRect().right > most + 1 && !isHeld(element.parentElement) &&
        getComputedStyle(element).visibility !== "hidden"
    ).slice(0, 3).map((element) => `${element.tagName}.${element.className} ${element.textContent.slice(0, 30)}`);
}"""


async def test_hostile_texts_are_shown_as_text_and_the_layout_holds(whole: Whole, page: Page, tmp_path: Path) -> None:
    found: list[str] = []
    async with hostile_agent(whole) as agent:
        await enter(page, whole.running.url, "admin", whole.running.password_file.read_text())
        await expect(page.locator("article")).to_have_count(len(TEXTS), timeout=30_000)
        await expect(page.locator("article", has_text="<script>window.hacked=1</script>").first).to_be_visible(
            timeout=30_000
        )
        found += await misfits(page, "overview")
        await page.screenshot(path=tmp_path / "hostile.png", full_page=True)
        for name in TEXTS:
            for tab in OF_AN_INSTRUMENT:
                await go(page, f"#/instrument/pi-2/{name}{tab}")
                await expect(page.locator("header.instrument-head")).to_be_visible(timeout=30_000)
                if tab == "/control":
                    await get_a_reply(page, agent, name)
                found += await misfits(page, f"{name}{tab}")
        for view in ("#/history?instruments=pi-2/html,pi-2/long", "#/health", "#/agents", f"#/instrument/{LONG}"):
            await go(page, view)
            await expect(page.locator("main#content")).not_to_be_empty(timeout=30_000)
            found += await misfits(page, view[:40])
    assert found == [], "\n" + "\n".join(found)


async def get_a_reply(page: Page, agent: ToldAgent, name: str) -> None:
    text = TEXTS[name]
    agent.answer = {
        "result": "failed",
        "reason": text[:500],
        "values": {"said": text[:1024]},
        "units": {"said": text[:1024]},
        "bytes_in": text.encode()[:10_000],
        "bytes_out": text.encode()[:10_000],
    }
    await expect(page.get_by_text("holds control").first).to_be_visible(timeout=30_000)
    await agent.say(f"{name}/control", user="", session="", since=0, until=0)
    await expect(page.get_by_text("Nobody holds control")).to_be_visible(timeout=30_000)
    await page.locator("form.command button[type=submit]").first.click()
    await expect(page.get_by_text("Failed").first).to_be_visible(timeout=30_000)


async def misfits(page: Page, view: str) -> list[str]:
    """What became a script or markup, and what is wider than the window, at each width."""
    assert await page.evaluate("() => window.hacked") is None, view
    assert await page.locator("#broken, img[src=x], svg[onload]").count() == 0, view
    found = []
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        try:  # a plot is drawn anew for its new width a picture later
            await page.wait_for_function(FITS, timeout=5_000)
        except PlaywrightTimeout:
            found.append(f"{view} at {width}: it scrolls to the right")
        found += [f"{view} at {width}: {out}" for out in await page.evaluate(STICKS_OUT)]
    return found


async def test_what_is_of_another_kind_than_agreed_hides_no_other_instrument(whole: Whole, page: Page) -> None:
    async with told_agent(whole.running.url, whole.lab, "pi-2") as agent:
        await agent.describe("good", {"name": "mass", "unit": "g"}, label="The good one")
        await agent.stands("good", "connected")
        await agent.measures("good", mass={"value": 23.45, "unit": "g"})
        for at, strange in enumerate((None, 7, float("nan"), "text", True, [1, None], {"a": {"b": 1}})):
            for kind in ("description", "state", "control", "alarm"):
                names = ("channels", "commands", "identity", "label", "state", "since", "until", "user", "alarms")
                await agent.say(f"strange{at}/{kind}", **dict.fromkeys(names, strange))
            await agent.say(f"stranger{at}/description", channels=[strange, {"name": strange}], commands=[strange, {}])
            await agent.say(f"stranger{at}/alarm", alarms=[strange, {"id": strange, "value": strange}])
            await agent.measures(f"strange{at}", mass={"value": strange if at != 2 else "NaN", "unit": 3})
        await agent.say("status", online=True, clock=3, spool="text", orders=[1], since="then")
        await enter(page, whole.running.url, "admin", whole.running.password_file.read_text())
        await expect(page.get_by_text("23.45")).to_be_visible(timeout=30_000)
        for view in (*(f"#/instrument/pi-2/stranger1{tab}" for tab in OF_AN_INSTRUMENT), "#/health", "#/agents"):
            await go(page, view)
            await expect(page.locator("main#content")).not_to_be_empty(timeout=30_000)
        await go(page, "#/")
        await expect(page.get_by_text("23.45")).to_be_visible(timeout=30_000)


async def test_the_pages_policy_lets_nothing_in_from_elsewhere_and_no_script_in_its_markup(
    whole: Whole, chromium: Browser
) -> None:
    with urllib.request.urlopen(whole.running.url, timeout=5) as answer:
        told = answer.headers["Content-Security-Policy"]
    assert dict(each.strip().split(" ", 1) for each in told.split(";")) == POLICY
    page = await chromium.new_page()
    try:
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        await page.goto(whole.running.url)
        await page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "window.hacked = 1";
                document.body.append(script);
                document.body.insertAdjacentHTML("beforeend", "<img src='https://example.org/x.png'>");
            }"""
        )
        assert await page.evaluate("() => window.hacked") is None
        assert len([one for one in said if "Content Security Policy" in one]) == 2
    finally:
        await page.close()


@asynccontextmanager
async def hostile_agent(whole: Whole) -> AsyncIterator[ToldAgent]:
    """An instrument for each of TEXTS, which has it everywhere that an agent can put text."""
    async with told_agent(whole.running.url, whole.lab, "pi-2") as agent:
        for name, text in TEXTS.items():
            await tell(agent, name, text)
        yield agent


async def tell(agent: ToldAgent, name: str, text: str) -> None:
    now = now_us()
    short = text[:1_000]  # a message holds no more than 128 KiB
    argument = Argument(name=short, type="choice", unit=short, choices=[text, "b"], default=text)
    command = CommandDescription(name="go", label=text)
    asked = CommandDescription(name=text, label=short, arguments=[argument], interlocks=[text], dangerous=True)
    more: dict[str, Any] = {"label": text} | dict.fromkeys(("driver", "profile", "port"), short)
    channels = [{"name": "number", "unit": short, "label": text}, {"name": "text"}, {"name": text, "unit": text}]
    identity = {"serial": text, short: short}
    await agent.describe(name, *channels, **more, commands=[asdict(command), asdict(asked)], identity=identity)
    await agent.stands(name, "connected", text)
    number = {"value": 1.5, "unit": text, "quality": text, "time": now}
    await agent.measures(name, **{"number": number, "text": number | {"value": text}, text: number | {"value": text}})
    # A frame that the agent's own check would not let through, with a gap in its records.
    gap = {"kind": "gap", "since": now - 60_000_000, "until": now - 50_000_000, "reason": text, "detail": text}
    await agent.say(
        f"{name}/data",
        e=1,
        n=1,
        t=[now - 40_000_000, 10_000_000, 20_000_000],
        c={"number": [1.5, 2.5, 3.5], "text": [text, "b", text], text: [1, 2, 3]},
        u={"number": text[:100], text: text},
        k=[True, 900],
        r=[gap],
    )
    shown = {"id": "a1", "channel": text, "kind": "high", "level": "alarm", "since": now, "value": 9e99, "limit": 1e-9}
    texts = {"unit": text, "cause": text, "detail": text, "acknowledged": {"user": text, "time": now, "note": text}}
    await agent.say(f"{name}/alarm", alarms=[{**shown, **texts}], left_out=0)
    await agent.say(f"{name}/control", user=text, session="s", since=now, until=now + 3_600_000_000)
