"""Where the server is and who asks: from arguments, the environment and ~/.config/kleinmaelzung.toml into a Login."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from kleinmaelzung.errors import SettingsError
from kleinmaelzung_wire import sockets

FILE: Final = Path("~/.config/kleinmaelzung.toml")
KEYS: Final = ("url", "user", "password_file", "password", "ca_file")
_SOCKET_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_PAGE_SCHEMES: Final = {"ws": "http", "wss": "https", "http": "http", "https": "https"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A server's address as it was given, and who asks there."""

    url: str
    user: str
    password: str = field(repr=False)
    ca_file: Path | None = None  # trust only this CA, with https; None: the system's
    password_file: Path | None = None  # where the password was found, if in a file of its own

    @property
    def socket_url(self) -> str:
        """`http://lab:8080` -> `ws://lab:8080/client`"""
        return socket_url(self.url)


def socket_url(url: str) -> str:
    """The address of the client's WebSocket below a server's address."""
    parts = _split(url)
    path = parts.path.rstrip("/").removesuffix(sockets.CLIENT_PATH) + sockets.CLIENT_PATH
    return urlunsplit((_SOCKET_SCHEMES[parts.scheme], parts.netloc, path, "", ""))


def page_url(url: str, path: str) -> str:
    """The address of a plain page such as `/healthz` below a server's address."""
    parts = _split(url)
    stem = parts.path.rstrip("/").removesuffix(sockets.CLIENT_PATH)
    return urlunsplit((_PAGE_SCHEMES[parts.scheme], parts.netloc, stem + path, "", ""))


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
    except ValueError as error:
        raise SettingsError(f"{url!r:.200} is no address: {error}") from error
    if parts.scheme not in _SOCKET_SCHEMES or not parts.hostname:
        raise SettingsError(f"{url!r:.200} is no server's address, expected one like http://lab:8080")
    if parts.username is not None or parts.password is not None:
        # Addresses get into logs and messages, passwords must not.
        raise SettingsError("the address holds a user or password: give them by --user and --password-file instead")
    return parts


def find(
    url: str | None = None,
    user: str | None = None,
    password: str | None = None,
    password_file: str | os.PathLike[str] | None = None,
    *,
    ca_file: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Login:
    """Put a Login together: what is given, then KLEINMAELZUNG_URL, _USER, _PASSWORD_FILE, _CA_FILE, then the file."""
    environment = os.environ if environment is None else environment
    saved = _read_file(FILE if file is None else file)
    url = url or environment.get("KLEINMAELZUNG_URL") or saved.get("url")
    if not url:
        raise SettingsError(f"which server? Give --url, set KLEINMAELZUNG_URL, or write url = ... into {FILE}")
    if "url" in saved and socket_url(saved["url"]) != socket_url(url):
        saved = {}  # the password of one server is none of another's business
    user = user or environment.get("KLEINMAELZUNG_USER") or saved.get("user")
    if not user:
        raise SettingsError(f"which user for {url}? Give --user or set KLEINMAELZUNG_USER")
    if ":" in user:
        raise SettingsError(f"user {user!r:.60} holds a colon, which no user's name has")
    if password is not None:
        password_file = None
    else:
        password_file = password_file or environment.get("KLEINMAELZUNG_PASSWORD_FILE") or saved.get("password_file")
        password = read_password(Path(password_file)) if password_file else saved.get("password")
    if password is None:
        raise SettingsError(f"no password for {user} at {url}: give --password-file or set KLEINMAELZUNG_PASSWORD_FILE")
    ca_file = ca_file or environment.get("KLEINMAELZUNG_CA_FILE") or saved.get("ca_file")
    trusted = Path(ca_file).expanduser() if ca_file else None
    found_in = Path(password_file).expanduser() if password_file else None
    return Login(url=url, user=user, password=password, ca_file=trusted, password_file=found_in)


def read_password(path: Path) -> str:
    """The first line of a file."""
    try:
        lines = path.expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the password file {path}: {error}") from error
    if not lines or not lines[0]:
        raise SettingsError(f"the password file {path} is empty")
    return lines[0]


def _read_file(path: Path) -> dict[str, str]:
    try:
        with path.expanduser().open("rb") as opened:
            values = tomllib.load(opened)
    except (FileNotFoundError, NotADirectoryError, RuntimeError):  # RuntimeError: there is no home directory
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from error
    wrong = [key for key, value in values.items() if key not in KEYS or not isinstance(value, str)]
    if wrong:
        raise SettingsError(f"{path}: {', '.join(wrong)}: expected only {', '.join(KEYS)}, each a text")
    return values
