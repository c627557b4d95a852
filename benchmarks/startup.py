"""Time of `msinet --help` and `import msinet`: `python benchmarks/startup.py`."""

import argparse
import subprocess
import sys
import time

from paired import Row, write_table

ROUNDS = 9


def seconds(*command: str) -> float:
    """Return the time that a process takes."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Measure and write the table."""
    rows = []
    for what, command, bound in (
        ("msinet --help", ("-m", "msinet", "--help"), "<= 0.5 s"),
        ("msinet train --help", ("-m", "msinet", "train", "--help"), ""),
        ("import msinet", ("-c", "import msinet"), "<= 0.3 s"),
        ("Python alone", ("-c", "pass"), ""),
    ):
        seconds(*command)
        rows.append(Row(what, [seconds(*command) for _ in range(ROUNDS)], bound))
        print(rows[-1], flush=True)
    write_table(
        "Start", "python benchmarks/startup.py", rows, f"Seconds instead of ratios, of {ROUNDS} starts with warm files."
    )


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    main()
