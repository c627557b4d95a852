"""The appearance of tracked objects: msinet as the re-identification model of a tracker.

`Appearance` has the calls that trackers make: `get_features(xyxys, img)`, as those of BoxMOT do, and
`extract_embeddings(detections, frame)` for `supervision.Detections`. Frames are in OpenCV's order of channels, BGR. Every
box gets a row; a box of which nothing lies in the frame gets zeros, which are similar to nothing.

    python examples/tracker_appearance.py FILE.onnx FRAME.jpg OTHER.jpg

prints how similar the boxes of one frame are to those of another; the boxes stand in FRAME.txt: left, top, right, bottom.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import msinet


class Appearance:
    """The appearance model of a tracker.

    Args:
        model: what `msinet.Predictor` takes: FILE.onnx, a folder of OpenVINO's files.
    """

    def __init__(self, model: str | Path) -> None:
        self.predictor = msinet.Predictor(model)

    def get_features(self, xyxys: np.ndarray, img: np.ndarray) -> np.ndarray:
        """Return the vectors (N, D) of boxes (N, 4) of a frame (H, W, 3) uint8, BGR."""
        boxes = np.asarray(xyxys, np.float64).reshape(-1, 4)
        found = self.predictor.embed(img[:, :, ::-1], boxes)
        features = np.zeros((len(boxes), self.predictor.embedding_dim), np.float32)
        features[found.positions] = found.vectors
        return features

    def extract_embeddings(self, detections: Any, frame: np.ndarray) -> np.ndarray:
        """Return the vectors (N, D) of `supervision.Detections` of a frame (H, W, 3) uint8, BGR."""
        return self.get_features(detections.xyxy, frame)


def main() -> None:
    """Print the similarities between the boxes of two frames."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="FILE.onnx or a folder of OpenVINO's files")
    parser.add_argument("frames", type=Path, nargs=2, help="two images, with boxes in .txt files of the same names")
    options = parser.parse_args()
    appearance = Appearance(options.model)
    features = []
    for frame in options.frames:
        pixels = np.asarray(Image.open(frame).convert("RGB"))[:, :, ::-1]
        features.append(appearance.get_features(np.loadtxt(frame.with_suffix(".txt"), ndmin=2), pixels))
    print(np.array2string(features[0] @ features[1].T, precision=2, suppress_small=True))


if __name__ == "__main__":
    main()
