"""A command's record fits into a frame, whatever a caller put into the command."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kleinmaelzung_agent.commands import command_record
from kleinmaelzung_agent.commands.remembered import Begun
from kleinmaelzung_wire import codec
from kleinmaelzung_wire.messages import Reply

LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary())
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


def record(arguments: dict[str, Any], id_: str = "c1") -> dict[str, Any]:
    begun = Begun(instrument="oven", user="anna", id=id_, name="set", origin="s1", arguments=arguments, received=1)
    return command_record.of(begun, Reply(id=id_, name="set", user="anna", result="refused", reason="why"))


@given(st.dictionaries(st.text(alphabet=st.characters(codec="utf-8")), ANYTHING, max_size=50))
def test_any_arguments_can_be_recorded(arguments: dict[str, Any]) -> None:
    made = record(arguments)
    assert len(made["arguments"]) <= command_record.MAX_ARGUMENTS + 1
    assert "\x00" not in str(made["arguments"].keys())


def test_what_is_reasonable_is_recorded_as_it_is() -> None:
    arguments = {"value": 1.5, "on": True, "text": "x", "bytes": b"\r\n", "arguments": {"value": 1}}
    assert record(arguments)["arguments"] == arguments
    assert codec.unpack(codec.pack(record(arguments))) == record(arguments)


def test_what_is_long_deep_or_not_for_a_database_is_cut_or_written_out() -> None:
    made = record({"long": "x" * 9999, "deep": [[1]], "nul": "a\x00b", "big": 2**63, "raw": b"x" * 9999}, id_="\x00")
    assert len(made["arguments"]["long"]) == command_record.MAX_TEXT
    assert made["arguments"]["deep"] == "[[1]]"
    assert made["arguments"]["nul"] == "a\\x00b"
    assert made["arguments"]["big"] == str(2**63)
    assert len(made["arguments"]["raw"]) == command_record.MAX_RAW
    assert made["id"] == "\\x00"
    nested = {str(count): {str(inner): "x" * 1000 for inner in range(30)} for count in range(30)}
    assert list(record(nested)["arguments"]) == ["..."]
    assert record({str(count): 1 for count in range(40)})["arguments"]["..."] == "8 more"
