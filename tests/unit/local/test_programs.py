import sys
import tomllib
from pathlib import Path

import pytest

from kleinmaelzung_local import programs


def test_a_missing_package_is_said_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "needs_much.py").write_text("import no_such_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert programs.run("needs_much", "services") == 1
    assert capsys.readouterr().err == (
        "the package no_such_package is not installed: pip install 'kleinmaelzung[services]'\n"
    )


def test_a_mistake_of_our_own_is_no_missing_extra() -> None:
    with pytest.raises(ModuleNotFoundError):
        programs.run("kleinmaelzung_nowhere", "services")


def test_each_command_leads_to_a_main_that_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["command", "--help"])
    pyproject = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    started: list[tuple[str, str]] = []

    def note(module: str, extra: str) -> int:
        started.append((module, extra))
        return 0

    monkeypatch.setattr(programs, "run", note)
    for target in pyproject["project"]["scripts"].values():
        assert getattr(programs, target.partition(":")[2])() == 0
    extras = pyproject["project"]["optional-dependencies"]
    for module, extra in started:
        assert extra in extras
        package, _, rest = module.partition(".")
        folder = next(Path(__file__).parents[3].glob(f"*/{package}/__init__.py")).parent
        assert (folder / rest.replace(".", "/")).with_suffix(".py").exists()
