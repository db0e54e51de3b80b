"""The program openssl of this machine: keys and certificates, without a package of Python."""

import subprocess

from kleinmaelzung_containers.place import Refused


def run(*arguments: str) -> str:
    """What it printed. Raises Refused."""
    done = start(*arguments)
    if done.returncode:
        raise Refused(f"openssl {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout


def start(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """What it did, whatever that was. Raises Refused where there is none."""
    try:
        return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Refused("this needs the program openssl: apt-get install openssl") from error
