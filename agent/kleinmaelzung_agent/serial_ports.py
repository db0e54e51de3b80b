"""The serial ports of this machine, and which programs have them open. Blocking; nothing is opened, nothing is sent.

/dev, /sys and /proc --> find(), find_users()
"""

import os
from pathlib import Path
from typing import Final

ROOT: Final = Path("/")
_USUAL: Final = ("ttyUSB*", "ttyACM*", "ttyAMA*", "ttySC*", "ttyS[0-9]*", "rfcomm*")


def find(root: Path = ROOT) -> dict[str, str]:
    """Devices, each with the name that stays, where it has one, those first; `root` is above /dev and /sys."""
    links = {os.path.realpath(link): str(link) for link in sorted((root / "dev/serial/by-id").glob("*"))}
    usual = (os.path.realpath(path) for pattern in _USUAL for path in sorted((root / "dev").glob(pattern)))
    return {device: links.get(device, device) for device in dict.fromkeys([*links, *usual]) if _is_real(root, device)}


def _is_real(root: Path, device: str) -> bool:
    """/dev/ttyS0 to ttyS31 are there whether or not there is such a port: type 0 means that there is none."""
    name = Path(device).name
    if not name.startswith("ttyS") or not name[4:].isdecimal():
        return os.path.exists(device)
    return read_attribute(root / "sys/class/tty" / name / "type") not in ("", "0")


def read_attribute(path: Path) -> str:
    """What a file of /sys says; empty where it says nothing."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def find_users(path: str) -> list[str]:
    """The programs that have a device open, as far as this user may know."""
    device = os.path.realpath(path)
    return sorted({_program(open_.parts[2]) for open_ in Path("/proc").glob("[0-9]*/fd/*") if _leads_to(open_, device)})


def _leads_to(link: Path, device: str) -> bool:
    try:
        return os.readlink(link) == device
    except OSError:
        return False


def _program(pid: str) -> str:
    try:
        return f"{Path(f'/proc/{pid}/comm').read_text().strip()} (process {pid})"
    except OSError:
        return f"process {pid}"
