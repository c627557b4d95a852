"""A listener that counts the progress it hears: `with listen(heard := Heard()):`."""


class Heard:
    """All pieces of work that began, and the steps that were done."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int | None, int]] = []
        self.steps = 0

    def begin(self, what: str, total: int | None, done: int = 0) -> "Heard":
        self.begun.append((what, total, done))
        return self

    def advance(self, count: int = 1, **values: float) -> None:
        self.steps += count
