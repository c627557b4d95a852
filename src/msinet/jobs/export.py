"""Export of a model on disk: to a file, past a gate, with its scores before and after."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from msinet.data.pixels import read_or_reason, resized
from msinet.data.records import ReidSplits
from msinet.deploy.export import export_to
from msinet.deploy.formats import LARGEST_LOSS, LEAST_COSINE, format_of, require_pair
from msinet.deploy.gate import Agreement, agreement, shipped_images
from msinet.deploy.predictor import Predictor
from msinet.engine.evaluate import evaluate
from msinet.engine.machine import Machine
from msinet.engine.settings import MachineSettings
from msinet.errors import FileError, ModelError, SettingsError
from msinet.files.paths import user_path
from msinet.model.cards import Card
from msinet.model.model_files import load_model
from msinet.model.network import Network
from msinet.model.runtime_file import RuntimeFile
from msinet.model.zoo import find_model
from msinet.progress import track

IMAGES = 256
"""Images of the user's that an export is checked and calibrated with, at most."""

LEAST_IMAGES = 64
"""Images that an export is checked with, at least: where the user's are fewer, those that ship are added."""

TIMED = 50
"""Images that are timed, one at a time."""


@dataclass(frozen=True)
class Checked:
    """What was found of a file before it took its place."""

    agreement: Agreement
    milliseconds: float
    """Time of an image on this machine, one at a time: the median."""
    score: float | None
    """mAP, where there are query and gallery."""


@dataclass(frozen=True)
class Exported:
    """An export that passed its gate."""

    file: RuntimeFile
    size: int
    """Bytes."""
    checked: Checked
    score_before: float | None
    """mAP of the network in float32, where there are query and gallery."""


def export_model(
    model: str | Path,
    out: str | Path,
    to: str | None = None,
    precision: str = "fp32",
    splits: ReidSplits | None = None,
    last_map: bool = False,
    largest_loss: float = LARGEST_LOSS,
    threads: int = 0,
) -> Exported:
    """Write a model to a file that a runtime reads, if its vectors are still those of the network.

    Args:
        model: its folder, or the name of one that ships.
        out: FILE.onnx, FILE.pt2, or a folder for OpenVINO.
        to: onnx, openvino or torch; by default what `out` implies.
        precision: fp32, fp16, bf16 or int8.
        splits: images to check with; query and gallery, where there are, are scored before and after. int8 needs them, and
            is calibrated with the images.
        last_map: write the last map as a second output.
        largest_loss: points of mAP that int8 may lose.
        threads: that the file is timed with; 0 for as many as its runtime wants.

    Raises:
        SettingsError: the pair of format and precision does not work, or int8 has no data.
        ModelError: the model cannot be read or exported, or its file does not agree; the message names the worst image.
        DatasetError: no image can be read, or the data cannot be scored.
        MissingExtraError: a package for the format is missing.
        FileError: the file cannot be written.
    """
    out = user_path(out)
    to = format_of(out, to)
    require_pair(to, precision)
    if precision == "int8" and (splits is None or not splits.query):
        raise SettingsError(
            "precision int8 needs data with query and gallery: it is calibrated with its images, and scored",
            "precision",
            "data",
        )
    if to == "openvino" and out.is_file():
        raise FileError(f"{out} is a file: name a folder for OpenVINO")
    card, network = Card.load(find_model(model)), load_model(model)
    names, pixels = images_for(splits, network.image_size)
    before, found = _score(network, splits), list[Checked]()

    def check(file: RuntimeFile) -> None:
        predictor = Predictor(str(file), threads=threads)
        checked = Checked(agreement(network, predictor, pixels), _milliseconds(predictor, pixels), _score(predictor, splits))
        refuse(checked, names, precision, before, largest_loss)
        found.append(checked)

    calibration = pixels if precision == "int8" else None
    file = export_to(network, card, out, to, precision, last_map, calibration, check)
    return Exported(file, sum(part.stat().st_size for part in file.parts), found[0], before)


def images_for(splits: ReidSplits | None, image_size: tuple[int, int]) -> tuple[list[str], np.ndarray]:
    """Return names and pixels (N, H, W, 3) uint8 of the images that an export is checked and calibrated with.

    The user's come first, spread over the training and validation split or, where these have fewer than `LEAST_IMAGES`, over
    all. Where all are fewer, those that ship follow.
    """
    splits = splits or ReidSplits("none")
    seen_in_training, all_of_them = (
        list({record.path: record for record in records}.values())
        for records in ((*splits.train, *splits.validation), (*splits.records(), *splits.unlabelled))
    )
    records = seen_in_training if len(seen_in_training) >= LEAST_IMAGES else all_of_them
    spread = records[:: max(1, len(records) // IMAGES)][:IMAGES]
    read = {str(record.path): read_or_reason(record.path) for record in track(spread, "read images")}
    images = {name: image for name, image in read.items() if not isinstance(image, str)}
    if len(images) < LEAST_IMAGES:
        images |= {f"image {number} of those that ship": image for number, image in enumerate(shipped_images())}
    return list(images), np.stack([resized(image, image_size) for image in images.values()])


def refuse(
    checked: Checked, names: Sequence[str], precision: str, before: float | None, largest_loss: float = LARGEST_LOSS
) -> None:
    """Raise ModelError where a file's vectors are not those of its network, or int8 loses too much."""
    agreed = checked.agreement
    least = LEAST_COSINE.get(precision)
    if least is not None and not agreed.cosine >= least:
        raise ModelError(
            f"the exported file does not embed as the network does, so that it was not kept: the cosine of the vectors of "
            f"{names[agreed.worst]} is {agreed.cosine:.6f}, and {precision} needs {least}"
        )
    if least is None and before is not None and checked.score is not None:
        loss = 100 * (before - checked.score)
        if loss > largest_loss:
            raise ModelError(
                f"{precision} loses {loss:.1f} points of mAP ({before:.1%} to {checked.score:.1%}), so that the file was "
                "not kept: allow it by largest_loss, or take fp16 or bf16",
                "largest_loss",
            )


def _score(model: Network | Predictor, splits: ReidSplits | None) -> float | None:
    """Return the mAP of a model on query and gallery, in float32; None where there are none."""
    if splits is None or not splits.query:
        return None
    machine = Machine(MachineSettings(device="cpu", precision="fp32"))
    return evaluate(model, splits, machine=machine).mAP


def _milliseconds(predictor: Predictor, pixels: np.ndarray) -> float:
    """Return the median time of an image, one at a time, after a tenth of them to warm up."""
    times = []
    for number in range(TIMED + TIMED // 10):
        image = pixels[number % len(pixels)][None]
        began = time.perf_counter()
        predictor.vectors(image)
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times[TIMED // 10 :])
