"""`python -m msinet`, for launchers of several processes."""

from msinet.cli import main

main()
