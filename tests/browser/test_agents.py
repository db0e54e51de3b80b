"""The agents view in a real Chromium, against the whole system: letting a machine in, and reloading a configuration."""

import re
import signal
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from kleinmaelzung_wire import access
from kleinmaelzung_wire.rights import Rights
from tests.browsers import enter, go, sign_in, signal_gateway
from tests.fakes_instruments import Pty, Thermometer
from tests.newcomers import Machine
from tests.whole import THERMOMETER, Whole

pytestmark = pytest.mark.asyncio(loop_scope="module")  # conftest.py says why
SOON = 30_000  # ms
PASSWORD = "a-persons-password"


def group(page: Page, name: str = "pi-1") -> Locator:
    return page.get_by_role("group", name=name, exact=True)


async def test_an_admin_has_an_agent_read_its_configuration_again_and_a_wrong_one_is_refused_as_a_whole(
    whole: Whole, page: Page, tmp_path: Path
) -> None:
    with Pty(tmp_path / "probe") as pty, Pty(tmp_path / "second") as other:
        pty.plug()
        other.plug()
        Thermometer(pty).start()
        Thermometer(other, temperature="+5.25").start()
        tables = [
            THERMOMETER.format(name=name, port=port, every="100ms")
            for name, port in (("probe", pty.port), ("second", other.port))
        ]
        await whole.start_agent(tables[0])
        await sign_in(page, whole)
        await go(page, "#/agents")
        agent = group(page)
        button, said = agent.get_by_role("button", name="Reload its configuration"), agent.get_by_role("status")
        await expect(agent).to_contain_text(f"version {(await whole.status()).version}", timeout=SOON)
        await expect(agent).to_contain_text("online, running since")
        right = whole.config.read_text() + tables[1]
        whole.config.write_text(right)
        await button.click()
        await expect(said).to_have_text("Read again.Added: secondUnchanged: probe", timeout=SOON)
        # None for the agent itself, which sent a frame with the command's record.
        await expect(agent.get_by_role("listitem")).to_have_text([re.compile("probe"), re.compile("second")])
        await page.screenshot(path=tmp_path / "reloaded.png", full_page=True)
        whole.config.write_text(right.replace('"100ms"', '"soon"'))
        await button.click()
        await expect(said.locator("p")).to_have_count(3, timeout=SOON)
        lines = await said.locator("p").all_inner_texts()
        assert lines[0] == "Refused, everything as before:"
        for name, line in zip(("probe", "second"), lines[1:], strict=True):
            assert line.startswith(f"instruments.{name}.poll[0].every: ")
        await page.screenshot(path=tmp_path / "refused.png", full_page=True)
        await expect(agent.get_by_role("img", name="live")).to_have_count(2)
        whole.config.write_text(right)
        await button.click()
        await expect(said).to_contain_text("Read again: nothing is different.", timeout=SOON)
        whole.config.write_text(right.replace(tables[1], ""))
        await button.click()
        await expect(said).to_have_text("Read again.Removed: secondUnchanged: probe", timeout=SOON)
        await expect(agent.get_by_role("listitem")).to_have_count(1, timeout=SOON)
        await whole.kill_agent()
        await expect(agent).to_contain_text("(the connection was lost)", timeout=SOON)
        await expect(agent).to_contain_text("offline since")
        await expect(button).to_be_disabled()
        await expect(button).to_be_focused()
        await page.screenshot(path=tmp_path / "offline.png", full_page=True)


async def test_an_agent_that_does_not_answer_leaves_it_open_what_became_of_its_configuration(
    whole: Whole, page: Page, tmp_path: Path
) -> None:
    await whole.start_agent()
    await sign_in(page, whole)
    await go(page, "#/agents")
    agent = group(page)
    button = agent.get_by_role("button", name="Reload its configuration")
    await expect(agent).to_contain_text("online, running since", timeout=SOON)
    whole.signal_agent(signal.SIGSTOP)
    await button.click()
    await expect(agent.get_by_role("status")).to_have_text("Asking it …")
    await expect(button).to_be_disabled()
    signal_gateway(whole)
    await expect(agent.get_by_role("status")).to_contain_text("is not known", timeout=SOON)
    await expect(agent).to_contain_text("last known: ")
    await page.screenshot(path=tmp_path / "not-known.png")


