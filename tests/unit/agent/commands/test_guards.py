"""Arming, and what the interlocks look at."""

from kleinmaelzung_agent.commands import guards, interlocks
from kleinmaelzung_agent.commands.guards import Armed, Guard, Guarding
from kleinmaelzung_agent.commands.newest import Newest
from kleinmaelzung_agent.instruments import Reading

BURN = guards.what("burn", {"value": 1, "how": "hot"})


def test_what_is_armed_is_used_once_within_ten_seconds() -> None:
    armed = Armed()
    armed.arm("oven", "anna", "s1", BURN, now_s=100.0)
    assert armed.use("oven", "anna", "s1", guards.what("burn", {"how": "hot", "value": 1}), now_s=109.9)
    assert not armed.use("oven", "anna", "s1", BURN, now_s=109.9)
    armed.arm("oven", "anna", "s1", BURN, now_s=100.0)
    assert not armed.use("oven", "anna", "s1", BURN, now_s=110.0)


def test_another_user_session_instrument_or_command_does_not_use_it() -> None:
    for other in [
        ("oven", "otto", "s1", BURN),
        ("oven", "anna", "s2", BURN),
        ("lamp", "anna", "s1", BURN),
        ("oven", "anna", "s1", guards.what("burn", {"value": 1})),
        ("oven", "anna", "s1", guards.what("burn", {"value": True, "how": "hot"})),
        ("oven", "anna", "s1", guards.what("off", {"value": 1, "how": "hot"})),
    ]:
        armed = Armed()
        armed.arm("oven", "anna", "s1", BURN, now_s=100.0)
        assert not armed.use(*other, now_s=101.0), other


def test_arming_forgets_what_nobody_used() -> None:
    armed = Armed()
    for second in range(100):
        armed.arm("oven", "anna", f"s{second}", BURN, now_s=float(second))
    assert len(armed._armed) <= 11


def guard(text: str, max_age_s: float | None = None) -> Guard:
    return Guard(interlocks=(interlocks.parse(text),), max_age_s=max_age_s)


def reading(at_s: float, quality: str = "good", **values: float) -> Reading:
    bad = {} if quality == "good" else dict.fromkeys(values, quality)
    return Reading(values=dict(values), quality=bad, taken_ns=int(at_s * 1e9))


def test_an_interlock_looks_at_the_newest_value_that_a_channel_has() -> None:
    hot, wet = guard("t < 80"), guard("air.wet < 50 and t < 90", max_age_s=2.0)
    newest = Newest({"oven": Guarding(commands={"hot": hot, "wet": wet})}, {"oven": 1.0, "air": 1.0})
    at = int(10e9)
    assert "t is not known" in newest.refusal("oven", hot, at)
    newest.take("oven", [reading(9.0, t=70.0), reading(9.5, other=1.0)])
    assert newest.refusal("oven", hot, at) == ""
    assert "air.wet is not known" in newest.refusal("oven", wet, at)
    newest.take("air", [reading(9.0, wet=40.0, t=99.0)])
    assert newest.refusal("oven", wet, at) == ""
    assert "t is 4 s old, allowed are 3s" in newest.refusal("oven", hot, int(13e9))
    assert "air.wet is 3 s old, allowed are 2s" in newest.refusal("oven", wet, int(12e9))
    newest.take("oven", [reading(12.0, "overload", t=70.0)])
    assert "t is overload" in newest.refusal("oven", hot, int(12e9))


def test_what_is_known_of_an_instrument_that_was_changed_is_forgotten_and_of_the_others_not() -> None:
    guarding = {"oven": Guarding(commands={"hot": guard("air.t < 5"), "wet": guard("hall.t < 5")})}
    newest = Newest(guarding, {"oven": 1.0, "air": 1.0, "hall": 1.0})
    for name in ("air", "hall"):
        newest.take(name, [reading(9.0, t=1.0)])
    newest.renew(guarding, {"oven": 1.0, "air": 1.0, "hall": 1.0}, {"air"})
    assert "air.t" in newest.refusal("oven", guarding["oven"].commands["hot"], int(9.5e9))
    assert newest.refusal("oven", guarding["oven"].commands["wet"], int(9.5e9)) == ""
    newest.renew({}, {}, ())
    newest.renew(guarding, {"oven": 1.0, "hall": 1.0}, ())
    assert "hall.t" in newest.refusal("oven", guarding["oven"].commands["wet"], int(9.5e9)), (
        "nobody looked at it meanwhile"
    )


def test_what_was_announced_to_an_instrument_that_was_changed_is_not_any_more() -> None:
    armed = Armed()
    for name in ("oven", "lamp"):
        armed.arm(name, "anna", "s", BURN, now_s=0.0)
    armed.forget({"oven"})
    assert not armed.use("oven", "anna", "s", BURN, now_s=1.0)
    assert armed.use("lamp", "anna", "s", BURN, now_s=1.0)
