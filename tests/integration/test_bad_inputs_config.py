"""Mistakes in agent.toml: the command kleinmaelzung-agent does not start, and says file and key or line.

docs/bad-inputs.md is the whole list.
"""

import json
from pathlib import Path

import pytest

from tests.integration.test_agent_command import ended, started
from tests.integration.test_bad_inputs_agent import AGENT, INSTRUMENT
from tests.integration.test_bad_inputs_sockets import WRONG_NAMES

SECOND = INSTRUMENT.format(name="bath", port="/dev/ttyUSB0")
MISTAKES = {
    "an unknown key": ('name = "pi-1"', 'name = "pi-1"\nspeed = 1', "agent.speed: unknown key"),
    "no TOML": ('name = "pi-1"', "name pi-1", "not TOML: Expected '=' after a key in a key/value pair (at line 2, "),
    "a key twice": ('name = "pi-1"', 'name = "pi-1"\nname = "b"', "(at line 3, "),
    "a port twice": ("[agent]", SECOND + "[agent]", 'instruments.oven.port: "/dev/ttyUSB0" is the port of instrument'),
}


def written(directory: Path, text: str, mode: int = 0o600) -> Path:
    path = directory / "agent.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


async def refusal(path: Path) -> str:
    """What the command says when it does not start."""
    code, said = await ended(await started("--config", str(path)))
    assert code == 2
    assert said.startswith(f"{path}: ")
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(("right", "wrong", "sentence"), MISTAKES.values(), ids=MISTAKES)
async def test_an_agent_does_not_start_with_a_mistake_and_names_its_place(
    tmp_path: Path, right: str, wrong: str, sentence: str
) -> None:
    text = AGENT + INSTRUMENT.format(name="oven", port="/dev/ttyUSB0")
    assert sentence in await refusal(written(tmp_path, text.replace(right, wrong)))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
async def test_an_agent_does_not_start_while_others_can_read_its_secret(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, AGENT, mode)
    assert f"agent.secret: others can read {path} (mode 0{mode:o}), run: chmod 600 {path}" in await refusal(path)
    secret = tmp_path / "pi-1.secret"
    secret.write_text("s3cret")
    secret.chmod(mode)
    path = written(tmp_path, AGENT.replace('secret = "unused"', 'secret_file = "pi-1.secret"'))
    said = await refusal(path)
    assert f"agent.secret_file: others can read {secret} (mode 0{mode:o}), run: chmod 600 {secret}" in said
    assert "s3cret" not in said


async def test_names_that_are_none_are_all_named(tmp_path: Path) -> None:
    text = "".join(
        INSTRUMENT.format(name=json.dumps(name), port=f"/dev/tty{number}")
        for number, name in enumerate(WRONG_NAMES.values())
    )
    said = await refusal(written(tmp_path, AGENT + text))
    assert said.count("an instrument's name is 1 to 32 of a-z 0-9 _ -") == len(WRONG_NAMES)
