"""Agents that come by a code: what admins ask for them, and the one time that it is fetched.

    admin's ["enrol", id, "pi-2", {}] --offer()--> two accounts and a sealed secret at the broker, a code for people
    Pi's ["hello", {"enrol", "password"}] --hand_over()--> ["enrolled", {"agent", "sealed", "key"}], and nothing is left

With the secret goes the server's public key, where this gateway was told one: whose orders the agent carries out.

Nothing is kept here, and this gateway's own account has no part in it: all is done by the admin's session and by that
of the account `enrol:pi-2`, so any gateway can do either half. At the broker the secret lies sealed, and expires there.
Who fetches it takes it away in the same session, which nobody else can have meanwhile: of several one gets it.
"""

import asyncio
import logging
import time
from typing import Any, Final

from websockets.asyncio.server import ServerConnection

from kleinmaelzung_bus.session import ANSWER_TIMEOUT_S, BusError, Message, NotPermitted
from kleinmaelzung_gateway.asking import Refused
from kleinmaelzung_gateway.login import Broker, Credentials, LoginError
from kleinmaelzung_gateway.personal import Personal
from kleinmaelzung_wire import access, enrolment, sockets, topics
from kleinmaelzung_wire.codec import WireError

logger = logging.getLogger(__name__)

WRONG: Final = "this is not the code for this agent: look again, or have `kleinmaelzung agent enrol` make a new one"
GONE: Final = "this code was used already, or has expired: have `kleinmaelzung agent enrol` make a new one"
_EXISTS: Final = "Client already exists"


async def offer(
    personal: Personal, agent: str, options: dict[str, Any], server_key: bytes | None = None
) -> dict[str, Any]:
    """Let a machine become this agent by a code. Raises Refused, NotPermitted, WireError, BusError."""
    lifetime_s = _lifetime_s(options)
    code, secret = enrolment.make_code(), access.make_secret()
    keys = await asyncio.to_thread(enrolment.keys, agent, code)
    await _make_agent(personal, agent, secret, is_replacing=options.get("replace") is True)
    # In this order: an account without anything to fetch would take an earlier offer.
    waiting = enrolment.seal(secret, keys.pad) + (enrolment.seal_key(server_key, keys.pad) if server_key else b"")
    await personal.publish_sealed(agent, waiting, lifetime_s)
    _check(await personal.manage_access(access.add_enrolment(agent, keys.password)), "createClient", agent)
    return {"agent": agent, "code": code, "expires": time.time_ns() // 1000 + lifetime_s * 1_000_000}


def _lifetime_s(options: dict[str, Any]) -> int:
    lifetime_s = options.get("lifetime", enrolment.LIFETIME_S)
    if type(lifetime_s) is not int or not 1 <= lifetime_s <= enrolment.LIFETIME_S:
        raise WireError(f"lifetime is {lifetime_s!r:.20}, expected 1 to {enrolment.LIFETIME_S} s")
    return lifetime_s


async def _make_agent(personal: Personal, agent: str, secret: str, *, is_replacing: bool) -> None:
    answers = await personal.manage_access(access.add_agent(agent, secret))
    if any(answer.get("error") == _EXISTS for answer in answers):
        if not is_replacing:
            sentence = f"agent {agent} exists: with --replace it gets a new secret, and who has the old one is shut out"
            raise Refused(sockets.CONFLICT, sentence)
        answers = await personal.manage_access(access.set_secret(access.agent_user(agent), secret))
        _check(answers, "setClientPassword", agent)
    else:
        _check(answers, "createClient", agent)


def _check(answers: list[dict[str, Any]], decisive: str, agent: str) -> None:
    """Raise for the error of the command that decides; others find what is there, or not there, already."""
    for answer in answers:
        if answer.get("command") == decisive and (error := answer.get("error")):
            raise BusError(f"agent {agent} cannot be enrolled, the broker says: {error}")


async def hand_over(websocket: ServerConnection, broker: Broker, who: Credentials) -> None:
    """Give what waits for an agent to who has its code, once. Raises LoginError, BusError."""
    sealed, key = enrolment.split(await _take(websocket, broker, who))
    logger.info("agent %s was enrolled", who.name)
    content = {"agent": who.name, "sealed": sealed, **({"key": key} if key else {})}
    await websocket.send(sockets.encode(["enrolled", content], sockets.MSGPACK))
    await websocket.close()


async def _take(websocket: ServerConnection, broker: Broker, who: Credentials) -> bytes:
    """What waits, which nobody else gets after that: the broker has one session of this name, the newest."""
    found: list[bytes] = []
    is_taken = asyncio.Event()

    def look(message: Message) -> None:
        if message.payload:
            found.append(message.payload)
        else:
            is_taken.set()  # our own word comes back, behind whatever was there

    user, client_id = access.enrol_user(who.name), access.enrol_client(who.name)
    topic = topics.sealed(who.name)
    try:
        async with broker.session(websocket, user, who.password, client_id=client_id, on_message=look) as session:
            await session.subscribe(topic, qos=topics.SEALED.qos)
            await session.publish(topic, b"", retained=topics.SEALED.retained)
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await is_taken.wait()
    except NotPermitted as error:
        logger.warning("refused: somebody would be agent %s, by a wrong code", who.name)
        raise LoginError(WRONG) from error
    except TimeoutError as error:
        raise BusError("the broker did not answer") from error
    if not found:
        raise LoginError(GONE)
    return found[0]
