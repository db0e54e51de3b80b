"""Who may import whom. What is not named here is refused; the standard library and oneself always go."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "kleinmaelzung_wire": "broker",
    "kleinmaelzung_bus": "broker",
    "kleinmaelzung_agent": "agent",
    "kleinmaelzung_gateway": "gateway",
    "kleinmaelzung_services": "services",
    "kleinmaelzung": "client",
    "kleinmaelzung_local": "deploy",
    "kleinmaelzung_containers": "deploy",
    "kleinmaelzung_rabbitmq": "deploy",
}
WIRE, BUS = "kleinmaelzung_wire", "kleinmaelzung_bus"
ALLOWED = {
    "kleinmaelzung_wire": {"msgpack"},
    "kleinmaelzung_bus": {WIRE, "aiomqtt", "paho"},
    "kleinmaelzung_agent": {WIRE, "websockets", "serial"},
    "kleinmaelzung_gateway": {WIRE, BUS, "websockets"},
    "kleinmaelzung_services": {WIRE, BUS, "numpy"},
    "kleinmaelzung": {WIRE, "websockets"},
    "kleinmaelzung_local": {*PACKAGES, "asyncpg", "mtsics"},
    "kleinmaelzung_rabbitmq": {WIRE, BUS},
    "kleinmaelzung_containers": set(),  # runs before anything is installed
}
# One module each, so that a neighbour can be exchanged there.
ALSO = {
    "kleinmaelzung_agent/drivers/serial_port.py": {"serial_asyncio"},
    "kleinmaelzung_agent/drivers/i2c/smbus.py": {"smbus2"},
    "kleinmaelzung_agent/drivers/modbus/dialect.py": {"pymodbus"},
    "kleinmaelzung_agent/drivers/modbus/frames.py": {"pymodbus"},
    "kleinmaelzung_agent/drivers/modbus/registers.py": {"pymodbus"},
    "kleinmaelzung_agent/drivers/modbus/requests.py": {"pymodbus"},
    "kleinmaelzung_agent/simulating/modbus.py": {"pymodbus"},  # its server's side
    "kleinmaelzung_services/calibration/documents/codes.py": {"segno"},
    "kleinmaelzung_services/calibration/documents/key_making.py": {"cryptography"},  # an extra, with those below
    "kleinmaelzung_services/calibration/documents/paper.py": {"fpdf"},
    "kleinmaelzung_services/calibration/documents/signing.py": {"cryptography", "pyhanko"},
    "kleinmaelzung_services/calibration/documents/verification/pages.py": {"pyhanko"},
    "kleinmaelzung_services/calibration/documents/verification/pdf.py": {"pyhanko"},
    "kleinmaelzung_services/calibration/documents/verification/reading.py": {"pyhanko", "pyhanko_certvalidator"},
    "kleinmaelzung_services/logger/store.py": {"asyncpg"},
    "kleinmaelzung_services/logger/retention.py": {"asyncpg"},
    "kleinmaelzung_services/writing.py": {"asyncpg"},
    "kleinmaelzung_services/history/rollups.py": {"asyncpg"},
    "kleinmaelzung_services/lookup.py": {"asyncpg"},  # reads for others, while store.py writes undisturbed
}
LAZY = {  # within a function only
    "kleinmaelzung/commands/calibration.py": {"kleinmaelzung_services"},  # pure modules; a mere client has no numpy
    "kleinmaelzung/commands/calibration_certificate.py": {"kleinmaelzung_services"},
    "kleinmaelzung/commands/calibration_key.py": {"kleinmaelzung_services"},
    "kleinmaelzung/commands/calibration_protocol.py": {"kleinmaelzung_services"},
    "kleinmaelzung/commands/calibration_record.py": {"kleinmaelzung_services"},
    "kleinmaelzung/commands/calibration_template.py": {"kleinmaelzung_services"},
    "kleinmaelzung/commands/calibration_verify.py": {"kleinmaelzung_services"},
    "kleinmaelzung/commands/signing_key.py": {"kleinmaelzung_services"},
    "kleinmaelzung/commands/up.py": {"kleinmaelzung_local"},
    "kleinmaelzung/server_key.py": {"cryptography"},  # an extra
    "kleinmaelzung_services/history/formats/parquet_file.py": {"pyarrow"},  # large, and perhaps not there
}


def imports(node: ast.AST, *, lazy: bool = False) -> Iterator[tuple[str, bool]]:
    """Every imported top package, and whether that happens within a function."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.Import):
            yield from ((alias.name.partition(".")[0], lazy) for alias in inner.names)
        elif isinstance(inner, ast.ImportFrom):
            yield "(relative)" if inner.level else (inner.module or "").partition(".")[0], lazy
        yield from imports(inner, lazy=lazy or isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef))


