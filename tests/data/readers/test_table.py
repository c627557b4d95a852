import csv
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msinet.data.labels import label_of
from msinet.data.readers import table
from msinet.data.readers.detect import load_splits
from msinet.data.records import identities
from msinet.errors import DatasetError, FileError, MissingExtraError

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "two-camera-vehicles"

label = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(label_of)


def test_labels_stay_as_written(manifest):
    (record,) = table.read(manifest("path,identity,camera,track,split\na.jpg,0001,01,1e3,train\n")).train
    assert (record.identity, record.camera, record.track) == ("0001", "01", "1e3")


def test_other_columns_become_fields(manifest):
    splits = table.read(manifest("path,identity,split,colour,\na.jpg,1,train,red,\nb.jpg,1,train,,\n"))
    assert [record.fields for record in splits.train] == [{"colour": "red"}, {}]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_csv_dialects_of_spreadsheets_are_read(manifest, delimiter, encoding):
    text = "path,identity,note\r\na.jpg,é 1,x\r\n".replace(",", delimiter)
    assert table.read(manifest(text, encoding=encoding)).train[0].identity == "é 1"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(identity=label, camera=label, value=label, delimiter=st.sampled_from(",;\t"))
def test_any_label_survives_the_table(manifest, identity, camera, value, delimiter):
    folder = manifest("")
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        columns = ["path", "identity", "camera", "split", "note"]
        csv.writer(file, delimiter=delimiter).writerows([columns, ["a.jpg", identity, camera, "train", value]])
    (record,) = table.read(folder).train
    assert (record.identity, record.camera) == (label_of(identity), label_of(camera))
    assert record.fields["note"] == value


def test_a_test_image_is_query_and_gallery(manifest):
    splits = table.read(manifest("path,identity,split\na.jpg,1,test\n"))
    assert splits.query == splits.gallery != ()


def test_val_is_validation(manifest):
    splits = table.read(manifest("path,identity,split\na.jpg,1,val\nb.jpg,1,validation\n"))
    assert len(splits.validation) == 2


def test_an_unknown_split_is_named(manifest):
    with pytest.raises(DatasetError, match=r"unknown splits .*\n  'holdout'\n  'tarin'"):
        table.read(manifest("path,identity,split\na.jpg,1,tarin\nb.jpg,1,holdout\nc.jpg,1,train\n"))


def test_without_splits_the_identities_are_halved(manifest):
    splits = table.read(manifest("path,identity\na.jpg,1\nb.jpg,1\nc.jpg,2\nd.jpg,2\n"))
    assert len(identities(splits.train)) == len(identities(splits.query)) == 1
    assert splits.query == splits.gallery


def test_an_empty_camera_is_unknown(manifest):
    splits = table.read(manifest("path,identity,camera,split\na.jpg,1,,train\nb.jpg,1,2,train\n"))
    assert [record.camera for record in splits.train] == [None, "2"]


@pytest.mark.parametrize(
    "row, reason",
    [
        ("a.jpg,,train", "row 3: identity is empty"),
        (",1,train", "row 3: path is empty"),
        ("a.jpg,1,", "row 3: split is empty"),
        ("a.jpg", "row 3: identity is empty"),
        ("gone.jpg,1,train", "row 3: there is no such file"),
        ("long" * 1000 + ".jpg,1,train", "row 3: there is no such file"),
        ("a.jpg,1,train,what", "row 3: more cells than columns"),
    ],
)
def test_a_bad_row_is_left_out_by_number(manifest, row, reason):
    splits = table.read(manifest(f"path,identity,split\nb.jpg,1,train\n{row}\nc.jpg,1,train\n"))
    assert [left_out.reason for left_out in splits.skipped] == [reason]
    assert len(splits.train) == 2


def test_no_usable_row_is_an_error(manifest):
    with pytest.raises(DatasetError, match=r"no usable row (.|\n)* row 2: there is no such file"):
        table.read(manifest("path,identity\ngone.jpg,1\n"))


