"""deploy/.env: what people wrote stays."""

from kleinmaelzung_containers import variables

WRITTEN = """\
# ours
MOSQUITTO_IMAGE = 'eclipse-mosquitto:2.1.2'   # newer
HTTP_ADDRESS=127.0.0.1:8080 # here only
export EMPTY=
not a variable
"""


def test_values_are_read_without_quotes_and_comments() -> None:
    assert variables.read("A=\"x # y\"\nB='z'\nC=1 # one\nexport D=\n#E=2\nA=last") == {
        "A": "last",
        "B": "z",
        "C": "1",
        "D": "",
    }


def test_a_change_is_made_where_the_variable_stands_and_nothing_else_is_touched() -> None:
    changed = variables.changed(WRITTEN, {"HTTP_ADDRESS": "0.0.0.0:80", "NEW": "1"})
    before, after = WRITTEN.splitlines(), changed.splitlines()
    assert after == [*before[:2], "HTTP_ADDRESS=0.0.0.0:80", *before[3:], "NEW=1"]


def test_the_same_values_change_nothing() -> None:
    assert variables.changed(WRITTEN, {"HTTP_ADDRESS": "127.0.0.1:8080", "EMPTY": ""}) == WRITTEN


def test_a_new_file_says_what_it_is() -> None:
    made = variables.changed("", {"A": "1"})
    assert made == variables.HEAD + "A=1\n"
    assert variables.changed(made, {"A": "1"}) == made
