"""What turns the agents into ones that trust the broker: it says `logged` for every frame the broker delivers.

    python -m tests.faults.trusting PORT PASSWORD_FILE

So agents forget a frame when the broker had it, not when the database has it. The harness must then find losses, or it
could not find any.
"""

import asyncio
import sys
from pathlib import Path

from kleinmaelzung_bus import session as bus
from kleinmaelzung_wire import access, frames, messages, topics
from kleinmaelzung_wire.codec import WireError


def logged_of(topic: str, payload: bytes) -> tuple[str, list[messages.LoggedRanges]]:
    """The agent, and its frames in one message as what would be logged of them."""
    address = topics.parse(topic)
    names = [name for one in frames.unpack_several(payload) if (name := frames.read_name(one))]
    assert address.instrument is not None, topic
    return address.agent, [
        messages.LoggedRanges(instrument=address.instrument, epoch=epoch, ranges=[(number, number)])
        for epoch, number in names
    ]


async def trust(broker: bus.Broker) -> None:
    """Say `logged` as long as this runs."""
    sessions: list[bus.Session] = []

    def take(message: bus.Message) -> None:
        try:
            agent, logged = logged_of(message.topic, message.payload)
            sessions[-1].publish_soon(topics.logged(agent), messages.encode_logged(logged))
        except (bus.BusError, WireError, IndexError):
            pass  # it comes again by backfill

    async def serve(session: bus.Session) -> None:
        sessions.append(session)
        for kind in ("data", "backfill"):
            await session.subscribe(f"{topics.ROOT}/{topics.ANY}/{topics.ANY}/{kind}", qos=0)
        print("trusting", flush=True)
        await asyncio.Event().wait()

    await bus.keep(broker, client_id="trusting", serve=serve, on_message=take)


def main() -> None:
    port, password_file = int(sys.argv[1]), Path(sys.argv[2])
    password = password_file.read_text().strip()
    user = access.service_user("logger")
    asyncio.run(trust(bus.Broker(host="127.0.0.1", port=port, user=user, password=password)))


if __name__ == "__main__":
    main()
