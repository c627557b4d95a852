"""Images of several requests are embedded together, by one thread, and each gets its own vector."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.gallery.conftest import Colours, picture
from tests.serve.conftest import file_of

from msinet.serve.batching import Batcher
from msinet.serve.metrics import Metrics
from msinet.serve.problems import Problem
from msinet.serve.settings import ServeSettings
from msinet.serve.shared_embedder import SharedEmbedder


def first_pixels(images):
    return images[:, 0, 0].astype(np.float32)


def image(value):
    return np.full((2, 2, 3), value, np.uint8)


@pytest.fixture
def batcher():
    made = []

    def make(vectors=first_pixels, size=4, company=0.0, places=100):
        made.append(Batcher(vectors, size, company, places, Metrics()))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_every_image_gets_its_own_vector_whatever_the_batch(batcher):
    one = batcher(company=0.001)
    one.start()
    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(lambda value: one.put([image(value)])[0].result(5)[0], range(200)))
    assert values == list(range(200))


def test_what_waits_is_embedded_together_up_to_the_size(batcher):
    sizes = []
    one = batcher(lambda images: (sizes.append(len(images)), first_pixels(images))[1])
    futures = one.put([image(value) for value in range(10)])
    one.start()
    assert [future.result(5)[0] for future in futures] == list(range(10))
    assert sizes == [4, 4, 2]


def test_a_lone_image_waits_no_longer_than_it_may(batcher):
    one = batcher(company=0.05)
    one.start()
    started = time.monotonic()
    one.put([image(1)])[0].result(5)
    assert 0.04 < time.monotonic() - started < 1
    started = time.monotonic()
    for future in one.put([image(value) for value in range(4)]):
        future.result(5)
    assert time.monotonic() - started < 0.05  # A full batch waits for nobody.


def test_there_is_a_place_for_all_images_of_a_request_or_for_none(batcher):
    one = batcher(places=5)
    one.put([image(0)] * 3)
    with pytest.raises(Problem) as refused:
        one.put([image(0)] * 3)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "1")
    assert len(one) == 3


def test_what_nobody_waits_for_any_more_is_not_embedded(batcher):
    seen = []
    one = batcher(lambda images: (seen.extend(images[:, 0, 0, 0].tolist()), first_pixels(images))[1])
    futures = one.put([image(value) for value in range(4)])
    futures[2].cancel()
    one.start()
    futures[3].result(5)
    assert seen == [0, 1, 3]


def test_an_error_of_the_model_reaches_those_who_wait_and_the_thread_goes_on(batcher):
    def vectors(images):
        if images.max() == 7:
            raise MemoryError
        return first_pixels(images)

    one = batcher(vectors)
    one.start()
    with pytest.raises(MemoryError):
        one.put([image(7)])[0].result(5)
    assert one.put([image(3)])[0].result(5)[0] == 3
    with pytest.raises(ZeroDivisionError):
        one.call(lambda: 1 / 0).result(5)
    assert one.call(threading.current_thread).result(5).name == "embeds"


def test_a_stopped_batcher_has_embedded_what_waited(batcher):
    one = batcher(company=1)
    futures = one.put([image(value) for value in range(9)])
    one.start()
    one.stop()
    assert [future.result(0)[0] for future in futures] == list(range(9))
    with pytest.raises(Problem):
        one.put([image(0)])


def test_a_shared_embedder_gives_the_vectors_of_its_model():
    own, metrics = Colours(), Metrics()
    shared = SharedEmbedder(own, ServeSettings(), metrics)
    shared.batcher.start()
    try:
        sources = [file_of(0), b"no image", picture(1), file_of(2, "JPEG")]
        ours, theirs = shared.embed(sources), own.embed(sources)
        assert np.allclose(ours.vectors, theirs.vectors)
        assert (ours.positions.tolist(), ours.left_out) == (theirs.positions.tolist(), theirs.left_out)
        boxes = [[0, 0, 8, 8], [8, 8, 16, 16]]
        assert np.allclose(shared.embed(picture(3), boxes).vectors, own.embed(picture(3), boxes).vectors)
        assert (shared.weights, shared.kind) == (own.weights, own.kind)
    finally:
        shared.batcher.stop()
