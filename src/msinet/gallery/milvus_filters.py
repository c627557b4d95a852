"""Filters as expressions of Milvus. Whatever a label holds, it stays a value."""

from collections.abc import Collection, Iterable

from msinet.gallery.filters import Filter

NO_TIME = -1e12
"""Time of an entry without one, before the year -29000: Milvus has had empty columns since 2.5 alone."""

ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
"""What a text in quotes writes in another way. Other control characters stand for themselves in all versions of Milvus."""


def text(value: str) -> str:
    """Return a text as an expression writes it, in quotes."""
    return f'"{value.translate(ESCAPES)}"'


def one_of(column: str, values: Iterable[str | int]) -> str:
    """Return the expression that a column has one of some values."""
    return f"{column} in [{_listed(values)}]"


def none_of(column: str, values: Iterable[str | int]) -> str:
    """Return the expression that a column has none of some values."""
    return f"{column} not in [{_listed(values)}]"


def _listed(values: Iterable[str | int]) -> str:
    return ", ".join(text(value) if isinstance(value, str) else str(int(value)) for value in values)


def expression(which: Filter, linked: Collection[int] = ()) -> str:
    """Return the expression of a filter; nothing where all entries are meant.

    Args:
        which: the filter.
        linked: entries that have one of its identities by `link`. Those among them with a given identity have that one.
    """
    said = []
    if which.ids:
        said.append(one_of("id", which.ids))
    if which.not_ids:
        said.append(none_of("id", which.not_ids))
    if which.identity:
        given = one_of("identity", [name for name in which.identity if name])
        by_link = f'(identity == "" and {one_of("id", linked)})'
        said.append(f"({given} or {by_link})" if linked else given)
    if which.camera:
        said.append(one_of("camera", [name for name in which.camera if name]))  # An empty one means none is known.
    if which.not_camera:
        said.append(none_of("camera", [name for name in which.not_camera if name]))
    if which.since:
        said.append(f"time >= {which.since.timestamp()!r}")
    if which.before:
        said.append(f"time < {which.before.timestamp()!r} and time > {NO_TIME!r}")
    said += [f"fields[{text(name)}] == {text(value)}" for name, value in which.fields.items()]
    return " and ".join(said)
