"""What deploy/install makes of what a person chose, now and before."""

from pathlib import Path

import pytest

from kleinmaelzung_containers import broker_file, certificates, install
from kleinmaelzung_containers.install import Choices
from kleinmaelzung_containers.place import Refused

ROOT = Path(__file__).parents[3]
GIVEN = certificates.Given(Path("a.pem"), Path("a.key"), None)


def wanted(present: dict[str, str] | None = None, **chosen: object) -> dict[str, str]:
    return install.wanted(present or {}, Choices(**chosen), "1.2.3")  # type: ignore[arg-type]


def test_without_a_choice_only_this_machine_gets_in() -> None:
    assert wanted() == {
        "COMPOSE_FILE": "compose.yaml",
        "KLEINMAELZUNG_VERSION": "1.2.3",
        "HTTP_ADDRESS": "127.0.0.1:8080",
        "MQTT_ADDRESS": "127.0.0.1:1883",
        "PUBLIC_URL": "http://127.0.0.1:8080",
    }


def test_what_was_chosen_before_stays() -> None:
    before = wanted(host="0.0.0.0", port=80, mqtt_port=1900, names=("lab.local", "192.168.1.10"), tls=True)
    assert wanted(before) == {key: before[key] for key in wanted(before)}
    assert wanted(before, port=81)["PUBLIC_URL"] == "https://lab.local:81"


def test_a_running_version_is_not_upgraded_by_installing_again() -> None:
    assert wanted({"KLEINMAELZUNG_VERSION": "1.0.0"})["KLEINMAELZUNG_VERSION"] == "1.0.0"


def test_with_tls_the_usual_mqtt_port_is_the_usual_one_of_tls() -> None:
    assert wanted(tls=True)["MQTT_ADDRESS"] == "127.0.0.1:8883"
    assert wanted(wanted(), tls=True)["MQTT_ADDRESS"] == "127.0.0.1:8883"
    assert wanted(wanted(mqtt_port=2000), tls=True)["MQTT_ADDRESS"] == "127.0.0.1:2000"


def test_a_given_certificate_is_not_replaced_by_a_private_one() -> None:
    before = wanted(tls=True, given=GIVEN, names=("192.168.1.10", "lab.example"))
    assert (before["CERTIFICATE"], before["INSIDE_NAME"], before["KLEINMAELZUNG_CA_FILE"]) == (
        "given",
        "lab.example",
        "",
    )
    assert "CERTIFICATE" not in wanted(before, tls=True)


def test_a_public_view_is_there_only_where_it_was_chosen() -> None:
    open_to_all = wanted(public_view=True)
    assert open_to_all["PUBLIC_VIEW"] == "yes"
    assert wanted(open_to_all, public_view=False)["PUBLIC_VIEW"] == ""
    assert "PUBLIC_VIEW" not in wanted(open_to_all)
    with pytest.raises(Refused, match=r"PUBLIC_VIEW is yes or empty, found 'no'"):
        wanted({"PUBLIC_VIEW": "no"})


@pytest.mark.parametrize("address", ["8080", "here:http", ":8080"])
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(Refused, match=r"\.env: expected an address such as 127\.0\.0\.1:8080"):
        wanted({"HTTP_ADDRESS": address})


def test_the_version_is_the_projects() -> None:
    assert install.version('[project]\nname = "x"\nversion = "4.5.6"\n') == "4.5.6"


def test_who_lets_others_in_without_tls_is_told_what_that_means() -> None:
    open_to_all = install.Outcome(url="http://192.168.1.10:8080", mqtt="mqtt://192.168.1.10:1883")
    here_only = install.Outcome(url="http://127.0.0.1:8080", mqtt="mqtt://127.0.0.1:1883")
    assert "reads passwords" in install.text(open_to_all, Path("admin"))
    assert "reads passwords" not in install.text(here_only, Path("admin"))


def test_a_certificates_names_are_names_or_addresses() -> None:
    assert certificates.alternative_names(["lab.local", "192.168.1.10", "::1", "lab.local"]) == (
        "DNS:lab.local,IP:192.168.1.10,IP:::1,DNS:localhost,IP:127.0.0.1,DNS:gateway"
    )


def test_the_brokers_configuration_is_complete() -> None:
    template = (ROOT / "broker" / "mosquitto.conf").read_text()
    plain, secure = broker_file.filled(template, tls=False), broker_file.filled(template, tls=True)
    lines = [line for line in plain.splitlines() if line and not line.startswith("#")]
    assert not [line for line in lines if "{" in line]
    # What follows a listener is that listener's: the last is the one for everyone else.
    assert [line for line in lines if line.startswith("listener")][-1] == "listener 8883 0.0.0.0"
    assert secure == plain + broker_file.TLS
