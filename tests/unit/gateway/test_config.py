"""The gateway's environment: read once, every mistake named."""

from pathlib import Path

import pytest

from kleinmaelzung_gateway.config import Config, ConfigError
from kleinmaelzung_wire import orders
from tests.certificates import Authority


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.touch(mode=0o600)
    path.write_text("s3cret\n")
    return path


def test_only_the_secret_has_no_default(secret: Path) -> None:
    config = Config.from_environment({"KLEINMAELZUNG_MQTT_PASSWORD_FILE": str(secret)})
    assert config == Config(host="127.0.0.1", port=8080, broker_host="127.0.0.1", broker_port=1883, password="s3cret")
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize(
    ("listen", "host", "port"), [("0.0.0.0:80", "0.0.0.0", 80), ("[::1]:8081", "::1", 8081), ("lab:0", "lab", 0)]
)
def test_addresses_are_host_and_port(secret: Path, listen: str, host: str, port: int) -> None:
    config = Config.from_environment(
        {
            "KLEINMAELZUNG_LISTEN": listen,
            "KLEINMAELZUNG_MQTT": f"mqtt://{listen}",
            "KLEINMAELZUNG_MQTT_PASSWORD_FILE": str(secret),
        }
    )
    assert (config.host, config.port, config.broker_host, config.broker_port) == (host, port, host, port)


def test_the_servers_public_key_is_read_and_nothing_else_is_one(secret: Path, tmp_path: Path) -> None:
    file = tmp_path / "server.pub"
    file.write_text(orders.pem(b"k" * 32))
    told = {"KLEINMAELZUNG_MQTT_PASSWORD_FILE": str(secret), "KLEINMAELZUNG_SERVER_PUBLIC_KEY_FILE": str(file)}
    assert Config.from_environment(told).server_key == b"k" * 32
    for content in (b"", b"-----BEGIN PRIVATE KEY-----\n", b"\xff"):
        file.write_bytes(content)
        [mistake] = mistakes(MQTT_PASSWORD_FILE=str(secret), SERVER_PUBLIC_KEY_FILE=str(file))
        assert mistake.startswith(f"KLEINMAELZUNG_SERVER_PUBLIC_KEY_FILE: {file} is no Ed25519 public key")
    file.unlink()
    [mistake] = mistakes(MQTT_PASSWORD_FILE=str(secret), SERVER_PUBLIC_KEY_FILE=str(file))
    assert mistake == f"KLEINMAELZUNG_SERVER_PUBLIC_KEY_FILE: cannot read {file}: No such file or directory"