@pytest.mark.parametrize("text", ["", "path;identity\n"])
def test_an_empty_table_is_an_error(manifest, text):
    with pytest.raises(DatasetError, match=r"no column|no usable row"):
        table.read(manifest(text))


def test_a_missing_column_is_named_with_the_others(manifest):
    with pytest.raises(DatasetError, match=r"no column identity\. It has:\n  'path'\n  'id'"):
        table.read(manifest("path,id\na.jpg,1\n"))


def test_a_column_given_twice_is_an_error(manifest):
    with pytest.raises(DatasetError, match="same name"):
        table.read(manifest("path,identity,identity\na.jpg,1,2\n"))


def test_an_open_quote_does_not_swallow_the_rest(manifest):
    with pytest.raises(DatasetError, match="is not CSV"):
        table.read(manifest('path,identity\na.jpg,"1\nb.jpg,2\n'))


def test_another_encoding_is_refused(manifest):
    with pytest.raises(DatasetError, match="not UTF-8"):
        table.read(manifest("path,identity\na.jpg,é\n", encoding="latin-1"))


def test_paths_may_be_absolute(manifest, tmp_path, write_images):
    write_images(tmp_path / "else where", "naïve.jpg")
    file = tmp_path / "else where" / "naïve.jpg"
    assert table.read(manifest(f"path,identity\n{file},1\n")).train[0].path == file


def test_the_path_may_be_the_table_itself(manifest):
    splits = table.read(manifest("path,identity\na.jpg,1\n", name="labels.tsv") / "labels.tsv")
    assert (splits.name, len(splits.train)) == ("crops", 1)


def test_of_two_tables_manifest_is_read(manifest):
    folder = manifest("path,identity\na.jpg,1\n")
    (folder / "results.csv").touch()
    assert table.find_tables(folder) == [folder / "manifest.csv"]


def test_two_tables_of_images_are_named_and_refused(manifest):
    folder = manifest("path,identity\na.jpg,1\n", name="one.csv")
    (folder / "two.csv").write_text("path,identity\nb.jpg,2\n")
    with pytest.raises(DatasetError, match=r"several tables of images(.|\n)*one\.csv\n  two\.csv"):
        table.read(folder)


def test_of_two_tables_the_one_of_images_is_read(manifest):
    folder = manifest("path,identity\na.jpg,1\n", name="labels.csv")
    (folder / "results.csv").write_text("rank,score\n1,0.5\n")
    assert table.find_tables(folder) == [folder / "labels.csv"]


def test_a_table_of_other_columns_does_not_go_unseen(manifest):
    with pytest.raises(DatasetError, match=r"no table in .* has columns path and identity(.|\n)*labels\.csv has image, id"):
        table.read(manifest("image,id\na.jpg,1\n", name="labels.csv"))


@pytest.mark.parametrize("names", ["train.csv test.csv", "Training.tsv probe.csv gallery_images.csv"])
def test_tables_named_like_splits_are_the_splits(manifest, names):
    folder = manifest("")
    (folder / "manifest.csv").unlink()
    for name, image in zip(names.split(), "abc", strict=False):
        (folder / name).write_text(
            f"path,identity\n{image}.jpg,{image}\n".replace(",", "\t" if name.endswith("tsv") else ",")
        )
    splits = table.read(folder)
    assert identities(splits.train) == ["a"]
    assert identities(splits.query) == ["b"]
    assert identities(splits.gallery) == (["c"] if "gallery" in names else ["b"])


@pytest.mark.parametrize("missing", ["nan", "NaN", "None", "null", "NULL", "NA", "<NA>", "N/A", " ", "NaT"])
def test_words_for_missing_values_are_no_labels(manifest, missing):
    rows = f"a.jpg,{missing},c1,t1,train\nb.jpg,2,{missing},{missing},train\nc.jpg,3,c1,t1,{missing}\n"
    splits = table.read(manifest(f"path,identity,camera,track,split\n{rows}"))
    assert [left_out.reason for left_out in splits.skipped] == ["row 2: identity is empty", "row 4: split is empty"]
    assert [(record.camera, record.track) for record in splits.train] == [(None, None)]


