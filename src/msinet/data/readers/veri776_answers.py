"""Index files of VeRi-776: gt_index.txt has the matches of each query, jk_index.txt its junk."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msinet.data.readers.image_lists import lines_of, quoted
from msinet.data.records import Answers, ImageRecord, Skipped

RIGHT, JUNK = "gt_index.txt", "jk_index.txt"
QUERIES, GALLERY = "name_query.txt", "name_test.txt"


class BrokenListError(Exception):
    """A fault of an index file."""

    def __init__(self, file: Path, reason: str):
        super().__init__(reason)
        self.file = file


def read_answers(
    path: Path, query: Sequence[ImageRecord], gallery: Sequence[ImageRecord], skipped: list[Skipped]
) -> dict[Path, Answers]:
    """Return matches and junk of each query by its path, from the dataset's own index files; empty without them.

    Each line belongs to the query on the same line of `name_query.txt`. A number on it is a line of `name_test.txt`, from 1;
    images that are missing are left out. Files with any fault are left out as a whole, since one line too few would
    shift the matches of all later queries.

    Raises:
        FileError: a file cannot be read.
    """
    missing = [name for name in (RIGHT, JUNK, QUERIES, GALLERY) if not (path / name).is_file()]
    if missing:
        skipped.extend(
            Skipped(path / name, f"the index files are left out: {missing[0]} is missing")
            for name in (RIGHT, JUNK)
            if name not in missing
        )
        return {}
    try:
        return _answers(path, query, gallery)
    except BrokenListError as error:
        skipped.append(Skipped(error.file, f"the index files are left out: {error}"))
        return {}


def _answers(path: Path, query: Sequence[ImageRecord], gallery: Sequence[ImageRecord]) -> dict[Path, Answers]:
    queries, names = ([line for line in lines_of(path / file) if line] for file in (QUERIES, GALLERY))
    right, junk = (_places(path / file, len(queries), len(names)) for file in (RIGHT, JUNK))
    asked = {record.path.name: record for record in query}
    there = {record.path.name: record for record in gallery}
    answers: dict[Path, Answers] = {}
    for line, name in enumerate(queries):
        if both := set(right[line]) & set(junk[line]):
            raise BrokenListError(path / JUNK, f"line {line + 1}: {min(both)} is a match by {RIGHT}")
        if name in asked:
            found = _found(right[line], names, there)
            _check_identity(path / RIGHT, line + 1, asked[name], found)
            answers[asked[name].path] = Answers(
                frozenset(record.path for record in found),
                frozenset(record.path for record in _found(junk[line], names, there)),
            )
    return answers


def _places(file: Path, queries: int, images: int) -> list[list[int]]:
    """Return the numbers on each line. A blank line is a query without any; blank lines at the end do not count."""
    lines = lines_of(file)
    if not lines[-1]:  # After the last line break there is no line.
        lines.pop()
    while len(lines) > queries and not lines[-1]:
        lines.pop()
    if len(lines) != queries:
        raise BrokenListError(file, f"{len(lines):,} lines for {queries:,} queries")
    valid = {str(place): place for place in range(1, images + 1)}
    places: list[list[int]] = []
    for number, line in enumerate(lines, start=1):
        if wrong := [word for word in line.split() if word not in valid]:
            reason = f"line {number}: {quoted(wrong[0])} is no line of {GALLERY}, which has {images:,}"
            raise BrokenListError(file, reason)
        places.append([valid[word] for word in line.split()])
    return places


def _found(places: Sequence[int], names: Sequence[str], there: Mapping[str, ImageRecord]) -> list[ImageRecord]:
    """Return the gallery images on these lines of the list of names, without missing ones."""
    return [there[name] for place in places if (name := names[place - 1]) in there]


def _check_identity(file: Path, line: int, asked: ImageRecord, found: Sequence[ImageRecord]) -> None:
    """Check that matches show the query's vehicle: they do not if the names are in another order."""
    for record in found:
        if record.identity != asked.identity:
            raise BrokenListError(file, f"line {line}: {record.path.name} does not match {asked.path.name}")
