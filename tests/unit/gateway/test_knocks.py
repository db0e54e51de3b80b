from kleinmaelzung_gateway.knocks import FIGHT_COUNT, LONGEST, Knocks


def test_a_wrong_secret_is_told_until_the_agent_comes_in() -> None:
    knocks = Knocks()
    knocks.refused("pi-1")
    assert (knocks.told()["pi-1"]["reason"], knocks.changed.is_set()) == ("wrong secret", True)
    knocks.changed.clear()
    knocks.came("pi-1")
    assert (knocks.told(), knocks.changed.is_set()) == ({}, True)


def test_who_comes_back_before_its_dead_connection_was_noticed_fights_nobody() -> None:
    knocks = Knocks()
    for _ in range(FIGHT_COUNT - 1):
        knocks.taken_over("pi-1")
    assert (knocks.told(), knocks.changed.is_set()) == ({}, False)
    knocks.taken_over("pi-1")
    knocks.came("pi-1")
    assert knocks.told()["pi-1"]["reason"] == "connected again elsewhere"


def test_strangers_cannot_make_it_long() -> None:
    knocks = Knocks()
    for number in range(LONGEST + 5):
        knocks.refused(f"pi-{number}")
    assert (len(knocks.told()), "pi-4" in knocks.told(), "pi-5" in knocks.told()) == (LONGEST, False, True)
