"""The page as it is built: small, without a foreign address, part of whatever is installed. scripts/setup builds it."""

import gzip
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from kleinmaelzung_gateway import page_files

ROOT = Path(__file__).parents[3]
MOST_BYTES = 150_000  # of all files, as they go over the network
IN_WHEEL = "kleinmaelzung_gateway/dashboard/"


def built() -> list[Path]:
    files = [path for path in page_files.BUILT.rglob("*") if path.is_file() and path.suffix != ".md"]
    assert files, "the page is not built: scripts/page"
    return files


def test_all_of_it_is_small() -> None:
    sizes = {path.name: len(gzip.compress(path.read_bytes())) for path in built()}
    assert sum(sizes.values()) <= MOST_BYTES, sizes


def test_it_loads_nothing_from_elsewhere() -> None:
    index = (page_files.BUILT / "index.html").read_text()
    loaded = re.findall(r'(?:src|href)="([^"]*)"', index)
    assert loaded
    assert [address for address in loaded if re.match(r"(?:[a-z]+:)?//", address)] == []
    styles = "".join(path.read_text() for path in built() if path.suffix == ".css")
    assert re.findall(r"url\(\s*['\"]?(?:https?:)?//|@import", styles) == []


def test_a_source_archive_has_it_and_makes_a_wheel_without_node_or_network(tmp_path: Path) -> None:
    build(ROOT, "sdist", tmp_path)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    (tree,) = (path for path in tmp_path.iterdir() if path.is_dir())
    build(tree, "wheel", tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed_wheel:
        names = packed_wheel.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        required = packed_wheel.read(metadata).decode()
    expected = {IN_WHEEL + path.relative_to(page_files.BUILT).as_posix() for path in built()}
    assert expected <= set(names)
    assert "nodejs" not in required
    assert [name for name in names if "node_modules" in name or name.endswith((".ts", ".tsx"))] == []


def build(tree: Path, kind: str, out: Path) -> None:
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "PATH": "/nowhere"}
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(out)]
    done = subprocess.run(command, cwd=tree, env=os.environ | nowhere, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
