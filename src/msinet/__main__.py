"""`python -m msinet`, for launchers of several processes."""

from msinet.cli.app import main

main()
