"""The broker's accounts of a deployment in containers, made in a container of its own before the broker starts.

    python3 -m kleinmaelzung_local.accounts look|write FILE      FILE: the plugin's, on the broker's volume

In, on stdin: a JSON object of the passwords of `admin` and of each service. Out, on stdout: a JSON object that says
what was done (`write`) or is to be done (`look`): made, updated, unchanged; and after `made` a one-time login link.
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


def missing(passwords: dict[str, str]) -> list[str]:
    """The accounts that nobody gave a password for."""
    return [name for name in ("admin", *access.SERVICES) if not passwords.get(name)]


def outcome(path: Path, passwords: dict[str, str], now: int, *, write: bool) -> dict[str, Any]:
    """Do it, or only look. `now` (µs) is when the link's hour begins."""
    done = mosquitto.update_accounts(path, passwords, None, write=write)
    if not (write and done == "made"):
        return {"accounts": done}
    code, link = login_link.make("admin", passwords["admin"], now)
    return {"accounts": done, "code": code, "link": link.to_json()}


def main() -> int:
    parser = argparse.ArgumentParser(prog="kleinmaelzung_local.accounts")
    parser.add_argument("what", choices=("look", "write"))
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    passwords = json.load(sys.stdin)
    if nobody := missing(passwords):
        print(f"no password for {', '.join(nobody)}", file=sys.stderr)
        return 1
    print(json.dumps(outcome(arguments.file, passwords, time.time_ns() // 1000, write=arguments.what == "write")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
