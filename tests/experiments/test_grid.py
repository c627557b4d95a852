import pytest
from tests.heard import Heard

from msinet.errors import SettingsError
from msinet.experiments.grid import Job, do_jobs, once, own_share, read_values
from msinet.progress import listen


@pytest.mark.parametrize("shares", [1, 2, 3, 5])
def test_all_shares_together_are_all_jobs(shares):
    jobs = list(range(11))
    assert sorted(job for share in range(1, shares + 1) for job in own_share(jobs, f"{share}/{shares}")) == jobs


def test_shares_are_counted_from_one():
    assert own_share("abcde", "1/2") == "ace"


def test_jobs_are_done_in_their_order_and_seen_by_their_names():
    done = []
    with listen(heard := Heard()):
        do_jobs(Job(name, lambda name=name: done.append(name)) for name in ("train a", "train b"))
    assert done == ["train a", "train b"]
    assert (heard.begun, heard.steps) == ([("train a", 1, 0), ("train b", 1, 0)], 2)


def test_work_is_done_once(tmp_path):
    done = []

    def work():
        done.append(1)
        return {"mAP": 0.5}

    made_from = {"size": (32, 32)}
    assert once(tmp_path / "a/scores.json", made_from, work) == {"mAP": 0.5}
    assert (
        once(tmp_path / "a/scores.json", made_from, work)
        == read_values(tmp_path / "a/scores.json", made_from)
        == {"mAP": 0.5}
    )
    assert len(done) == 1


def test_what_was_made_from_something_else_is_refused(tmp_path):
    once(tmp_path / "scores.json", {"epochs": 1}, lambda: {})
    with pytest.raises(SettingsError, match="made with other settings or data: choose another folder for out"):
        once(tmp_path / "scores.json", {"epochs": 2}, lambda: {})
