"""The weights that ship with msinet, made from nothing: synthetic vehicles, then real ones whose labels are not read.

1. Make synthetic vehicles in several cities and difficulties, train on them, and adapt to them: `msinet-synthetic-small`.
2. Embed the real training images by two public networks, the teachers. Images of different cameras that are each other's
   nearest become one identity. A linear map is fitted to these, which is the teachers' and not the user's labels.
3. Make views of the images, cuts and mixtures, embed them by the teachers, and teach a network like that of step 1 their
   mapped vectors; adapt it to the identities of step 2: `msinet-vehicles`.
4. Embed views by that, teach the network of step 1 its vectors, and fit a map to its cosines: `msinet-vehicles-small`.

Stopped and started again, it goes on where it stopped. docs/weights.md has its results.

    python examples/make_weights.py DATA TEACHERS --out runs/weights --size full
"""

import argparse
import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from distil_views import FOLLOWED, distil, follow, make_views

import msinet
from msinet.cli.bars import bars
from msinet.data.embedding_files import load_vectors, save_embeddings
from msinet.data.embeddings import Embeddings
from msinet.data.image_hashes import image_hashes
from msinet.data.records import ImageRecord
from msinet.engine.settings import settings_dict
from msinet.files.sketch import Sketch
from msinet.model.cost import count_parameters
from msinet.model.model_files import save_model
from msinet.model.msinet.architecture import Architecture
from msinet.model.network import Network
from msinet.model.zoo import ZOO
from msinet.training.within_class import WithinClass
from msinet.world.dataset import make_world
from msinet.world.settings import City, WorldSettings

WORLDS: tuple[tuple[City, float, int], ...] = (
    ("day", 0.3, 11),
    ("mixed", 0.5, 10),
    ("mixed", 0.8, 12),
    ("overcast", 0.5, 13),
)
"""City, difficulty and seed of the synthetic vehicles."""

ARCHITECTURE = "all:none:1,1x1"
"""One cell a stage and one convolution in each branch, without interactions: docs/experiments.md."""

TEACHERS = ("person-reidentification-retail-0287", "person-reidentification-retail-0277")

PIXELS = {"size": [256, 128], "order": "BGR", "range": "0-255", "mean": [0, 0, 0], "std": [1, 1, 1]}
"""What both teachers expect of their images."""

TEACHERS_FILE = "teachers.npz"

LICENCE = "Apache-2.0"


@dataclass(frozen=True)
class Size:
    """A size in which the weights ship."""

    suffix: str
    """End of the models' names."""
    width: float
    epochs: int
    """Number of epochs on synthetic vehicles."""
    passes: int
    """Number of passes over the views of real images."""
    both: bool
    """Whether the network that saw synthetic vehicles alone ships as well. The package has room for one of them."""
    teacher: str | None
    """The model that ships and teaches this one; None where the two public networks do."""


SIZES = {
    "full": Size("", 1.0, 15, 3, both=False, teacher=None),
    "small": Size("-small", 0.5, 30, 8, both=True, teacher="msinet-vehicles"),
}

PARTS = 56
"""Number of files with views, of 2,000 each."""

SHRINKAGE = 1.0
"""Shrinkage of the linear map of the teachers' vectors, chosen in docs/weights.md."""

CLOSING_SHRINKAGE = 0.6
"""Shrinkage of the map behind `msinet-vehicles`, with which its vectors in bf16 stay near (docs/weights.md)."""

LEARNING_RATE = 2e-3

COMMON: dict[str, Any] = {
    "image_height": 128,
    "image_width": 96,
    "optimizer": "adamw",
    "weight_decay": 0.05,
    "schedule": "cosine",
    "identities_per_batch": 32,
    "erasing": 0.5,
}


