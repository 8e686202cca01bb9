"""The simulator: phones that exist only on this machine, so that everything can be tried with no account anywhere."""

from secondme.channels.simulator.client import SimulatorChannel
from secondme.channels.simulator.parse import parse_message, parse_status

__all__ = ["SimulatorChannel", "parse_message", "parse_status"]