def mistakes(**environment: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        Config.from_environment({f"KLEINMAELZUNG_{key}": value for key, value in environment.items()})
    return str(refused.value).splitlines()


def test_all_mistakes_come_at_once() -> None:
    assert mistakes(LISTEN="8080", MQTT="http://broker:1883") == [
        "KLEINMAELZUNG_LISTEN: expected host:port, found '8080'",
        "KLEINMAELZUNG_MQTT: expected host:port, found 'http://broker:1883'",
        "KLEINMAELZUNG_MQTT_PASSWORD_FILE: missing; it names the file with the broker's password for the gateway",
    ]


@pytest.mark.parametrize("address", ["", "host", "host:", ":80", "host:port", "host:99999", "host:-1", "[::1:80"])
def test_what_is_no_address_is_quoted(secret: Path, address: str) -> None:
    [mistake] = mistakes(LISTEN=address, MQTT_PASSWORD_FILE=str(secret))
    assert mistake == f"KLEINMAELZUNG_LISTEN: expected host:port, found {address!r}"


def test_a_secret_that_is_not_there_or_empty_or_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert mistakes(MQTT_PASSWORD_FILE=str(path))[0].endswith(f"cannot read {path}: No such file or directory")
    path.touch(mode=0o600)
    path.write_text(" \n")
    assert mistakes(MQTT_PASSWORD_FILE=str(path)) == [f"KLEINMAELZUNG_MQTT_PASSWORD_FILE: {path} is empty"]
    path.write_bytes(b"\xff\xfe")
    assert mistakes(MQTT_PASSWORD_FILE=str(path)) == [f"KLEINMAELZUNG_MQTT_PASSWORD_FILE: {path} holds no text"]


def read(secret: Path, **environment: str) -> Config:
    variables = {f"KLEINMAELZUNG_{key}": value for key, value in environment.items()}
    return Config.from_environment({"KLEINMAELZUNG_MQTT_PASSWORD_FILE": str(secret), **variables})


def test_a_secret_that_everybody_can_read_is_refused(secret: Path) -> None:
    secret.chmod(0o644)
    [mistake] = mistakes(MQTT_PASSWORD_FILE=str(secret))
    assert mistake.endswith(f"everybody can read {secret} (mode 0644), run: chmod 600 {secret}")


def test_ways_in_without_a_password_are_files_for_the_gateway_alone(secret: Path, tmp_path: Path) -> None:
    link = tmp_path / "login-link"
    config = read(secret, LOGIN_LINK_FILE=str(link), PUBLIC_VIEW_PASSWORD_FILE=str(secret))
    assert (config.login_link, config.public_password) == (link, "s3cret"), "a link that was used is not there"
    assert "s3cret" not in repr(config)
    config = read(secret, LOGIN_LINK_FILE="", PUBLIC_VIEW_PASSWORD_FILE="")
    assert (config.login_link, config.public_password) == (None, None)
    link.touch()
    link.chmod(0o644)
    assert mistakes(LOGIN_LINK_FILE=str(link), PUBLIC_VIEW_PASSWORD_FILE=str(link), MQTT_PASSWORD_FILE=str(secret)) == [
        f"KLEINMAELZUNG_LOGIN_LINK_FILE: everybody can read {link} (mode 0644), run: chmod 600 {link}",
        f"KLEINMAELZUNG_PUBLIC_VIEW_PASSWORD_FILE: everybody can read {link} (mode 0644), run: chmod 600 {link}",
        f"KLEINMAELZUNG_PUBLIC_VIEW_PASSWORD_FILE: {link} is empty",
    ]


def test_names_and_origins_are_lists_with_commas(secret: Path) -> None:
    config = read(secret, HOSTS="Lab.example, *.malt.example,", ORIGINS="https://Board.example:8443")
    assert config.names.knows("lab.example")
    assert config.names.knows("a.malt.example")
    assert config.names.origins == {"https://board.example:8443"}


@pytest.mark.parametrize("host", ["http://lab", "lab:8080", "a b", "*"])
def test_what_is_no_name_is_quoted(secret: Path, host: str) -> None:
    [mistake] = mistakes(HOSTS=host, MQTT_PASSWORD_FILE=str(secret))
    assert mistake.startswith("KLEINMAELZUNG_HOSTS: expected names of hosts")
    assert repr(host) in mistake


@pytest.mark.parametrize("origin", ["lab", "null", "ftp://lab", "https://", "https://lab/page"])
def test_what_is_no_origin_is_quoted(secret: Path, origin: str) -> None:
    [mistake] = mistakes(ORIGINS=origin, MQTT_PASSWORD_FILE=str(secret))
    assert mistake.startswith("KLEINMAELZUNG_ORIGINS: expected origins")


@pytest.mark.parametrize("count", ["0", "-1", "many", "1.5", "99999999999", "²"])
def test_limits_are_numbers(secret: Path, count: str) -> None:
    assert read(secret, MAX_SOCKETS="7", MAX_SOCKETS_PER_ADDRESS="3").limits.sockets_for_one == 3
    [mistake] = mistakes(MAX_SOCKETS=count, MQTT_PASSWORD_FILE=str(secret))
    assert mistake.startswith("KLEINMAELZUNG_MAX_SOCKETS: expected a number")


def test_an_address_with_a_password_is_refused_without_repeating_it(secret: Path) -> None:
    for key in ("MQTT", "LISTEN"):
        [mistake] = mistakes(**{key: "mqtt://gateway:geheim@lab:1883"}, MQTT_PASSWORD_FILE=str(secret))
        assert mistake == f"KLEINMAELZUNG_{key}: expected host:port without a user and a password"


def test_the_broker_may_be_reached_by_tls(secret: Path, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    config = read(secret, MQTT="mqtts://lab:8883", MQTT_CA_FILE=str(tmp_path / "ca.pem"))
    assert (config.broker_tls, config.broker_ca_file) == (True, tmp_path / "ca.pem")
    assert not read(secret).broker_tls
    assert mistakes(MQTT_CA_FILE="/no/file", MQTT_PASSWORD_FILE=str(secret)) == [
        "KLEINMAELZUNG_MQTT_CA_FILE: /no/file is no file"
    ]


def test_certificate_and_key_go_together_and_are_looked_at(secret: Path, tmp_path: Path) -> None:
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    Authority(tmp_path / "ca").sign(certificate, key)
    found = read(secret, TLS_CERT=str(certificate), TLS_KEY=str(key)).certificate
    assert found is not None
    assert (found.certificate, found.key) == (certificate, key)
    assert mistakes(TLS_CERT=str(certificate), MQTT_PASSWORD_FILE=str(secret)) == [
        "KLEINMAELZUNG_TLS_KEY: missing; certificate and key go together"
    ]
    [mistake] = mistakes(TLS_CERT=str(certificate), TLS_KEY=str(secret), MQTT_PASSWORD_FILE=str(secret))
    assert mistake.startswith("KLEINMAELZUNG_TLS_CERT: ")


def test_the_kind_of_broker_is_one_of_two(secret: Path) -> None:
    needed = {"KLEINMAELZUNG_MQTT_PASSWORD_FILE": str(secret)}
    assert Config.from_environment(needed).broker_kind == "mosquitto"
    assert Config.from_environment(needed | {"KLEINMAELZUNG_MQTT_KIND": "rabbitmq"}).broker_kind == "rabbitmq"
    with pytest.raises(ConfigError, match="KLEINMAELZUNG_MQTT_KIND: expected mosquitto or rabbitmq, found 'emqx'"):
        Config.from_environment(needed | {"KLEINMAELZUNG_MQTT_KIND": "emqx"})
