import shutil
from dataclasses import replace

import pytest

from msinet.errors import ResultError, SettingsError
from msinet.evaluation.result import RetrievalResult
from msinet.model.model_files import save_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.report import front
from msinet.report.front import front_part, points_of
from msinet.report.page import write_report


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Time the networks no longer than needed."""
    monkeypatch.setattr(front, "SECONDS", 0.0)


@pytest.fixture
def result(folder) -> RetrievalResult:
    """The scores of the run."""
    return RetrievalResult.load(folder / "result.json")


@pytest.fixture
def trained(tmp_path, result):
    """Return a function that writes a network with a score, as a training leaves it."""

    def write(name: str, width: float, mAP: float, **changes) -> None:
        save_model(MSINet.build(1, (32, 32), width, Architecture.find("all:none:1,0x1")), tmp_path / name)
        scored = replace(result, scores=replace(result.scores, mAP=mAP), **changes)
        scored.save(tmp_path / name / "result.json")

    return write


def test_a_network_stands_beside_others(folder, result, trained, tmp_path):
    trained("small-0", 0.25, 0.5)
    trained("small-1", 0.25, 0.7)
    trained("wide-0", 0.5, 0.75)
    (tmp_path / "small-unfinished").mkdir()
    part = front_part(folder, result, [f"small={tmp_path}/small-*", f"wide={tmp_path}/wide-0"])
    rows = {row.group: row for row in part.rows}
    assert {group: (row.mAP, row.trainings) for group, row in rows.items()} == {
        "small": (pytest.approx(0.6), 2),
        "wide": (0.75, 1),
        front.OWN: (result.mAP, 1),
    }
    assert rows["small"].network == "msinet 16-64-96-128" and rows["small"].parameters < rows["wide"].parameters
    assert [row.milliseconds for row in part.rows] == sorted(row.milliseconds for row in part.rows)
    assert all(f">{name}</text>" in part.chart for name in ("small", "wide", front.OWN))


def test_the_page_shows_it(folder, trained, tmp_path):
    run = shutil.copytree(folder, tmp_path / "run")
    trained("wide-0", 0.5, 0.75)
    write_report(run, (), beside=[f"wide={tmp_path}/wide-*"])
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "<h2>Beside others</h2>" in page and "<td>wide</td>" in page and "75.0</td>" in page
    (run / "model.json").unlink()
    with pytest.raises(SettingsError, match="beside needs the network"):
        write_report(run, (), beside=[f"wide={tmp_path}/wide-*"])


def test_brackets_in_a_name_are_a_name(trained, tmp_path):
    trained("run[1]", 0.25, 0.5)
    (point,) = points_of([f"one={tmp_path}/run[1]"])
    assert point.scores == [0.5]


@pytest.mark.parametrize("group", ["folder", "=folder", "name="])
def test_a_group_has_a_name_and_folders(group):
    with pytest.raises(SettingsError, match="write NAME=FOLDER"):
        points_of([group])


@pytest.mark.parametrize("pattern", ["nowhere", "no*where", "a**b"])
def test_an_empty_group_is_an_error(tmp_path, pattern):
    with pytest.raises(ResultError, match=r"holds a model and its result\.json"):
        points_of([f"name={tmp_path}/{pattern}"])


def test_scores_of_other_data_are_not_beside(trained, tmp_path, result):
    other = replace(result.record, data=replace(result.record.data, fingerprint="another"))
    trained("other", 0.25, 0.5, record=other)
    with pytest.raises(ResultError, match="other data or by another protocol"):
        points_of([f"other={tmp_path}/other"], result)
    assert points_of([f"other={tmp_path}/other"])


def test_scores_by_another_protocol_are_not_beside(trained, tmp_path, result):
    trained("other", 0.25, 0.5, record=replace(result.record, protocol="vehicleid"))
    with pytest.raises(ResultError, match="other data or by another protocol"):
        points_of([f"other={tmp_path}/other"], result)
