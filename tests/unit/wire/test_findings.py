from kleinmaelzung_wire import codec, findings
from kleinmaelzung_wire.findings import Finding

SEEN = [
    findings.ok("server", "answers"),
    findings.ok("logger", "recording", of="logger-2"),
    findings.warning("certificate", "expires in 4 d", "renew it"),
    findings.broken("instrument", "silent\x1b[2J", "switch it on", of="pi-1/balance"),
    findings.unchecked("login", "the server is not reached"),
]


def test_the_report_says_what_to_do_below_what_is_not_well() -> None:
    assert findings.report(SEEN).splitlines() == [
        "ok       server                   answers",
        "ok       logger-2                 recording",
        "WARNING  certificate              expires in 4 d",
        "                                  -> renew it",
        "BROKEN   instrument pi-1/balance  silent\N{REPLACEMENT CHARACTER}[2J",
        "                                  -> switch it on",
        "-        login                    not checked because the server is not reached",
        "",
        "1 broken, 1 to see to, 2 well, 1 not checked",
    ]


def test_the_document_has_every_check_and_the_sums() -> None:
    document = codec.from_json(codec.to_json(findings.document(SEEN)).encode())
    checks = document.pop("checks")
    assert document == {"ok": False, "broken": 1, "warnings": 1, "unchecked": 1}
    assert checks[2] == {
        "id": "certificate",
        "state": "warning",
        "found": "expires in 4 d",
        "remedy": "renew it",
        "of": "",
    }


def test_what_is_to_see_to_or_not_checked_breaks_nothing() -> None:
    assert findings.is_well([*SEEN[:3], SEEN[4]])
    assert not findings.is_well(SEEN)
    assert findings.report([]) == "\n0 broken, 0 to see to, 0 well"


def test_a_service_is_called_by_its_name_alone() -> None:
    assert Finding(id="logger", of="logger", state="ok", found="").label == "logger"
    assert Finding(id="agent", of="pi-1", state="ok", found="").label == "agent pi-1"
