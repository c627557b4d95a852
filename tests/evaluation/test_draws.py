"""VehicleID's drawn galleries: the draws, their file, and the scores over them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msinet.data.records import ImageRecord
from msinet.errors import DatasetError, FileError, SettingsError
from msinet.evaluation.draws import COUNT, DrawnGalleries, draw_galleries, read_draws, write_draws
from msinet.evaluation.ranking import rank
from msinet.evaluation.ranking_task import prepare
from msinet.evaluation.scoring import compare, evaluate_embeddings, score


def scored(images, draws, pairs=True):
    """Score images on given draws."""
    tasks = prepare(images.records, images.records, "vehicleid", draw=lambda records: draws)
    sides = [[images.of(side.images) for side in (task.query, task.gallery)] for task in tasks]
    found = [rank(compare(task, *both), task.relevance, pairs=pairs) for task, both in zip(tasks, sides, strict=True)]
    return score(tasks, found)


def test_one_drawn_image_of_each_identity_is_the_gallery(make_images):
    images = make_images(10, 5)
    result = evaluate_embeddings(images, images, "vehicleid")
    assert (result.gallery, result.queries) == (10, 40)
    assert set(result.deviations) == {"mAP", "mINP", "rank-1", "rank-5", "rank-10", "rank-20"}
    assert result.mAP == pytest.approx(result.mINP)  # one match: both are 1 / its position
    assert not result.intervals


def test_scores_are_the_mean_over_the_draws(make_images):
    images = make_images(10, 5)
    draws = draw_galleries(images.records, seed=3)
    mean = scored(images, draws)
    single = [scored(images, [draw, draw]) for draw in draws]
    assert mean.mAP == pytest.approx(np.mean([result.mAP for result in single]))
    assert mean.deviations["mAP"] == pytest.approx(np.std([result.mAP for result in single], ddof=1))
    np.testing.assert_allclose(mean.cmc, np.mean([result.cmc for result in single], axis=0))


def test_one_draw_has_an_interval_and_no_deviation(make_images):
    images = make_images(10, 5)
    result = scored(images, draw_galleries(images.records)[:1])
    assert not result.deviations
    assert result.intervals["mAP"][0] < result.mAP < result.intervals["mAP"][1]
    assert result.evidence.draws.count == 1


def test_pairs_are_those_of_all_draws(make_images):
    images = make_images(10, 5)
    pairs = scored(images, draw_galleries(images.records)).evidence.similarities
    # Each of forty queries has one match among ten images.
    assert (sum(pairs.same), sum(pairs.different)) == (10 * 40, 10 * 40 * 9)


def test_camera_pairs_of_one_draw_are_not_shown_for_all(make_images):
    records = make_images(10, 5).records
    with pytest.raises(SettingsError, match=r"camera_pairs cannot be combined.*whose galleries are drawn"):
        prepare(records, records, "vehicleid", camera_pairs=True)


def test_a_query_is_scored_in_the_draws_in_which_it_asks(image, along):
    images = along([0, 0, 1, 1, 1], [image(f"{i}", identity) for i, identity in enumerate("aabbb")])
    result = evaluate_embeddings(images, images, "vehicleid")
    assert set(result.per_query.path) <= {record.path.as_posix() for record in images.records}
    assert (result.mAP, result.average_precision.min()) == (1, 1)


def test_identities_of_one_image_each_leave_no_query(image, along):
    images = along([0, 1], [image("a", "1"), image("b", "2")])
    with pytest.raises(DatasetError, match="needs two images of an identity"):
        evaluate_embeddings(images, images, "vehicleid")


def test_draws_are_saved_and_read_back(make_images, tmp_path):
    draws = {"world 800": draw_galleries(make_images(10, 5).records)}
    write_draws(tmp_path / "draws.json", draws)
    assert read_draws(tmp_path / "draws.json") == draws
    assert (len(draws["world 800"]), read_draws(tmp_path / "none.json")) == (COUNT, {})


def test_draws_of_names_that_are_not_utf_8_are_read_back(tmp_path):
    draws = {"s\udcb3t 800": [{"\udcb3\udcb5001": "caf\udce9/1.jpg"}]}
    write_draws(tmp_path / "draws.json", draws)
    assert read_draws(tmp_path / "draws.json") == draws


def test_a_file_of_draws_gives_what_it_holds_and_gets_what_it_lacks(make_images, tmp_path):
    records, file = make_images(10, 5).records, tmp_path / "draws.json"
    others = draw_galleries(records, seed=5)
    write_draws(file, {"known": others})
    galleries = DrawnGalleries(file)
    assert galleries.of("known", records) == others
    assert galleries.of("new", records) == draw_galleries(records)
    galleries.save()
    assert read_draws(file) == {"known": others, "new": draw_galleries(records)}


def test_draws_depend_on_files_and_seed_alone(make_images):
    records = make_images(10, 5).records
    moved = [replace(record, path=Path("/elsewhere") / record.path) for record in reversed(records)]
    assert draw_galleries(records) == draw_galleries(moved)
    assert draw_galleries(records) != draw_galleries(records, seed=1)


def test_draws_of_other_images_are_an_error(make_images):
    images = make_images(10, 5)
    draws = draw_galleries(images.records)
    with pytest.raises(DatasetError, match="these draws are of other images"):
        scored(images.select(np.arange(len(images)) > 20), draws)


@pytest.mark.parametrize("text", ["[", "[]", '{"a": [1]}', '{"a": []}'])
def test_another_file_holds_no_draws(tmp_path, text):
    (tmp_path / "draws.json").write_text(text)
    with pytest.raises(FileError, match="holds no draws"):
        read_draws(tmp_path / "draws.json")


@given(st.integers(0, 2**32 - 1))
def test_scores_of_drawn_galleries_are_those_of_sorting_each(on_a_cube, slow_precision, seed):
    random = np.random.default_rng(seed)
    images = on_a_cube(random, [ImageRecord(Path(f"{i}"), str(i % 4)) for i in range(14)])
    draws = draw_galleries(images.records, seed % 1000)
    means = []
    for draw in draws:
        gallery = [i for i, record in enumerate(images.records) if record.path.name in draw.values()]
        rows = images.vectors @ images.vectors[gallery].T
        asked = [i for i in range(14) if i not in gallery]
        matches = [{n for n, g in enumerate(gallery) if images.records[g].identity == str(i % 4)} for i in asked]
        means.append(np.mean([slow_precision(rows[i], own, set()) for i, own in zip(asked, matches, strict=True)]))
    mean = scored(images, draws, pairs=False)
    assert mean.mAP == pytest.approx(np.mean(means))
    assert mean.deviations["mAP"] == pytest.approx(np.std(means, ddof=1), abs=1e-12)
