"""What the installed commands start: each says which extra is missing where its packages are not installed."""

import importlib
import sys


def run(module: str, extra: str) -> int:
    """Run a module's main(). Returns its exit code, 1 where a package is missing."""
    try:
        main = importlib.import_module(module).main
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("kleinmaelzung"):
            raise
        print(f"the package {error.name} is not installed: pip install 'kleinmaelzung[{extra}]'", file=sys.stderr)
        return 1
    code: int = main()
    return code


def client() -> int:
    return run("kleinmaelzung.__main__", "client")


def agent() -> int:
    return run("kleinmaelzung_agent.__main__", "agent")


def gateway() -> int:
    return run("kleinmaelzung_gateway.__main__", "gateway")


def logger() -> int:
    return run("kleinmaelzung_services.logger.__main__", "services")


def history() -> int:
    return run("kleinmaelzung_services.history.__main__", "services")


def batches() -> int:
    return run("kleinmaelzung_services.batches.__main__", "services")


def calibration() -> int:
    return run("kleinmaelzung_services.calibration.__main__", "services")
