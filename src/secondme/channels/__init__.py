"""Ways to reach people: one folder each, with parse, client, README and fixtures of its own."""
