"""Asking a service by a user's own session: a Request out, its answer's content back, or why there is none."""

import asyncio
import contextlib
import random
import uuid
from typing import Any

from kleinmaelzung_gateway.personal import Personal
from kleinmaelzung_wire import sockets, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.messages import ServiceStatus
from kleinmaelzung_wire.requests import Answer, Request


class Refused(Exception):
    """What somebody asked for cannot be done: a code of sockets and a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


async def ask(personal: Personal, service: str, request: Request) -> Any:
    """Ask, and wait for the answer as long as the request says. Raises Refused, NotPermitted, BusError."""
    limit_s, key = request.timeout_us / 1e6, uuid.uuid4().bytes
    async with personal.reply_to(key) as reply:
        if not await personal.publish_request(service, request, key):
            raise Refused(sockets.UNAVAILABLE, f"service {service} is not there: is it running?")
        await asyncio.wait((reply,), timeout=limit_s)
        if not reply.done():
            sentence = f"service {service} did not answer in {limit_s:g} s; whether it did what was asked is not known"
            raise Refused(sockets.TIMEOUT, sentence)
        try:
            answer = Answer.decode(reply.result())
        except WireError as error:
            raise Refused(sockets.FAILED, f"service {service} answered something unreadable: {error}") from error
        if not answer.ok:
            raise Refused(answer.code, answer.sentence)
        return answer.content


async def find_service(personal: Personal, role: str) -> str:
    """The name of a service that does something and is well. Not beside other reading of what is retained.

    Raises Refused, with what those say of themselves that are not well.
    """
    well, reasons = [], []
    async with personal.retained([topics.any_service_status()]) as found:
        for topic, message in found.items():
            with contextlib.suppress(WireError):
                status = ServiceStatus.decode(message.payload)
                if status.role == role and status.online and status.healthy:
                    well.append(topics.tail(topic).split("/")[1])
                elif status.role == role and status.online and status.reason:
                    reasons.append(status.reason)
    if not well:
        why = reasons[0] if reasons else "is it running?"
        raise Refused(sockets.UNAVAILABLE, f"no {role} service is there: {why}")
    return random.choice(well)
