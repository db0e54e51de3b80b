"""Which client sessions are there, also over the agent's own absence."""

from kleinmaelzung_agent.commands.presence import ALL_TOLD_S, Presence

ANNA, OTTO = ("anna", "s1"), ("otto", "s1")


def test_who_is_not_named_again_after_the_agents_return_has_gone() -> None:
    presence = Presence()
    presence.came(ANNA)
    presence.came(OTTO)
    presence.connected(100.0)
    presence.came(OTTO)
    assert presence.missing(100.0 + ALL_TOLD_S - 0.1) == set()
    assert presence.missing(100.0 + ALL_TOLD_S) == {ANNA}
    assert presence.missing(200.0) == set(), "told once"
    presence.connected(300.0)
    assert presence.missing(400.0) == {OTTO}


def test_who_was_never_named_is_not_missed() -> None:
    presence = Presence()
    presence.connected(100.0)
    assert presence.missing(200.0) == set()
    presence.came(ANNA)
    presence.went(ANNA)
    presence.connected(300.0)
    assert presence.missing(400.0) == set()
