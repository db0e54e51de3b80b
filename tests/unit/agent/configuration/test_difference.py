"""What is different between two configurations, and what is not although it was read twice."""

from dataclasses import replace
from pathlib import Path

from kleinmaelzung_agent.configuration import config
from kleinmaelzung_agent.configuration.difference import Difference
from kleinmaelzung_agent.spool.spool import Limits

EXAMPLE = Path(__file__).parents[4] / "agent" / "agent.example.toml"


def test_the_same_file_read_twice_is_no_difference(tmp_path: Path) -> None:
    text = EXAMPLE.read_text().replace('secret_file = "pi-1.secret"', 'secret = "x"')
    path = tmp_path / "agent.toml"
    path.write_text(text)
    path.chmod(0o600)
    one, other = config.load(path), config.read(text, path)
    found = Difference.between(one, other)
    assert (found.added, found.removed, found.changed, found.is_restart) == ((), (), (), False)
    assert found.unchanged == tuple(one.instruments)
    assert str(found) == "nothing is different"


def test_names_are_told_by_what_becomes_of_them_and_the_whole_by_its_own_tables(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text('[agent]\nname = "a"\nurl = "ws://x"\nsecret = "x"\ndata = "d"\n')
    path.chmod(0o600)
    empty = config.load(path)
    more = "".join(
        f'[instruments.{name}]\nport = "/{name}"\nstream = [{{ pattern = "(?P<m>x)" }}]\n'
        f"[instruments.{name}.channels.m]\n"
        for name in ("one", "two")
    )
    both = config.read(path.read_text() + more, path)
    found = Difference.between(both, replace(both, instruments={"two": both.instruments["one"]}))
    assert (found.removed, found.changed) == (("one",), ("two",))
    assert Difference.between(empty, both).values() == {
        "added": "one,two",
        "removed": "",
        "changed": "",
        "unchanged": "",
        "restarted": False,
    }
    assert Difference.between(both, replace(both, agent=replace(both.agent, spool=Limits(bytes=9)))).is_restart
    assert str(Difference(added=("x",), is_restart=True)) == "added x; the agent begins anew"
