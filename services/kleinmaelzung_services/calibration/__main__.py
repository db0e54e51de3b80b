"""The program kleinmaelzung-calibration."""

from kleinmaelzung_services import program
from kleinmaelzung_services.calibration.service import Service


def main() -> None:
    program.run("calibration", "Issues calibration certificates, keeps them, and knows them again.", Service)


if __name__ == "__main__":
    main()
