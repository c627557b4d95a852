"""Grids of jobs: jobs by name, shared out among processes, each done once. Imports no torch."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from msinet.errors import ResultError, SettingsError
from msinet.files.atomic import write_atomically
from msinet.files.lock import sole_writer
from msinet.files.os_errors import in_words
from msinet.progress import begin
from msinet.sharing import Share

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """A piece of an experiment. It is restartable: work that is done is not done again."""

    name: str
    """Name that the progress shows."""
    work: Callable[[], object]


def do_jobs(jobs: Iterable[Job]) -> None:
    """Do jobs, one after the other."""
    for job in jobs:
        bar = begin(job.name, 1)
        job.work()
        bar.advance()


def own_share(items: Sequence[T], share: str) -> Sequence[T]:
    """Return the items of one share: of `2/3` every third one, from the second on."""
    own = Share.parse(share, "share")
    return items[own.which - 1 :: own.count]


def once(file: Path, made_from: Mapping[str, Any], work: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the values in a file; where there is none, do the work that gives them and write them.

    Args:
        file: JSON.
        made_from: plain values that fix the outcome.
        work: returns plain values.

    Raises:
        SettingsError: the file was made from something else.
        BusyError: another process does the work.
    """
    if file.is_file():
        return read_values(file, made_from)
    with sole_writer(file.parent):
        values = work()
        text = json.dumps({"made_from": made_from, "values": values}, indent=2)
        write_atomically(file, f"{text}\n".encode())
    return values


def read_values(file: Path, made_from: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values that `once` wrote.

    Raises:
        SettingsError: the file was made from something else.
    """
    found = read_json(file)
    if found.get("made_from") != json.loads(json.dumps(made_from)):
        raise SettingsError(f"{file.absolute()} was made with other settings or data: choose another folder for out", "out")
    return found["values"]


def read_json(file: Path) -> dict[str, Any]:
    """Return what a file of JSON holds. Raises ResultError where it is damaged."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("it holds no names and values")
    except (OSError, ValueError) as error:
        raise ResultError(f"cannot read {file}: {in_words(error)}; delete it to do its work again") from error
    return found
