"""Exported networks against eager PyTorch: `python benchmarks/deploy.py [speed] [predictor] [--teachers FOLDER]`."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from paired import Row, Side, Step, compare, put_section, require_agreement, write_table

import msinet

IMAGE = (256, 256)
ARCHITECTURE = "msmt17"
SEED = 0
PAIRS = (("onnx", "fp32"), ("openvino", "fp32"), ("openvino", "bf16"), ("onnx", "int8"), ("openvino", "int8"))
FILES = 400
"""JPEG files that are embedded end to end."""
MANY = 100_000
"""Images of the measurement of memory."""
STARTS = 9
COMMAND = "python benchmarks/deploy.py"


def network(width: float = 1.0, image: tuple[int, int] = IMAGE):
    """Return the network of the benchmark."""
    import torch

    from msinet.model.msinet.architecture import Architecture
    from msinet.model.msinet.network import MSINet

    torch.manual_seed(SEED)
    return MSINet.build(1, image, width, Architecture.named(ARCHITECTURE)).eval()


def pixels(count: int, image: tuple[int, int] = IMAGE) -> np.ndarray:
    """Return images that ship, at a size: (N, H, W, 3) uint8."""
    from msinet.data.pixels import resized
    from msinet.deploy.gate import shipped_images

    return np.stack([resized(shipped, image) for shipped in shipped_images()[:count]])


def make_exports(folder: Path) -> dict[tuple[str, str], Path]:
    """Export the network to every pair that is compared."""
    from msinet.deploy.export import export_to
    from msinet.model.model_files import card_of

    made, found = network(), {}
    for to, precision in PAIRS:
        found[to, precision] = folder / f"{to}-{precision}{'.onnx' if to == 'onnx' else ''}"
        export_to(made, card_of(made), found[to, precision], to, precision, calibration=pixels(64))
    return found


def export(file: Path, batch: int) -> Step:
    """Return a step of the predictor: bytes to vectors."""
    predictor, images = msinet.Predictor(file, threads=os.cpu_count() or 1), pixels(batch)
    return lambda: [predictor.vectors(images)]


def textbook(batch: int) -> Step:
    """Return a step of the textbook's network by eager PyTorch: bytes to vectors."""
    import torch
    from textbook import TextbookMSINet

    from msinet.batches.augmentation import normalise
    from msinet.model.msinet.architecture import Architecture
    from msinet.model.msinet.widths import CHANNELS

    slow = TextbookMSINet(Architecture.named(ARCHITECTURE), 1, CHANNELS).eval()
    slow.load_state_dict(network().state_dict())
    images = torch.from_numpy(pixels(batch)).permute(0, 3, 1, 2)

    def step() -> list:
        with torch.inference_mode():
            return [slow(normalise(images)).embedding.numpy()]

    return step


def embed_files(folder: Path, model: Path, *options: str) -> Step:
    """Return a step that calls `msinet embed` on a folder of JPEG files."""
    out = model.with_suffix(".npz")

    def step() -> list:
        command = [sys.executable, "-m", "msinet", "embed", str(folder), "--model", str(model), "--out", str(out)]
        subprocess.run([*command, *options], check=True, capture_output=True)
        return [np.load(out)["vectors"]]

    return step


def write_files(folder: Path) -> None:
    """Write JPEG files of the size of crops of a road camera."""
    from PIL import Image

    from msinet.deploy.gate import shipped_images

    folder.mkdir()
    random = np.random.default_rng(0)
    sheet = shipped_images()
    for number in range(FILES):
        width, height = (int(side) for side in random.integers(150, 350, 2))
        image = sheet[number % len(sheet)].resize((width, height), Image.Resampling.BICUBIC)
        image.save(folder / f"{number:04}.jpg", quality=90)


def peak_memory(file: Path) -> float:
    """Return the peak memory in MB of a process that embeds `MANY` JPEG images."""
    words = (
        f"import io, sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import numpy as np, msinet; from PIL import Image; from paired import peak_megabytes\n"
        "random = np.random.default_rng(0); kept = []\n"
        "for _ in range(200):\n"
        "    image = Image.fromarray(random.integers(0, 256, (24, 20, 3), np.uint8)).resize((200, 240))\n"
        "    out = io.BytesIO(); image.save(out, 'JPEG')\n"
        "    kept.append(out.getvalue())\n"
        f"found = msinet.Predictor({str(file)!r}, streams=0).embed([kept[i % 200] for i in range({MANY})])\n"
        "print(len(found), peak_megabytes())\n"
    )
    shown = subprocess.run([sys.executable, "-c", words], check=True, capture_output=True, text=True).stdout.split()
    assert int(shown[0]) == MANY
    return float(shown[1])


