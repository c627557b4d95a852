"""The report of a run whose data has moved."""

import shutil

import pytest

from msinet.data.readers.detect import load_splits
from msinet.data.settings import DataSettings
from msinet.engine.evaluate import evaluate
from msinet.errors import DatasetError
from msinet.evaluation.record import RunCommand
from msinet.jobs.report import report_on
from msinet.model.msinet.architecture import Architecture
from msinet.model.msinet.network import MSINet
from msinet.model.msinet.widths import channels_at


@pytest.fixture
def run(tmp_path, make_splits):
    """A result with ranked images, its report, and the folder of the data."""
    for record in make_splits().gallery:
        place = tmp_path / "data" / "test" / record.identity / str(record.camera) / record.path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(record.path, place)
    reading = DataSettings(levels="split/identity/camera")
    splits = load_splits(tmp_path / "data", levels=reading.levels)
    network = MSINet(Architecture.random(7), 4, channels_at(0.25), (32, 32)).eval()
    result = evaluate(network, splits).with_record(command=RunCommand(tmp_path / "data", reading))
    result.save(tmp_path / "run" / "result.json")
    report_on(tmp_path / "run")
    return tmp_path / "run", tmp_path / "data"


def pictures(folder) -> int:
    return (folder / "report.html").read_text(encoding="utf-8").count("<img")


def test_ranked_images_are_found_where_the_data_is_now(run, tmp_path):
    folder, data = run
    before = pictures(folder)
    data.rename(tmp_path / "elsewhere")
    report_on(folder, tmp_path / "elsewhere")
    assert pictures(folder) == before > 2


def test_a_report_with_images_is_not_replaced_by_one_without(run):
    folder, data = run
    before = pictures(folder)
    data.rename(data.with_name("elsewhere"))
    with pytest.raises(DatasetError, match="which is gone: set data to where they are"):
        report_on(folder)
    assert pictures(folder) == before


def test_other_data_is_refused(run, make_splits, tmp_path):
    folder, _ = run
    with pytest.raises(DatasetError, match="does not hold the ranked images"):
        place = tmp_path / "other" / "test" / "x" / "c1"
        place.mkdir(parents=True)
        for number, record in enumerate(make_splits().gallery[:4]):
            shutil.copy(record.path, place / f"other{number}.jpg")
        report_on(folder, tmp_path / "other")
