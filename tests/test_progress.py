from msinet.progress import begin, listen, track


class Notes:
    """A listener that writes down what it hears."""

    def __init__(self) -> None:
        self.heard = []

    def begin(self, what, total, done=0):
        self.heard.append((what, total, done))
        return self

    def advance(self, count=1, **values):
        self.heard.append((count, values))


def test_progress_is_silent_unless_somebody_listens():
    notes = Notes()
    with listen(notes):
        assert list(track("ab", "letters")) == ["a", "b"]
    assert list(track("cd", "letters")) == ["c", "d"]
    assert notes.heard == [("letters", 2, 0), (1, {}), (1, {})]


def test_an_item_counts_as_done_when_the_next_is_asked_for():
    notes = Notes()
    with listen(notes):
        items = track(iter("ab"), "letters")
        next(items)
        assert notes.heard == [("letters", None, 0)]
        next(items)
        assert notes.heard[1:] == [(1, {})]


def test_values_and_steps_done_before_are_heard():
    notes = Notes()
    with listen(notes):
        begin("train", 10, 4).advance(2, loss=0.5)
    assert notes.heard == [("train", 10, 4), (2, {"loss": 0.5})]