def start(file: Path) -> float:
    """Return the seconds until a predictor is ready, in a new process."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import msinet; msinet.Predictor({str(file)!r})"], check=True)
    return time.perf_counter() - began


def compare_teacher(folder: Path, teacher: Path) -> str:
    """Say how fast ours at a quarter of the width is beside a network of others, both by OpenVINO, each at its own size."""
    from msinet.deploy.export import export_to
    from msinet.model.model_files import card_of

    small = network(0.25)
    export_to(small, card_of(small), folder / "small", "openvino", "fp32")
    for suffix in (".xml", ".bin"):
        shutil.copy(teacher.with_suffix(suffix), folder / f"teacher{suffix}")
    described = {"size": [256, 128], "order": "BGR", "range": "0-255", "mean": [0, 0, 0], "std": [1, 1, 1]}
    (folder / "teacher.pixels.json").write_text(json.dumps(described))
    sides = [Side(quick, folder / "small"), Side(quick, folder / "teacher.xml")]
    seconds = np.array([[side.once()[0] for side in sides] for _ in range(8)])[1:]
    for side in sides:
        side.peak()
    rates = 8 / np.median(seconds, 0)
    return (
        f"{teacher.stem} (0.59 M parameters, 256x128) embeds {rates[1]:.0f} images a second in fp32, {ARCHITECTURE} at a "
        f"quarter of the width (256x256) {rates[0]:.0f}."
    )


def quick(file: Path) -> Step:
    """Return a step of 8 images at the network's own size."""
    predictor = msinet.Predictor(file, threads=os.cpu_count() or 1)
    images = pixels(8, predictor.image_size)
    return lambda: [predictor.vectors(images)]


def measure_speed(teachers: Path | None) -> None:
    """Measure how fast exports are, and write the table."""
    with tempfile.TemporaryDirectory() as name:
        folder, rows = Path(name), list[Row]()
        exports = make_exports(folder)
        for (to, precision), file in exports.items():
            tolerance = {"fp32": 1e-4, "bf16": 0.1}.get(precision)
            if tolerance:
                require_agreement(f"{to} {precision}", (export, file, 7), (textbook, 7), tolerance)
        for batch, bound in ((8, ">= 6.5, the best"), (1, ">= 5, the best")):
            for (to, precision), file in exports.items():
                rows += compare(f"batch {batch}: {to} {precision}", (export, file, batch), (textbook, batch), (bound, ""))
        floats = [(row, pair) for row, pair in zip(rows, exports, strict=False) if pair[1] != "int8"]
        best = max(floats, key=lambda each: np.median(each[0].ratios))[1]
        for to in ("onnx", "openvino"):
            sides = (export, exports[to, "int8"], 8), (export, exports[best], 8)
            rows += compare(f"int8 of {to} : {' '.join(best)}", *sides, (">= 1.3", ""))
        write_files(folder / "images")
        msinet.save_model(network(), folder / "weights")
        weights = embed_files, folder / "images", folder / "weights"
        for pair in (best, ("openvino", "int8")):
            file = embed_files, folder / "images", exports[pair]
            for said, precision in (("", "auto"), (" in fp32", "fp32")):
                what = f"msinet embed of JPEG files: {' '.join(pair)} : the weights{said}"
                rows += compare(what, file, (*weights, "--precision", precision), (">= 3", ""), rounds=3)
        words = (
            f"{ARCHITECTURE}, full width, 256x256, from bytes to vectors. The textbook is eager PyTorch in fp32. Weights "
            "are untrained: the time of int8 is measured here, not its scores. "
            f"The {FILES} JPEG files have 150 to 350 pixels a side."
        )
        teacher = teachers / "person-reidentification-retail-0287.xml" if teachers else None
        words += f" {compare_teacher(folder, teacher)}" if teacher else ""
        write_table("Exported networks", f"{COMMAND} speed", rows, words)


def measure_predictor() -> None:
    """Measure how soon a predictor is ready, and how much memory it takes; write the table."""
    with tempfile.TemporaryDirectory() as name:
        exports = make_exports(Path(name))
        starts = {pair: [start(exports[pair]) for _ in range(STARTS)] for pair in (("onnx", "fp32"), ("openvino", "int8"))}
        peak = peak_memory(exports["openvino", "int8"])
    rows = [
        f"| import msinet; msinet.Predictor(FILE), {' '.join(pair)} | {np.median(seconds):.2f} s ({min(seconds):.2f}-"
        f"{max(seconds):.2f}) | <= 0.5 s |"
        for pair, seconds in starts.items()
    ]
    put_section(
        "The predictor",
        f"`{COMMAND} predictor`, the machine above. The slowest start of OpenVINO compiles, the others find it done."
        f"\n\n| what | found | bound |\n|---|---|---|\n"
        + "\n".join(rows)
        + f"\n| peak memory, {MANY:,} JPEG images in memory, openvino int8 | {peak:.0f} MB | <= 600 MB |",
    )


PARTS = ("speed", "predictor")

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=PARTS, help="what to measure; by default all")
    parser.add_argument("--teachers", type=Path, help="folder with person-reidentification-retail-0287.xml and .bin")
    options = parser.parse_args()
    if "speed" in (options.parts or PARTS):
        measure_speed(options.teachers)
    if "predictor" in (options.parts or PARTS):
        measure_predictor()
