"""`kleinmaelzung watch --since`: what is typed wrong, and what cannot be told. What it shows is in test_recipes.py."""

import pytest

from tests.terminals import Terminal


@pytest.mark.parametrize("since", ["yesterday", "2026-01-01T08:00:00", "1 fortnight", "1999-01-01"])
async def test_what_is_no_time_is_wrong_usage(terminal: Terminal, since: str) -> None:
    code, out, err = await terminal.run("watch", "pi-1/balance", "--since", since)
    assert (code, out) == (2, "")
    assert since in err


async def test_without_a_history_service_there_is_no_past(terminal: Terminal) -> None:
    code, out, err = await terminal.run("watch", "pi-1/balance", "--since", "1h")
    assert (code, out) == (1, "")
    assert "no history service" in err