def main() -> None:
    """Make both models of a size, and put them where models that ship are found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="Folder or table of the real images; those of its training split are taken.")
    parser.add_argument("teachers", type=Path, help=f"Folder with {' and '.join(f'{name}.xml' for name in TEACHERS)}.")
    parser.add_argument("--out", type=Path, default=Path("runs/weights"), help="Folder of all that is made.")
    parser.add_argument(
        "--size", choices=SIZES, default="full", help="Size of the models; the full one teaches the small one."
    )
    options = parser.parse_args()
    with bars():
        make_weights(options.data, options.teachers, options.out, SIZES[options.size])


def make_weights(data: Path, teachers: Path, out: Path, size: Size) -> None:
    """Make both models of a size."""
    splits, images = msinet.load_splits(data), synthetic_images(out / "worlds")
    settings = synthetic_settings(size)
    synthetic = train(write_table(out / "synthetic.csv", images), settings, out / f"synthetic{size.suffix}")
    if size.both:
        lineage = f"{len(images)} synthetic images; no real image and no other network"
        adapted = msinet.adapt(synthetic, images)
        name = f"msinet-synthetic{size.suffix}"
        ship(adapted.network, adapted.facts(), name, lineage, settings_dict(settings), splits, None)

    taught = teacher_vectors(splits.train, teachers, out / TEACHERS_FILE)
    grouped = labelled_by_neighbours(taught)
    by = [msinet.Predictor(size.teacher)] if size.teacher else [load_teacher(teachers, name, out) for name in TEACHERS]
    of_views = make_views(out / f"views{size.suffix}", PARTS, _paths(grouped), _paths(images), by)
    targets = of_views.vectors
    if not size.teacher:
        mean, matrix = WithinClass.of(Embeddings(taught.vectors, grouped)).map(SHRINKAGE)
        targets = (targets - mean) @ matrix
    targets = (targets / np.linalg.norm(targets, axis=1, keepdims=True)).astype(np.float32)
    checkpoint = out / f"vehicles{size.suffix}.checkpoint"
    real = distil(synthetic, of_views, targets, checkpoint, size.passes, LEARNING_RATE)
    settings = {"views": len(of_views), "passes": size.passes, "learning_rate": LEARNING_RATE}
    settings |= {"teacher": size.teacher} if size.teacher else {"shrinkage": SHRINKAGE}
    through = f"by {size.teacher}, which learned from views that were embedded " if size.teacher else ""
    lineage = (
        f"{len(images)} synthetic images, then {len(taught)} real images of vehicles without their labels, whose views were "
        f"embedded {through}by {TEACHERS[0]} and {TEACHERS[1]} (Open Model Zoo, Apache-2.0; training data not named)"
    )
    learned = Sketch.of(image_hashes(image.path for image in splits.train))
    if size.teacher:
        network, fitted_to = follow(real, of_views, targets), {"method": f"the cosines of {size.teacher}", "views": FOLLOWED}
    else:
        adapted = msinet.adapt(real, grouped, shrinkage=CLOSING_SHRINKAGE)
        network, fitted_to = adapted.network, adapted.facts()
    ship(network, fitted_to, f"msinet-vehicles{size.suffix}", lineage, settings, splits, learned)


def _paths(images: Sequence[ImageRecord]) -> list[Path]:
    return [image.path for image in images]


def synthetic_images(folder: Path) -> list[ImageRecord]:
    """Make the synthetic vehicles, and return all their images; vehicles and cameras of different worlds are different."""
    images: list[ImageRecord] = []
    for city, difficulty, seed in WORLDS:
        name = f"{city}-{difficulty}"
        make_world(folder / name, WorldSettings(identities=400, city=city, difficulty=difficulty, seed=seed, test_share=0))
        made = sorted(msinet.load_splits(folder / name).train, key=lambda image: image.path.name)
        images += [ImageRecord(i.path.resolve(), f"{name}-{i.identity}", f"{name}-{i.camera}") for i in made]
    return images


def synthetic_settings(size: Size) -> msinet.TrainSettings:
    """Return how a network learns synthetic vehicles."""
    return msinet.TrainSettings(
        **COMMON,
        width=size.width,
        epochs=size.epochs,
        small_epochs=size.epochs * 2 // 3,
        images_per_identity=4,
        learning_rate=6e-3,
        warmup_epochs=2,
        color_jitter=0.3,
    )


def write_table(file: Path, images: Sequence[ImageRecord]) -> Path:
    """Write images as a table that msinet reads, all of them in the training split."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        table = csv.writer(opened)
        table.writerow(["path", "identity", "camera", "split"])
        table.writerows((image.path, image.identity, image.camera, "train") for image in images)
    return file


