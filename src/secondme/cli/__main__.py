"""`python -m secondme.cli`: how the supervisor starts its children, whatever the PATH."""

from secondme.cli.main import main

main()