async def test_an_agents_configuration_is_shown_without_its_secret_as_long_as_it_is(
    whole: Whole, page: Page, tmp_path: Path
) -> None:
    remarks = "".join(f"# remark {at}: \N{DEGREE SIGN}C\n" for at in range(2000))
    assert len(remarks) > 32 * 1024  # two pieces
    await whole.start_agent(THERMOMETER.format(name="probe", port="/dev/none", every="100ms"), remarks)
    await sign_in(page, whole)
    await go(page, "#/agents")
    agent = group(page)
    await agent.get_by_role("button", name="Show its configuration").click(timeout=SOON)
    text = agent.locator("pre")
    await expect(text).to_contain_text("[instruments.probe]", timeout=SOON)
    await expect(text).to_contain_text("# remark 1999: °C")
    await expect(text).to_contain_text('unit = "°C"')
    assert await whole.secret() not in await page.content()
    await page.screenshot(path=tmp_path / "configuration.png")
    await agent.get_by_role("button", name="Close").click()
    await expect(text).to_have_count(0)


async def test_an_admin_lets_a_machine_in_by_a_code_on_the_page(whole: Whole, page: Page, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "pi", "pi-9")
    await sign_in(page, whole)
    await go(page, "#/agents")
    await page.get_by_role("button", name="Add an agent").click()
    name = page.get_by_label("Agent to add")
    await expect(name).to_be_focused()
    await name.fill("PI 9")
    await page.get_by_role("button", name="Make a code").click()
    form = page.get_by_role("region", name="Add an agent")
    await expect(form.get_by_role("alert")).to_contain_text("PI 9", timeout=SOON)
    await name.fill("pi-9")
    await name.press("Enter")
    code = form.locator("output")
    await expect(code).to_have_text(re.compile("^[0-9A-Z]{4}-[0-9A-Z]{4}$"), timeout=SOON)
    await expect(form.get_by_role("alert")).to_be_empty()
    await expect(page.get_by_text("Valid for 14:")).to_be_visible()
    typed = f"sudo kleinmaelzung-agent enrol --server {whole.running.url} --name pi-9"
    await expect(page.get_by_text(typed)).to_be_visible()
    await expect(page.get_by_text("This address has no TLS")).to_be_visible()
    await expect(page.get_by_text("Take this server's name in the network")).to_be_visible()
    await expect(page.get_by_text("Waiting until it is connected.")).to_be_visible()
    await page.screenshot(path=tmp_path / "code.png")
    assert (await machine.enrol(whole.running.url, await code.inner_text()))[0] == 0
    async with machine.running():
        await expect(page.get_by_text("pi-9 is connected.")).to_be_visible(timeout=SOON)
        await expect(group(page, "pi-9")).to_contain_text("online, running since")
        await page.screenshot(path=tmp_path / "connected.png")
    await form.get_by_role("button", name="Close").click()
    await expect(code).to_have_count(0)
    await expect(page.get_by_role("button", name="Add an agent")).to_be_focused()


async def test_who_is_no_admin_is_offered_no_agents(whole: Whole, page: Page) -> None:
    await whole.start_agent()
    answers = await whole.lab.access(access.add_user("anna", PASSWORD, "operator"))
    assert not any("error" in answer for answer in answers), answers
    await whole.lab.tell_rights("anna", Rights(role="operator", instruments=("+/+",)))
    await enter(page, whole.running.url, "anna", PASSWORD)
    await expect(page.get_by_role("link", name="Health")).to_be_visible()
    await expect(page.get_by_role("link", name="Agents")).to_have_count(0)
    await go(page, "#/agents")
    await expect(page.get_by_text("Agents are for admins.")).to_be_visible()
    await expect(page.get_by_role("button", name="Add an agent")).to_have_count(0)