def train(table: Path, settings: msinet.TrainSettings, out: Path) -> Network:
    """Train on a table."""
    return msinet.train(msinet.load_splits(table), Architecture.find(ARCHITECTURE), settings, out).network


def teacher_vectors(images: Sequence[ImageRecord], folder: Path, file: Path) -> Embeddings:
    """Return the vectors that both teachers give to images, side by side; they are computed once and kept."""
    if not file.exists():
        vectors = [msinet.embed(load_teacher(folder, name, file.parent), images).vectors for name in TEACHERS]
        save_embeddings(Embeddings(np.concatenate(vectors, axis=1) / np.sqrt(len(TEACHERS)), images), file)
    return load_vectors(file).of(images)


def load_teacher(folder: Path, name: str, out: Path) -> msinet.Predictor:
    """Return a teacher, from a copy of its files beside which stands what it expects of its images."""
    for suffix in (".xml", ".bin"):
        shutil.copy(folder / f"{name}{suffix}", out)
    (out / f"{name}.pixels.json").write_text(json.dumps(PIXELS), encoding="utf-8")
    return msinet.Predictor(out / f"{name}.xml")


def labelled_by_neighbours(taught: Embeddings) -> list[ImageRecord]:
    """Return images with identities that nobody gave them.

    Two images of different cameras are one identity where each is the other's nearest in the other's camera, and all that is
    joined in this way is one. An image without such a neighbour is an identity of its own.
    """
    cameras = np.array([image.camera for image in taught.records])
    similarities = taught.vectors @ taught.vectors.T
    identity = np.arange(len(taught))
    for one in np.unique(cameras):
        for other in np.unique(cameras[cameras > one]):
            a, b = np.flatnonzero(cameras == one), np.flatnonzero(cameras == other)
            between = similarities[np.ix_(a, b)]
            nearest, back = between.argmax(1), between.argmax(0)
            for i in np.flatnonzero(back[nearest] == np.arange(len(a))):
                identity[identity == identity[b[nearest[i]]]] = identity[a[i]]
    return [
        ImageRecord(image.path.resolve(), f"group-{group}", image.camera)
        for image, group in zip(taught.records, identity, strict=True)
    ]


def ship(
    network: Network,
    adaptation: Mapping[str, Any],
    name: str,
    lineage: str,
    settings: Mapping[str, Any],
    splits: msinet.ReidSplits,
    learned: Sketch | None,
) -> None:
    """Write a model in half precision, without the classifiers, to where models that ship are found; score it.

    Its card has the real images that it learned, and none of the synthetic ones, which nobody else has.
    """
    bare = type(network).from_arguments({**network.arguments(), "identities": 1})
    bare.adaptation, bare.learned = network.adaptation, learned
    kept = {key: value for key, value in network.state_dict().items() if ".classifier." not in key}
    bare.load_state_dict({**bare.state_dict(), **kept})
    info = {
        "lineage": lineage,
        "parameters": count_parameters(bare),
        "training": dict(settings),
        "adaptation": dict(adaptation),
    }
    save_model(bare, ZOO / name, info, LICENCE, half=True)
    result = msinet.evaluate(bare.eval(), splits)
    info["scores"] = {"data": splits.name, "protocol": result.protocol, "mAP": result.mAP, "rank_1": result.rank(1)}
    save_model(bare, ZOO / name, info, LICENCE, half=True)


if __name__ == "__main__":
    main()