def test_missing_values_of_parquet_are_no_labels_and_floats_of_integers_are_integers(manifest):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    folder = manifest("", name="ignored.txt")
    columns = {"path": ["a.jpg", "b.jpg", "c.jpg"], "identity": [7.0, float("nan"), 8.0], "camera": [b"c1", b"", b"nan"]}
    parquet.write_table(pyarrow.table(columns), folder / "labels.parquet")
    splits = table.read(folder)
    labels = {(record.identity, record.camera) for record in (*splits.train, *splits.query)}
    assert labels == {("7", "c1"), ("8", None)}


@pytest.mark.parametrize(
    "cell", ["images\\a.jpg", "~/crops/images/a.jpg", "crops/images/a.jpg", ".\\images\\a.jpg", " images/a.jpg"]
)
def test_paths_of_other_places_are_found(tmp_path, write_images, monkeypatch, cell):
    folder = write_images(tmp_path / "crops", "images/a.jpg")
    (folder / "labels.csv").write_text(f"path,identity,split\n{cell},1,train\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert [record.path.name for record in table.read(folder).train] == ["a.jpg"]


def test_it_is_said_what_paths_are_relative_to(tmp_path, write_images, monkeypatch):
    folder = write_images(tmp_path / "crops", "a.jpg")
    (folder / "labels.csv").write_text("path,identity,split\ncrops/a.jpg,1,train\n")
    monkeypatch.chdir(tmp_path)
    assert f"labels.csv (paths relative to {tmp_path})" in table.read(folder).understood


@pytest.mark.parametrize("text", ["sep=;\npath;identity;split\na.jpg;1;train\n", "path|identity|split\na.jpg|1|train\n"])
def test_separators_that_spreadsheets_name_are_understood(manifest, text):
    assert identities(table.read(manifest(text)).train) == ["1"]


def test_rows_below_a_line_that_names_the_separator_keep_their_numbers(manifest):
    splits = table.read(manifest("sep=,\npath,identity\na.jpg,1\nb.jpg,\n"))
    assert splits.skipped[0].reason == "row 4: identity is empty"


def test_a_file_that_is_not_there_is_named_by_its_path(manifest):
    folder = manifest("path,identity\nimages\\gone.jpg,1\na.jpg,2\n")
    assert [left_out.path for left_out in table.read(folder).skipped] == [folder / "images" / "gone.jpg"]


def test_numbers_of_a_parquet_table_become_strings(manifest):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    folder = manifest("", name="ignored.txt")
    columns = {"path": ["a.jpg", "b.jpg"], "identity": [7, None], "camera": [None, 2], "split": ["train", "train"]}
    parquet.write_table(pyarrow.table(columns), folder / "labels.parquet")
    splits = table.read(folder)
    assert [(record.identity, record.camera) for record in splits.train] == [("7", None)]
    assert splits.skipped[0].reason == "row 2: identity is empty"


def test_a_broken_parquet_table_is_named(manifest):
    pytest.importorskip("pyarrow")
    with pytest.raises(FileError, match=r"cannot read .*labels\.parquet"):
        table.read(manifest("no parquet", name="labels.parquet"))


def test_without_pyarrow_the_extra_is_named(manifest, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"msinet\[table\]"):
        table.read(manifest("", name="labels.parquet"))


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real vehicles are missing: {SHARED}")
def test_the_two_camera_vehicles_are_read():
    splits = load_splits(SHARED, verify=False)
    assert (len(splits.train), len(splits.query), len(splits.gallery)) == (810, 324, 324)
    assert (len(identities(splits.train)), len(identities(splits.query))) == (405, 162)
    assert (splits.name, splits.skipped) == ("two-camera-vehicles", ())
