"""What listens: the gateway's bare routes, and the dashboard."""
