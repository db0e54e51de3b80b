"""One command over one connection: what is sent, how long its answer may take, and what is known without one."""

from collections.abc import Mapping

from kleinmaelzung import desk
from kleinmaelzung.connection import Connection
from kleinmaelzung.errors import ConnectionLost
from kleinmaelzung_wire import codec, topics
from kleinmaelzung_wire.codec import WireError
from kleinmaelzung_wire.frames import Value
from kleinmaelzung_wire.messages import Reply


def check(instrument: str, arguments: Mapping[str, Value] | None = None) -> None:
    """Raise ValueError for what is no instrument's full name, or cannot be sent."""
    try:
        topics.split_full_name(instrument)
        codec.pack(arguments)
    except WireError as error:
        raise ValueError(str(error)) from error


async def send(
    opened: Connection, instrument: str, command: str, arguments: dict[str, Value], options: dict[str, Value]
) -> Reply:
    """The Reply. Raises ConnectionLost where it is not known whether the command was executed."""
    limit_s = float(str(options["timeout"])) + desk.REPLY_GRACE_S
    try:
        return Reply.from_map(await opened.ask("send", instrument, command, arguments, options, limit_s=limit_s))
    except (ConnectionLost, WireError) as error:
        raise ConnectionLost(f"it is not known whether {command} of {instrument} was executed: {error}") from error
