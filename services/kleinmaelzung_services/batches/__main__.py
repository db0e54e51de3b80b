"""The program kleinmaelzung-batches."""

from kleinmaelzung_services import program
from kleinmaelzung_services.batches.service import Service


def main() -> None:
    program.run("batches", "Keeps what was made with which instruments, when, in which stages.", Service)


if __name__ == "__main__":
    main()
