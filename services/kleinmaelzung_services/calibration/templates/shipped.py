"""The templates that come along: the folder `files` in; their names, texts and the register of releases out."""

from dataclasses import dataclass
from importlib import resources

from kleinmaelzung_services.calibration.templates import checking, release
from kleinmaelzung_services.calibration.templates.release import Release
from kleinmaelzung_services.calibration.templates.template import Template

_FOLDER, _REGISTER = "files", "released.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """`name` is that of the file, without .toml."""

    name: str
    template: Template
    content: bytes


def templates() -> list[Shipped]:
    """All of them, by name. Raises ValueError where one was damaged."""
    folder = resources.files(__package__).joinpath(_FOLDER)
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return [_shipped(file.name.removesuffix(".toml"), file.read_bytes()) for file in files]


def register() -> dict[tuple[str, int], Release]:
    """Which versions of them are released: nothing else may carry their id and version."""
    folder = resources.files(__package__).joinpath(_FOLDER)
    return release.register(folder.joinpath(_REGISTER).read_text())


def _shipped(name: str, content: bytes) -> Shipped:
    checked = checking.check(content, register())
    if checked.template is None:
        raise ValueError(f"the shipped template {name} is damaged: {checked.mistakes[0]}")
    return Shipped(name=name, template=checked.template, content=content)
