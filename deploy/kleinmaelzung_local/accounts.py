"""The broker's accounts of a deployment in containers, made in a container of its own before the broker starts.

    python3 -m kleinmaelzung_local.accounts look|write|new-admin FILE      FILE: the plugin's, on the broker's volume

In, on stdin: a JSON object of the passwords of `admin`, of each service, and of `public` where strangers may watch.
Out, on stdout: a JSON object that says what was done (`write`) or is to be done (`look`): made, updated, unchanged; and
after `made` a one-time login link. `new-admin` gives `admin` this password, and makes such a link.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from kleinmaelzung_gateway import login_link
from kleinmaelzung_local import mosquitto
from kleinmaelzung_wire import access
from kleinmaelzung_wire.rights import PUBLIC


def missing(passwords: dict[str, str]) -> list[str]:
    """The accounts that nobody gave a password for."""
    return [name for name in ("admin", *access.SERVICES) if not passwords.get(name)]


def outcome(path: Path, passwords: dict[str, str], now: int, *, write: bool) -> dict[str, Any]:
    """Do it, or only look. `now` (µs) is when the link's hour begins."""
    done = mosquitto.update_accounts(path, passwords, passwords.get(PUBLIC), write=write)
    if not (write and done == "made"):
        return {"accounts": done}
    return {"accounts": done, **_link(passwords, now)}


def new_admin(path: Path, passwords: dict[str, str], now: int) -> dict[str, Any]:
    """Let who lost the password of `admin` in again."""
    state = access.with_admin(json.loads(path.read_text()), passwords["admin"])
    mosquitto.write_private(path, json.dumps(state, indent=1))
    return {"accounts": "updated", **_link(passwords, now)}


def _link(passwords: dict[str, str], now: int) -> dict[str, str]:
    code, link = login_link.make("admin", passwords["admin"], now)
    return {"code": code, "link": link.to_json()}


def main() -> int:
    parser = argparse.ArgumentParser(prog="kleinmaelzung_local.accounts")
    parser.add_argument("what", choices=("look", "write", "new-admin"))
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    passwords = json.load(sys.stdin)
    if nobody := missing(passwords):
        print(f"no password for {', '.join(nobody)}", file=sys.stderr)
        return 1
    now = time.time_ns() // 1000
    if arguments.what == "new-admin":
        done = new_admin(arguments.file, passwords, now)
    else:
        done = outcome(arguments.file, passwords, now, write=arguments.what == "write")
    print(json.dumps(done))
    return 0


if __name__ == "__main__":
    sys.exit(main())
