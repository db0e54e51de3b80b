"""What the gateway must be told, read once from the environment."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from kleinmaelzung_bus import session as bus
from kleinmaelzung_gateway import door
from kleinmaelzung_gateway.certificate import CertificateError, CertificateFiles, make_context
from kleinmaelzung_gateway.guarded import Limits
from kleinmaelzung_wire import orders
from kleinmaelzung_wire.codec import WireError

PREFIX: Final = "KLEINMAELZUNG_"
LARGEST_LIMIT: Final = 1_000_000


class ConfigError(Exception):
    """The environment does not say what the gateway needs; the message names every mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """`host` and `port` are where the gateway listens (port 0: any free one), `names` and `limits` whom it lets in.

    `login_link` is the file of the one-time login link, gone once it was used; with `public_password`, that of the
    broker's account `public`, whoever says no name may watch. `server_key` is the public key whose orders agents carry
    out: they are given it when they are enrolled.
    """

    host: str
    port: int
    broker_host: str
    broker_port: int
    password: str = field(repr=False)
    broker_tls: bool = False
    broker_ca_file: Path | None = None
    broker_kind: bus.Kind = "mosquitto"
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    certificate: CertificateFiles | None = None
    limits: Limits = field(default_factory=Limits)
    login_link: Path | None = None
    public_password: str | None = field(default=None, repr=False)
    server_key: bytes | None = None

    @property
    def names(self) -> door.Names:
        return door.Names(hosts=door.own_names(self.host, self.hosts), origins=frozenset(self.origins))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the variables named in docs/front-door.md. Raises ConfigError with every mistake."""
        read = _Reader(environment)
        host, port, _ = read.address("LISTEN", "127.0.0.1:8080", ("",))
        broker_host, broker_port, scheme = read.address("MQTT", "mqtt://127.0.0.1:1883", ("", "mqtt", "mqtts"))
        config = cls(
            host=host,
            port=port,
            broker_host=broker_host,
            broker_port=broker_port,
            broker_tls=scheme == "mqtts",
            broker_ca_file=read.file("MQTT_CA_FILE"),
            broker_kind=read.broker_kind("MQTT_KIND"),
            password=read.needed_secret("MQTT_PASSWORD_FILE", "the broker's password for the gateway"),
            hosts=read.hosts("HOSTS"),
            origins=read.origins("ORIGINS"),
            certificate=read.certificate(),
            limits=Limits(
                sockets=read.count("MAX_SOCKETS", Limits().sockets),
                sockets_for_one=read.count("MAX_SOCKETS_PER_ADDRESS", Limits().sockets_for_one),
            ),
            login_link=read.private_file("LOGIN_LINK_FILE"),
            public_password=read.secret("PUBLIC_VIEW_PASSWORD_FILE"),
            server_key=read.public_key("SERVER_PUBLIC_KEY_FILE"),
        )
        if read.mistakes:
            raise ConfigError("\n".join(read.mistakes))
        return config


class _Reader:
    """The variables, and what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.mistakes: list[str] = []

    def _get(self, key: str, default: str = "") -> str:
        return self._environment.get(PREFIX + key, default)

    def _wrong(self, key: str, sentence: str) -> None:
        self.mistakes.append(f"{PREFIX}{key}: {sentence}")

    def address(self, key: str, default: str, schemes: tuple[str, ...]) -> tuple[str, int, str]:
        text = self._get(key, default)
        try:
            parts = urlsplit(text if "://" in text else f"//{text}")
            if "@" in parts.netloc:
                self._wrong(key, "expected host:port without a user and a password")
                return "", 0, ""
            if parts.scheme in schemes and parts.hostname and parts.port is not None:
                return parts.hostname, parts.port, parts.scheme
        except ValueError:
            pass
        self._wrong(key, f"expected host:port, found {text!r}")
        return "", 0, ""

    def broker_kind(self, key: str) -> bus.Kind:
        match self._get(key, "mosquitto"):
            case "mosquitto" | "rabbitmq" as kind:
                return kind
            case other:
                self._wrong(key, f"expected mosquitto or rabbitmq, found {other!r:.40}")
        return "mosquitto"

    def hosts(self, key: str) -> tuple[str, ...]:
        found = _words(self._get(key))
        for name in found:
            split = door.split_host(name.removeprefix("*."))
            if split is None or split[1] or "*" in split[0]:
                self._wrong(key, f"expected names of hosts without ports, with commas between them, found {name!r}")
        return found

    def origins(self, key: str) -> tuple[str, ...]:
        found = _words(self._get(key))
        for origin in found:
            if not door.is_origin(origin):
                self._wrong(key, f"expected origins such as https://lab.example, found {origin!r}")
        return found

    def count(self, key: str, default: int) -> int:
        text = self._get(key, str(default))
        if text.isascii() and text.isdigit() and 1 <= int(text) <= LARGEST_LIMIT:
            return int(text)
        self._wrong(key, f"expected a number from 1 to {LARGEST_LIMIT}, found {text!r:.40}")
        return default

    def file(self, key: str) -> Path | None:
        path = self._get(key)
        if path and not Path(path).is_file():
            self._wrong(key, f"{path} is no file")
        return Path(path) if path else None

    def public_key(self, key: str) -> bytes | None:
        path = self._get(key)
        if not path:
            return None
        try:
            return orders.read_pem(Path(path).read_text())
        except OSError as error:
            self._wrong(key, f"cannot read {path}: {error.strerror}")
        except (WireError, UnicodeDecodeError):
            self._wrong(key, f"{path} is no Ed25519 public key (PEM), as `kleinmaelzung agent key FILE` makes FILE.pub")
        return None

    def certificate(self) -> CertificateFiles | None:
        certificate, key = self._get("TLS_CERT"), self._get("TLS_KEY")
        if not certificate and not key:
            return None
        if not certificate or not key:
            self._wrong("TLS_KEY" if certificate else "TLS_CERT", "missing; certificate and key go together")
            return None
        files = CertificateFiles(Path(certificate), Path(key))
        try:
            make_context(files)
        except CertificateError as error:
            self._wrong("TLS_CERT", str(error))
        return files

    def private_file(self, key: str) -> Path | None:
        """A file that need not be there, but if it is, not for everybody."""
        path = self._get(key)
        if path and Path(path).exists():
            self._check_private(key, path)
        return Path(path) if path else None

    def needed_secret(self, key: str, meaning: str) -> str:
        if PREFIX + key not in self._environment:
            self._wrong(key, f"missing; it names the file with {meaning}")
            return ""
        return self._read_secret(key, self._get(key))

    def secret(self, key: str) -> str | None:
        path = self._get(key)
        return self._read_secret(key, path) if path else None

    def _read_secret(self, key: str, path: str) -> str:
        try:
            self._check_private(key, path)
            secret = Path(path).read_text().strip()
        except OSError as error:
            self._wrong(key, f"cannot read {path}: {error.strerror}")
            return ""
        except UnicodeDecodeError:
            self._wrong(key, f"{path} holds no text")
            return ""
        if not secret:
            self._wrong(key, f"{path} is empty")
        return secret

    def _check_private(self, key: str, path: str) -> None:
        mode = stat.S_IMODE(Path(path).stat().st_mode)
        if mode & stat.S_IROTH:
            self._wrong(key, f"everybody can read {path} (mode {mode:04o}), run: chmod 600 {path}")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip().lower() for word in text.split(",") if word.strip())
