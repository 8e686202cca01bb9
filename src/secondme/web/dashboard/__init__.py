"""The dashboard: the owner's page in a browser, and the HTTP API that it uses."""
