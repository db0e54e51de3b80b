"""`kleinmaelzung up`: everything on one machine. It is kleinmaelzung_local's, which not every installation has."""

from argparse import ArgumentParser

from kleinmaelzung import Error


def main(typed: list[str]) -> int:
    """Parse what follows `up` and run it."""
    try:
        from kleinmaelzung_local import up  # here, for it needs packages that a mere client has not
    except ImportError as error:
        raise Error(f"`up` needs {error.name}, which is not installed: pip install 'kleinmaelzung[local]'") from error
    parser = ArgumentParser(prog="kleinmaelzung up", description="Run everything on this machine, without Docker.")
    up.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document when everything is ready")
    code: int = up.run(parser.parse_args(typed))
    return code