def violations(path: str, source: str) -> list[str]:
    """What a module, named `<package>/...`, imports and must not."""
    package = path.partition("/")[0]
    always = {*sys.stdlib_module_names, package} | ALLOWED[package] | ALSO.get(path, set())
    found = imports(ast.parse(source))
    lazily = LAZY.get(path, set[str]())
    return [f"{path}: {name}" for name, lazy in found if name not in always and not (lazy and name in lazily)]


def modules() -> list[tuple[str, Path]]:
    return [
        (file.relative_to(ROOT / folder).as_posix(), file)
        for package, folder in PACKAGES.items()
        for file in sorted((ROOT / folder / package).rglob("*.py"))
    ]


def test_every_package_imports_only_what_it_may() -> None:
    found = modules()
    assert {path.partition("/")[0] for path, _ in found} == set(PACKAGES)
    assert [line for path, file in found for line in violations(path, file.read_text())] == []


def test_there_is_no_package_without_rules() -> None:
    folders = {file.parent for folder in set(PACKAGES.values()) for file in (ROOT / folder).glob("*/__init__.py")}
    assert {folder.name for folder in folders} == set(PACKAGES) == set(ALLOWED)


@pytest.mark.parametrize("path", [*ALSO, *LAZY])
def test_an_exception_is_still_needed(path: str) -> None:
    text = (ROOT / PACKAGES[path.partition("/")[0]] / path).read_text()
    assert any(name in text for name in ALSO.get(path, set()) | LAZY.get(path, set()))


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        ("kleinmaelzung_wire/x.py", "import json, msgpack", []),
        ("kleinmaelzung_wire/x.py", "import kleinmaelzung_bus.session", ["kleinmaelzung_bus"]),
        ("kleinmaelzung_gateway/x.py", "from aiomqtt import Client", ["aiomqtt"]),
        ("kleinmaelzung_gateway/x.py", "def f():\n    if True:\n        import asyncpg", ["asyncpg"]),
        ("kleinmaelzung_gateway/x.py", "class A:\n    async def f(self):\n        import serial", ["serial"]),
        ("kleinmaelzung_gateway/x.py", "try:\n    import tests.fakes\nexcept ImportError:\n    pass", ["tests"]),
        ("kleinmaelzung_gateway/x.py", "from . import hub", ["(relative)"]),
        ("kleinmaelzung_agent/x.py", "import serial_asyncio", ["serial_asyncio"]),
        ("kleinmaelzung_agent/drivers/serial_port.py", "import serial_asyncio", []),
        ("kleinmaelzung_local/x.py", "from tests import brokers", ["tests"]),
        ("kleinmaelzung/commands/up.py", "def main():\n    from kleinmaelzung_local import up", []),
        ("kleinmaelzung/commands/up.py", "from kleinmaelzung_local import up", ["kleinmaelzung_local"]),
        ("kleinmaelzung/lab.py", "def f():\n    import kleinmaelzung_local", ["kleinmaelzung_local"]),
    ],
)  # fmt: skip
def test_a_planted_violation_is_found(path: str, source: str, found: list[str]) -> None:
    assert set(violations(path, source)) == {f"{path}: {name}" for name in found}
