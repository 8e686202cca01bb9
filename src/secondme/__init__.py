"""SecondMe answers WhatsApp for its owner: as a clone, a support desk or a journal."""

__version__ = "0.1.0"
