"""The images that an installation in a test uses: the real ones where they can be pulled, else stand-ins.

Stand-ins are built from Debian trixie's own packages, on a base made by debootstrap, and stay in the engine: the second
run on a machine finds them. Which it was is said on stderr, and by a test that is skipped (test_images.py).
"""

import fcntl
import functools
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from kleinmaelzung_containers import engine
from kleinmaelzung_containers.place import Refused

STANDINS: Final = Path(__file__).with_name("standins")
BASE: Final = "kleinmaelzung-standin/debian"
DEBIAN: Final = "debian:trixie-slim"
STANDIN_IMAGES: Final = {
    "MOSQUITTO_IMAGE": "kleinmaelzung-standin/broker",
    "DATABASE_IMAGE": "kleinmaelzung-standin/database",
}
COMPOSE: Final = Path(__file__).parents[2] / "deploy" / "compose.yaml"
BUILD_LIMIT_S: Final = 900


@functools.cache
def why_not() -> str:
    """Why nothing can be installed in containers here; empty where it can."""
    if os.geteuid() != 0:
        return "installing in containers needs root"
    try:
        engine.find(STANDINS)
    except Refused as refused:
        return f"no containers here: {refused} (scripts/docker-engine starts an engine)"
    return ""


def needed() -> list[pytest.MarkDecorator]:
    """The marks of tests that install in containers. The first run on a machine builds images."""
    return [pytest.mark.timeout(1200), pytest.mark.skipif(bool(why_not()), reason=why_not())]


@functools.cache
def variables() -> dict[str, str]:
    """What an installation's .env says about images, and about building one on this machine."""
    with alone():
        found = _pulled_or_built()
    print(f"images: {why_standins() or 'the real ones'}", file=sys.stderr)
    return found


def real(variable: str) -> str:
    """The image that compose.yaml names."""
    match = re.search(rf"\$\{{{variable}:-([^}}]+)\}}", COMPOSE.read_text())
    assert match, variable
    return match[1]


def used(variable: str) -> str:
    """The image that an installation in a test uses."""
    return variables().get(variable) or real(variable)


def why_standins() -> str:
    """Why the real images of broker and database are not used; empty where they are."""
    for image in map(real, STANDIN_IMAGES):
        if why := _why_not_pulled(image):
            return f"stand-ins of Debian's packages, for {image} cannot be pulled: {why}"
    return ""


@contextmanager
def alone() -> Iterator[None]:
    """Tests run in several processes, and one builds for all."""
    with (Path(tempfile.gettempdir()) / "kleinmaelzung-images.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _pulled_or_built() -> dict[str, str]:
    images = {}
    if _why_not_pulled(DEBIAN):
        _make_base()
        images["BASE_IMAGE"] = BASE
    if why_standins():
        if "BASE_IMAGE" not in images:
            _docker("tag", DEBIAN, BASE)
        _build_standins()
        images |= STANDIN_IMAGES
    return images | _registries()


@functools.cache
def _why_not_pulled(image: str) -> str:
    """Empty where this machine has it, now."""
    if _run(["docker", "image", "inspect", image]).returncode == 0:
        return ""
    try:
        pulled = _run(["docker", "pull", "--quiet", image], limit_s=BUILD_LIMIT_S)
    except subprocess.TimeoutExpired:
        return f"not within {BUILD_LIMIT_S} s"
    return pulled.stderr.strip() if pulled.returncode else ""


def _make_base() -> None:
    """A minimal Debian trixie, as debian:trixie-slim is; from the archive that this machine installs from."""
    if _run(["docker", "image", "inspect", BASE]).returncode == 0:
        return
    if shutil.which("debootstrap", path=_path()) is None:
        pytest.skip("no image can be pulled, and stand-ins need debootstrap: apt-get install debootstrap")
    with tempfile.TemporaryDirectory(prefix="kleinmaelzung-base-") as directory:
        done = _run(["debootstrap", "--variant=minbase", "trixie", directory], limit_s=BUILD_LIMIT_S)
        assert done.returncode == 0, done.stdout[-2000:]
        for left_over in ("var/cache/apt/archives", "var/lib/apt/lists"):
            shutil.rmtree(Path(directory) / left_over)
            (Path(directory) / left_over / "partial").mkdir(parents=True)
        subprocess.run(
            ["sh", "-c", f'tar -C "$1" -c . | docker import - {BASE}', "sh", directory], check=True, capture_output=True
        )


def _build_standins() -> None:
    compose = engine.find(STANDINS)
    compose.run("build", "--quiet")


def _registries() -> dict[str, str]:
    """How this machine reaches package registries: its certificates, its package index. For the build only."""
    told = {"BUILD_NETWORK": "host"}
    trusted = os.environ.get("PIP_CERT") or _pip("global.cert") or ssl.get_default_verify_paths().cafile
    if trusted and Path(trusted).is_file():
        told["CA_CERTIFICATES"] = trusted
    if index := os.environ.get("PIP_INDEX_URL") or _pip("global.index-url"):
        file = Path(tempfile.gettempdir()) / f"kleinmaelzung-pip-{os.getpid()}.conf"
        file.write_text(f"[global]\nindex-url = {index}\n")
        told["PIP_CONFIG"] = str(file)
    if registry := os.environ.get("NPM_CONFIG_REGISTRY"):
        file = Path(tempfile.gettempdir()) / f"kleinmaelzung-npm-{os.getpid()}.npmrc"
        file.write_text(f"registry={registry}\n")
        told["NPM_CONFIG"] = str(file)
    return told


def _pip(key: str) -> str:
    asked = _run(["pip", "config", "get", key])
    return asked.stdout.strip() if asked.returncode == 0 else ""


def _docker(*arguments: str) -> str:
    done = _run(["docker", *arguments])
    assert done.returncode == 0, done.stderr
    return done.stdout


def _run(command: list[str], limit_s: float = 60) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"PATH": _path()}
    return subprocess.run(command, capture_output=True, text=True, timeout=limit_s, env=environment, check=False)


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
