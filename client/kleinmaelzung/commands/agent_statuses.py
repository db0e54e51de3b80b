"""`kleinmaelzung agent list`: which agents may connect, and what each, or the broker in its name, said last."""

from argparse import Namespace
from typing import Any, Final

from kleinmaelzung import Lab
from kleinmaelzung.commands import accounts, options, texts
from kleinmaelzung.orders import REFUSED, ROLLED_BACK, OrderOutcome, last_of
from kleinmaelzung_wire.messages import AgentStatus

PREFIX: Final = "agent:"
NOTHING: Final = "no agents yet: `kleinmaelzung agent enrol NAME` makes a code by which a machine becomes one"


async def statuses_of_agents(lab: Lab) -> dict[str, AgentStatus]:
    """What each agent, or the broker in its name, said last."""
    retained = await lab.retained("+/status")
    return {topic.partition("/")[0]: AgentStatus.decode(payload) for topic, payload in retained.items() if payload}


async def names(lab: Lab) -> list[str]:
    """Those that may connect; for admins."""
    return sorted(user.removeprefix(PREFIX) for user in await accounts.all_accounts(lab) if user.startswith(PREFIX))


async def show(lab: Lab, arguments: Namespace) -> None:
    statuses = await statuses_of_agents(lab)
    known = await names(lab)
    found = [_document(name, statuses.get(name)) for name in known]
    rows = [_row(name, statuses.get(name)) for name in known]
    options.show(arguments, found, lambda: texts.table(rows) if rows else NOTHING)


def _row(name: str, status: AgentStatus | None) -> tuple[str, str, str, str]:
    last = last_of(name, status) if status else None
    version = texts.plain(status.version) if status else ""
    return name, texts.agent_condition(status), version, went_wrong(last) if last else ""


def went_wrong(last: OrderOutcome) -> str:
    """What is to be said of an agent's last order; nothing of one that was carried out."""
    if last.result not in (REFUSED, ROLLED_BACK):
        return ""
    return f"{last.kind} {last.result} {texts.local_second(last.time)}: {texts.plain(last.reason)}"


def _document(name: str, status: AgentStatus | None) -> dict[str, Any]:
    return {
        "agent": name,
        "online": bool(status and status.online),
        "since": (status.since if status else None) or None,
        "version": (status.version if status else None) or None,
        "last_order": (status.orders.get("last") if status else None) or None,
    }
