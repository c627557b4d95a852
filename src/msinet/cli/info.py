"""The verb `info`."""

from msinet.cli.terminal import say


def info() -> None:
    """Print versions, machine, extras and cache, for pasting into a bug report."""
    from msinet.jobs.info import information

    facts = information()
    width = max(map(len, facts))
    for name, value in facts.items():
        say(f"{name.ljust(width)}  {value}")
