"""`latency`: what our path adds at 1000 frames a second, beside one MQTT client to another through the same Mosquitto.

Both sides are the same load generator on plain sockets; at the limit it speaks MQTT itself. That is faster than
mosquitto_pub -l into mosquitto_sub, whose pipes would count in our favour.
"""

from statistics import median

from benchmarks import lab
from benchmarks.row import Row

GOAL_MS = 3.0
ROUNDS = 5
SECONDS = 3.0
RATE = 1000


async def measure() -> list[Row]:
    ours, limit = [], []
    async with lab.running_lab() as running:
        given = running.given(seconds=SECONDS, rate=RATE)
        for _ in range(ROUNDS):
            ours.append(await lab.load("latency", given))
            limit.append(await lab.load("latency-mqtt", given))
    return [_row(which, [one[which] for one in ours], [one[which] for one in limit]) for which in ("p50", "p99")]


def _row(which: str, ours: list[float], limit: list[float]) -> Row:
    added = median(our - their for our, their in zip(ours, limit, strict=True))
    return Row(
        name=f"latency {which}",
        unit="ms at 1000 frames/s; ratio: ms added",
        ours=median(ours),
        limit=median(limit),
        ratio=added,
        goal=f"<= {GOAL_MS:g} ms added",
        met=added <= GOAL_MS,
        details={"rounds_ours": ours, "rounds_limit": limit},
    )
