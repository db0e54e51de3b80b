"""A short run of the fuzzer, by another seed than the long one's; `python -m tests.faults.fuzz` is the long one."""

import json
from pathlib import Path
from random import Random

from tests.faults import fuzz, fuzz_inputs, fuzz_memory, mutate

INPUTS = 5000
MAX_GROWTH_KB = 16 * 1024  # what is kept up to a bound comes in such a short run


async def test_bad_inputs_to_every_socket_and_topic_end_nothing_and_reach_nobody_else(tmp_path: Path) -> None:
    found = await fuzz.run(INPUTS, seed=2, directory=tmp_path)
    told = json.dumps(found.to_json(), indent=1)
    assert found.is_well, told
    assert found.inputs >= INPUTS - len(fuzz.SHARES), told
    assert set(fuzz.SHARES) <= {name for name, tally in found.targets.items() if tally.inputs}, told
    assert found.targets["/agent"].answers["refused"], told
    assert found.targets["/client json"].answers["refused"], told
    for name, measured in found.memory_kb.items():
        assert measured[-1] - measured[0] < MAX_GROWTH_KB, f"{name}: {told}"


def test_the_same_seed_gives_the_same_inputs() -> None:
    def inputs(seed: int) -> list[bytes]:
        return list(fuzz_inputs.payloads(fuzz_inputs.frame, 300, Random(seed), [None, 1]))

    assert inputs(1) == inputs(1) != inputs(2)


def test_most_inputs_are_changed_and_some_are_not() -> None:
    good = fuzz_inputs.pack(["publish", "balance/data", b"x"])
    changed = [mutate.change_bytes(good, Random(seed)) for seed in range(500)]
    assert len(set(changed)) > 250
    assert good in [*fuzz_inputs.payloads(lambda chance: ["publish", "balance/data", b"x"], 500, Random(1), [None])]


def test_memory_that_goes_on_growing_is_a_leak_and_memory_that_came_to_rest_is_none() -> None:
    inputs = 100_000
    a_hundred_bytes_each = [30_000 + step * inputs // 10 * 110 // 1024 for step in range(10)]
    at_rest = [30_000, 36_000, 39_000, 40_000, 40_500, 40_500, 41_000, 42_000, 41_500, 42_500]
    measured = {"gateway": a_hundred_bytes_each, "agent": at_rest}
    assert fuzz_memory.leaking(measured, inputs) == ["gateway"]
    assert round(fuzz_memory.bytes_an_input(a_hundred_bytes_each, inputs)) == 110
    assert fuzz_memory.bytes_an_input(at_rest, inputs) == 2000 * 1024 / 50_000


def test_a_short_run_says_nothing_about_leaks() -> None:
    assert fuzz_memory.leaking({"gateway": [30_000] * 5 + [40_000] * 5}, 5000) == []
