"""Servers that stand for other people's, each a process of its own."""
