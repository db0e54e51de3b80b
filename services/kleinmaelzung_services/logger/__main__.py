"""The program kleinmaelzung-logger."""

from kleinmaelzung_services import program
from kleinmaelzung_services.logger.service import Service


def main() -> None:
    program.run("logger", "Writes frames, samples and traffic into PostgreSQL or TimescaleDB.", Service)


if __name__ == "__main__":
    main()
