"""Accounts at the broker: add, remove, list, change a password, through the gateway and its dynamic security plugin."""

from typing import Any, Final

from kleinmaelzung import Error, Lab
from kleinmaelzung_wire import access
from kleinmaelzung_wire.rights import Rights

PAGE: Final = 25  # accounts asked for at once, so that an answer stays far below the socket's limit

# What the plugin says, and what that means to people.
_SENTENCES: Final = {
    "Client already exists": "exists already: remove it first, or take another name",
    "Client not found": "does not exist: `list` shows what there is",
    "Role not found": "cannot have a role that the broker does not know: was the broker set up by kleinmaelzung?",
}


async def execute(lab: Lab, commands: list[dict[str, Any]], decisive: str, who: str) -> None:
    """Execute commands of which one decides. Raises Error when the broker did not do that one.

    The others may fail: a role of its own is left over, or gone already, when an earlier attempt was interrupted.
    """
    answers = await lab.access(commands)
    for answer in answers:
        if answer.get("command") == decisive:
            _raise_for(answer, who)
            return
    raise Error(f"the broker did not answer about {who}: look with `list` whether it was done")


def _raise_for(answer: dict[str, Any], who: str) -> None:
    error = answer.get("error")
    if error:
        raise Error(f"{who} {_SENTENCES.get(error, f'was not changed, the broker says: {error}')}")


async def people(lab: Lab) -> dict[str, Rights | None]:
    """Every person's rights; None for an account that somebody else made."""
    return {name: access.rights_of(account) for name, account in (await all_accounts(lab)).items() if ":" not in name}


async def all_accounts(lab: Lab) -> dict[str, dict[str, Any]]:
    """Every account by its user name, as the plugin tells it."""
    accounts: dict[str, dict[str, Any]] = {}
    while True:
        command = {"command": "listClients", "verbose": True, "count": PAGE, "offset": len(accounts)}
        (answer,) = await lab.access([command])
        _raise_for(answer, "the list of accounts")
        page = answer.get("data", {}).get("clients", [])
        accounts |= {client["username"]: client for client in page}
        if len(page) < PAGE:
            return accounts
