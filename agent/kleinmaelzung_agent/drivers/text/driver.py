"""`driver = "text"`: instruments that speak in lines."""

from kleinmaelzung_agent.configuration.tables import Table
from kleinmaelzung_agent.drivers.dialogue import Dialogue
from kleinmaelzung_agent.drivers.registry import Places
from kleinmaelzung_agent.drivers.text import config as text_config
from kleinmaelzung_agent.drivers.text.config import TextConfig
from kleinmaelzung_agent.drivers.text.dialect import TextDialect


def read(table: Table) -> TextConfig:
    return text_config.read(table)


def make(config: TextConfig, places: Places) -> Dialogue:
    return Dialogue(TextDialect(config), places.ports, config)
