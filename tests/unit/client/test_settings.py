from pathlib import Path

import pytest

from kleinmaelzung import SettingsError, settings

URL = "http://lab:8080"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kleinmaelzung.toml"


@pytest.mark.parametrize(
    ("given", "socket"),
    [
        ("http://lab:8080", "ws://lab:8080/client"),
        ("https://lab", "wss://lab/client"),
        ("ws://lab:8080/", "ws://lab:8080/client"),
        ("wss://lab/malt/", "wss://lab/malt/client"),
        ("ws://lab:8080/client", "ws://lab:8080/client"),
        ("http://[::1]:8080", "ws://[::1]:8080/client"),
    ],
)
def test_the_sockets_address_comes_from_the_servers(given: str, socket: str) -> None:
    assert settings.socket_url(given) == socket


def test_a_page_is_below_the_same_address() -> None:
    assert settings.page_url("wss://lab/malt/client", "/healthz") == "https://lab/malt/healthz"


@pytest.mark.parametrize("given", ["lab:8080", "ftp://lab", "http://", "http://lab:many", "http://[::1", "lab"])
def test_what_is_no_address_is_said(given: str) -> None:
    with pytest.raises(SettingsError, match="is no"):
        settings.socket_url(given)


def test_a_password_in_the_address_is_refused_without_repeating_it() -> None:
    with pytest.raises(SettingsError, match="--password-file") as caught:
        settings.socket_url("http://anna:barley@lab:8080")
    assert "barley" not in str(caught.value)


def test_arguments_come_before_the_environment_and_that_before_the_file(file: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from-environment\n")
    file.write_text(f'url = "{URL}"\nuser = "file"\npassword = "from-file"\n')
    environment = {"KLEINMAELZUNG_USER": "environment", "KLEINMAELZUNG_PASSWORD_FILE": str(tmp_path / "password")}
    found = settings.find(environment=environment, file=file)
    assert (found.url, found.user, found.password) == (URL, "environment", "from-environment")
    found = settings.find(user="argument", password="", environment=environment, file=file)
    assert (found.user, found.password) == ("argument", "")
    found = settings.find(environment={}, file=file)
    assert (found.user, found.password) == ("file", "from-file")


def test_the_files_password_goes_to_no_other_server(file: Path) -> None:
    file.write_text(f'url = "{URL}"\nuser = "anna"\npassword = "barley"\n')
    with pytest.raises(SettingsError, match="which user"):
        settings.find("http://elsewhere:8080", environment={}, file=file)
    assert settings.find("ws://lab:8080/client", environment={}, file=file).password == "barley"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "which server"),
        (f'url = "{URL}"', "which user"),
        (f'url = "{URL}"\nuser = "anna"', "no password for anna"),
        (f'url = "{URL}"\nuser = "an:na"', "colon"),
        (f'url = "{URL}"\nuser = "anna"\npassword_file = "/nowhere"', "cannot read the password file"),
        ('user = 3\npasswort = "x"', "user, passwort: expected only"),
        ("url =", "cannot read"),
    ],
)
def test_what_is_missing_or_wrong_is_said(file: Path, content: str, sentence: str) -> None:
    file.write_text(content)
    with pytest.raises(SettingsError, match=sentence):
        settings.find(environment={}, file=file)


def test_an_empty_password_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("\n")
    with pytest.raises(SettingsError, match="is empty"):
        settings.read_password(tmp_path / "password")


def test_a_password_is_not_shown_with_its_login() -> None:
    assert "barley" not in repr(settings.Login(url=URL, user="anna", password="barley"))


def test_a_ca_file_comes_from_the_argument_the_environment_or_the_file(file: Path) -> None:
    file.write_text(f'url = "{URL}"\nuser = "anna"\npassword = "barley"\nca_file = "/saved.pem"\n')

    def ca_file(given: str | None = None, **environment: str) -> Path | None:
        return settings.find(ca_file=given, environment=environment, file=file).ca_file

    assert ca_file() == Path("/saved.pem")
    assert ca_file(KLEINMAELZUNG_CA_FILE="/set.pem") == Path("/set.pem")
    assert ca_file("/given.pem", KLEINMAELZUNG_CA_FILE="/set.pem") == Path("/given.pem")
