"""WhatsApp by Meta's Cloud API: webhooks in, Graph calls out."""

from secondme.channels.whatsapp_cloud.client import WhatsAppCloudChannel
from secondme.channels.whatsapp_cloud.number import Number
from secondme.channels.whatsapp_cloud.parse import UNKNOWN_NUMBER, Parsed, Poison, load, parse

__all__ = ["UNKNOWN_NUMBER", "Number", "Parsed", "Poison", "WhatsAppCloudChannel", "load", "parse"]
