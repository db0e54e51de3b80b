"""`kleinmaelzung agent add`: lets an agent connect, and prints what somebody puts on its machine by hand."""

from argparse import Namespace
from typing import Final

from kleinmaelzung import Lab, settings
from kleinmaelzung.commands import accounts, agent_enrol, agent_key, options
from kleinmaelzung_wire import access, orders

KEY_FILE: Final = "/etc/kleinmaelzung/server.pub"  # beside agent.toml, and root's: its updater takes no other
_KEY_LINE: Final = 'server_key_file = "server.pub"  # whose orders it carries out: see below\n'
_NO_KEY: Final = f"""\
It carries out no orders from afar (agent configure, agent update) until it has the server's public key, which is not
here: it is beside the server key as FILE.pub, in containers deploy/configuration/server.pub. Copy it to the Pi. There:

    sudo install -m 644 server.pub {KEY_FILE}

and under [agent] in agent.toml: server_key_file = "server.pub\""""


async def run(lab: Lab, arguments: Namespace) -> None:
    """The key is looked for first: its mistakes are told before there is an agent."""
    key = agent_key.public(arguments)
    name, secret = arguments.name, access.make_secret()
    await accounts.execute(lab, access.add_agent(name, secret), "createClient", f"agent {name}")
    server = settings.socket_url(agent_enrol.server(arguments)).removesuffix("/client")
    document = {
        "agent": name,
        "secret": secret,
        "url": server,
        "server_key": orders.pem(key) if key else None,
        "fingerprint": orders.fingerprint(key) if key else None,
    }
    options.show(arguments, document, lambda: sentences(name, secret, server, key))


def sentences(name: str, secret: str, server: str, key: bytes | None) -> str:
    return f"""\
Agent {name} may connect. Its secret is shown only now. Put this into the agent's agent.toml:

[agent]
name = "{name}"
url = "{server}"
secret = "{secret}"  # so nobody else may read this file: chmod 600 agent.toml
{_KEY_LINE if key else ""}\
data = "agent-data"  # a directory: what is not logged yet waits there

{_how_to_trust(key) if key else _NO_KEY}"""


def _how_to_trust(key: bytes) -> str:
    lines = " ".join(f"'{line}'" for line in orders.pem(key).splitlines())
    return f"""\
It carries out orders from afar (agent configure, agent update) once it has the server's public key, with fingerprint
{orders.fingerprint(key)}, beside agent.toml, as root's. On the Pi:

    printf '%s\\n' {lines} | sudo install -m 644 /dev/stdin {KEY_FILE}"""
