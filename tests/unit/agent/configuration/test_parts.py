"""agent.toml in two parts: what is this machine's own never leaves it, what is another's comes in as it was written."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.configuration import parts
from kleinmaelzung_agent.configuration.agent_file import NotChanged

OWN = '[agent]\nname = "pi-1"\nurl = "http://lab"\nsecret = "s3cret"\ndata = "data"\n'
QUOTED = "[instruments.a]\ntext = '''\n[agent]\nsecret = 5\n'''\n"
BALANCE = "# the balance\n[instruments.balance] # Mettler\nport = '/dev/x'  # left\n"


def test_comments_stay_where_they_were() -> None:
    text = f"# the machine\n{OWN}# secret = 'the old one'\n\n{BALANCE}"
    assert parts.rest(text) == BALANCE
    other = BALANCE.replace("left", "right")
    assert parts.joined(text, other) == f"# the machine\n{OWN}# secret = 'the old one'\n\n{other}"


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (OWN, ""),
        (f"{OWN}{BALANCE}", BALANCE.partition("\n")[2]),  # a comment at the own part counts to it
        (f"{BALANCE}\n# mine\n{OWN}", f"{BALANCE}\n"),
        (f"{BALANCE}\n{OWN}\n[spool]\nkeep = '1h'\n", f"{BALANCE}\n[spool]\nkeep = '1h'\n"),
        (OWN.replace("\n", "\r\n") + "\r\n[spool]\r\n", "[spool]\r\n"),
        (OWN.replace("[agent]", "  [ agent ]  # here") + "\n", ""),
        (f"{OWN}\n{QUOTED}", QUOTED),
        (OWN + '\n[instruments.a]\nlabel = "\u2028\x85 [agent]"\n', '[instruments.a]\nlabel = "\u2028\x85 [agent]"\n'),
    ],
)  # fmt: skip
def test_the_own_part_is_found_wherever_it_stands(text: str, rest: str) -> None:
    assert parts.rest(text) == rest
    assert "s3cret" not in rest


@pytest.mark.parametrize(
    "text",
    [
        "agent.name = 'pi-1'\n",
        "agent = { name = 'pi-1' }\n",
        "[agent]\nname = 'pi-1'\n[agent.more]\nx = 1\n",
        "[instruments.a]\ntext = '''\n[agent]\n'''\n[agent]\nname = 'pi-1'\n",
        "[agent]\nname = [\n'a',\n\n['b']]\n",
        "[instruments",
        "",
    ],
)
def test_what_cannot_be_parted_safely_is_refused(text: str) -> None:
    with pytest.raises(NotChanged):
        parts.rest(text)


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("[agent]\nurl = 'http://elsewhere'\n", "leave it out"),
        ("agent.url = 'http://elsewhere'\n", "leave it out"),
        ("[agents\n", "not TOML"),
        ("[ag\x00ent]\n", "not TOML"),
        ("spool.keep = '1h'\n# the end", "cannot be put together"),  # would be the comment above [agent]
    ],
)
def test_a_new_rest_says_nothing_of_the_machines_own_part(rest: str, expected: str) -> None:
    with pytest.raises(NotChanged, match=expected):
        parts.joined(OWN + "\n" + BALANCE, rest)


def test_keys_of_no_table_come_before_the_own_part() -> None:
    joined = parts.joined(OWN, "spool.keep = '1h'\n")
    assert tomllib.loads(joined) == tomllib.loads(OWN) | {"spool": {"keep": "1h"}}
    assert parts.rest(joined) == "spool.keep = '1h'\n"


NAMES = st.sampled_from(["spool", "instruments.a", "instruments.b", "instruments.'[agent]'", "agents"])
TEXTS = st.text(st.sampled_from("ab[]#= \t'\"\\\n\u2028agent"), max_size=12)
LINES = st.one_of(
    st.just(""),
    st.just("   "),
    st.builds("# {}".format, st.sampled_from(["[agent]", "a = 1", "secret = 's3cret'", "\u2028[agent]"])),
    st.builds("{} = {}".format, st.sampled_from("abcdef"), st.integers()),
    st.builds("{} = '''\n{}'''".format, st.sampled_from("ghi"), TEXTS.filter(lambda text: "'''" not in text)),
    st.builds("{} = [\n{},\n# [agent]\n]".format, st.sampled_from("jkl"), st.integers()),
)
BLOCKS = st.builds(lambda name, lines: "\n".join([f"[{name}]", *lines]), NAMES, st.lists(LINES, max_size=4))
RESTS = st.builds(
    lambda lines, blocks, end: "\n".join([*lines, *blocks]) + end,
    st.lists(LINES, max_size=3),
    st.lists(BLOCKS, max_size=3),
    st.sampled_from(["", "\n", "\n\n", "\r\n"]),
)
OWNS = st.sampled_from([OWN, f"# c\n{OWN}", f"{OWN}\n# c\n\n[spool]\n", f"[spool]\n{OWN}# c", OWN.rstrip()])


def is_toml(text: str) -> bool:
    try:
        return "agent" not in tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False


@given(own=OWNS, rest=RESTS)
def test_whatever_comes_in_means_what_it_meant_and_goes_out_as_it_came(own: str, rest: str) -> None:
    try:
        joined = parts.joined(own, rest)
    except NotChanged:
        # Refused is what is no TOML, and what begins with keys of no table and ends so that [agent] cannot follow.
        first = next((line for line in rest.split("\n") if line.strip() and not line.lstrip().startswith("#")), "[")
        assert not is_toml(rest) or not first.startswith("[")
        return
    assert tomllib.loads(joined) == tomllib.loads(rest) | {"agent": tomllib.loads(own)["agent"]}
    assert parts.rest(joined) == rest
    assert parts.joined(joined, rest) == joined
    assert tomllib.loads(parts.rest(joined)).keys() == tomllib.loads(rest).keys()
