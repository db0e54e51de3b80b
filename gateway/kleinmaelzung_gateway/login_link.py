"""The one-time login link: a file that says which code lets in whom, until somebody with the code has taken it away.

In: the code of a hello. Out: the login it stands for. The file is taken away by renaming it, so of several browsers and
gateways one has it; a wrong code leaves it where it is. It holds the code's hash only, and is its owner's alone.
"""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Self

from websockets.asyncio.server import ServerConnection

from kleinmaelzung_gateway import login
from kleinmaelzung_gateway.login import Credentials, LoginError
from kleinmaelzung_wire import access, codec, topics
from kleinmaelzung_wire.codec import Fields, WireError

logger = logging.getLogger(__name__)

LIFETIME_US: Final = 3600 * 1_000_000
# Guesses are counted under a name, and this is no name that a user can have.
GUESSED_AS: Final = "#login"

USED: Final = "this link was used already, or was never there: sign in with name and password"
WRONG: Final = "this link is not the right one: take the one that `kleinmaelzung up` printed last"
EXPIRED: Final = "this link has expired: stop `kleinmaelzung up` and start it again, then it prints a new one"
CHANGED: Final = "the password was changed since this link was made: sign in with name and password"
UNREADABLE: Final = "this link cannot be looked up here, the gateway's log says why: sign in with name and password"


class WrongCode(LoginError):
    """The code is not that of the link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What the file holds: the code's SHA-256, the login it stands for, and until when (µs)."""

    digest: str
    user: str
    password: str = field(repr=False)
    expires: int

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises WireError."""
        wire = Fields(codec.from_json(text), "login link")
        return cls(
            digest=wire.text("digest"),
            user=topics.check_name(wire.text("user"), "user"),
            password=wire.text("password"),
            expires=wire.integer("expires"),
        )

    def check(self, code: str, now: int) -> None:
        """Raises LoginError unless the code is right and in time."""
        if not hmac.compare_digest(digest_of(code).encode(), self.digest.encode()):
            raise WrongCode(WRONG)
        if now >= self.expires:
            raise LoginError(EXPIRED)


def make(user: str, password: str, now: int) -> tuple[str, Link]:
    """A new code, and the link that it opens."""
    code = access.make_secret()
    return code, Link(digest=digest_of(code), user=user, password=password, expires=now + LIFETIME_US)


def digest_of(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def taken_path(path: Path) -> Path:
    """Where the file is while somebody logs in by it; left there only by a gateway that was killed just then."""
    return path.with_name(path.name + ".taken")


class Claim:
    """A link that nobody else has any more: used up by use(), or put back."""

    def __init__(self, taken: Path, link: Link) -> None:
        self._taken = taken
        self.who = Credentials(link.user, link.password)
        self.is_used = False

    def use(self) -> None:
        self._taken.unlink(missing_ok=True)
        self.is_used = True


@contextmanager
def claimed(path: Path | None, code: str, now: int) -> Iterator[Claim]:
    """Take the link away from everybody else; it is put back unless it is used. Raises LoginError."""
    if path is None:
        raise LoginError(USED)
    try:
        link = Link.from_json(path.read_text())
        link.check(code, now)
        taken = path.replace(taken_path(path))
    except FileNotFoundError as error:
        raise LoginError(USED) from error
    except (OSError, UnicodeDecodeError, WireError) as error:
        logger.warning("the login link in %s cannot be used: %s", path, error)
        raise LoginError(UNREADABLE) from error
    claim = Claim(taken, link)
    try:
        yield claim
    finally:
        if not claim.is_used:
            taken.replace(path)


@asynccontextmanager
async def claiming(websocket: ServerConnection, path: Path | None, code: str) -> AsyncIterator[Claim]:
    """As claimed(); after wrong codes it takes a while, as after wrong passwords."""
    await login.wait_after_guesses(websocket, GUESSED_AS)
    try:
        with claimed(path, code, time.time_ns() // 1000) as claim:
            yield claim
    except WrongCode:
        login.note_guess(websocket, GUESSED_AS, code)
        raise
