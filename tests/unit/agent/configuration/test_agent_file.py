"""The [agent] table of somebody's agent.toml is changed, and nothing else in it."""

import tomllib

import pytest

from kleinmaelzung_agent.configuration import agent_file
from kleinmaelzung_agent.configuration.agent_file import NotChanged

NEW = {"name": "pi-2", "url": "http://lab:8080", "secret_file": "agent.secret"}
SECRET = frozenset({"secret", "ca_file"})


def test_a_new_file_says_what_it_is_told() -> None:
    text = agent_file.first("/etc/kleinmaelzung/agent.toml", NEW)
    assert tomllib.loads(text) == {"agent": NEW}
    assert "kleinmaelzung-agent --config /etc/kleinmaelzung/agent.toml --check" in text


def test_what_somebody_wrote_stays_as_it_is() -> None:
    before = """\
# mine
[agent]  # here
url = "ws://old"   # gone with its line
  name="old"
secret = "old"
data = "spool"     # stays

[instruments.balance]
name = "not the agent's"
url = "nor this"
"""
    after = agent_file.changed(before, NEW, SECRET)
    assert (
        after
        == """\
# mine
[agent]  # here
name = "pi-2"
url = "http://lab:8080"
secret_file = "agent.secret"
data = "spool"     # stays

[instruments.balance]
name = "not the agent's"
url = "nor this"
"""
    )
    assert agent_file.changed(after, NEW, SECRET) == after


@pytest.mark.parametrize("before", ["", "\n", "# only this", "[instruments.x]\nport = 'y'\n"])
def test_a_file_without_the_table_gets_one(before: str) -> None:
    after = agent_file.changed(before, NEW)
    assert tomllib.loads(after) == {**tomllib.loads(before), "agent": NEW}
    assert after.startswith(before.rstrip("\n"))


def test_whether_a_key_is_there_is_told_of_the_table_only() -> None:
    assert agent_file.says('[agent]\ndata = "x"\n', "data")
    for text in ("", "[agent]\n", 'data = "x"\n', '[other]\ndata = "x"\n', "agent = 1\n", "[agent"):
        assert not agent_file.says(text, "data"), text


def test_other_line_ends_are_kept() -> None:
    after = agent_file.changed('[agent]\r\nname = "old"\r\ndata = "x"\r\n', {"name": "new"})
    assert tomllib.loads(after) == {"agent": {"name": "new", "data": "x"}}


@pytest.mark.parametrize(
    "before",
    [
        'agent = {name = "x"}\n',
        'agent.name = "x"\n',
        '[agent]\nnote = """\nname = "in a text"\n[x]\n"""\nname = "x"\n',
        "[agent",
        "[agent]\nname = \n[agent]\n",
    ],
)
def test_a_file_that_is_written_otherwise_is_left_alone(before: str) -> None:
    with pytest.raises(NotChanged):
        agent_file.changed(before, NEW)


def test_what_is_odd_is_written_as_toml_has_it() -> None:
    odd = {"name": 'a"b\\c\tdé', "url": "http://lab"}
    assert tomllib.loads(agent_file.changed("[agent]\n", odd)) == {"agent": odd}
