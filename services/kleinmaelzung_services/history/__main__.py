"""The program kleinmaelzung-history."""

from kleinmaelzung_services import program
from kleinmaelzung_services.history.service import Service


def main() -> None:
    program.run("history", "Gives what is stored in PostgreSQL or TimescaleDB to whoever may ask.", Service)


if __name__ == "__main__":
    main()
