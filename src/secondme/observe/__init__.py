"""What operators may see: logs, metrics and the audit log. Ids and figures, never a word of content."""
