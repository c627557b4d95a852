"""Requests and images drawn by chance: `python benchmarks/service_fuzz.py --cases 10000 --images 10000`.

Half of the requests keep to the service's own description, half break it. None may be answered with 500, or with a code or a
form that the description lacks. Images are files with faults; none may be answered with 500 or end the service.
"""

import argparse
import io
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from PIL import Image
from schemathesis import GenerationMode
from serving import TOKEN, Sender, form, served

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.mutated import mutated

EVERY: list[Any] = list(HealthCheck)


def fuzz(address: str, cases: int) -> Counter[int]:
    """Send requests to every address of the service; return how many there were of each code.

    Raises:
        Exception: an answer fails a check; it names the request.
    """
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    operations = [operation.ok() for operation in schema.get_all_operations()]  # pyright: ignore
    codes: Counter[int] = Counter()
    each = max(1, cases // len(operations) // 2)
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                strategy = operation.as_strategy(generation_mode=mode)
                _send_all(strategy, each, codes)
            except Exception as error:
                if type(error).__name__ != "Unsatisfiable":  # Nothing can be broken where nothing is asked for.
                    raise
        print(f"{operation.label}: {dict(sorted(codes.items()))}", flush=True)
    return codes


def _send_all(strategy: Any, each: int, codes: Counter[int]) -> None:
    @seed(0)
    @settings(max_examples=each, deadline=None, suppress_health_check=EVERY, phases=[Phase.generate], database=None)
    @given(strategy)
    def send(case: schemathesis.Case) -> None:
        answer = case.call(headers={"Authorization": f"Bearer {TOKEN}"})
        codes[answer.status_code] += 1
        assert answer.status_code < 500, f"{case.as_curl_command()}: {answer.text}"
        described = case.operation.definition.raw["responses"]
        assert str(answer.status_code) in described, f"{case.as_curl_command()}: {answer.status_code}"

    send()


def send_images(address: str, count: int) -> Counter[int]:
    """Send image files with faults; return how many answers there were of each code."""
    rng, sender, codes = np.random.default_rng(0), Sender(address), Counter[int]()
    whole = [image_file(format) for format in ("PNG", "JPEG", "WEBP", "BMP")]
    for number in range(count):
        image = mutated(whole[number % len(whole)], rng)
        code, answer = sender.post("/v1/embed", form(image))
        codes[code] += 1
        if code >= 500:
            raise SystemExit(f"image {number}: {code} {answer!r}")
    return codes


def image_file(format: str) -> bytes:
    """Return a picture of noise in a format of files."""
    written = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)).save(written, format)
    return written.getvalue()


def main() -> None:
    """Fuzz a service of a small gallery."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000, help="Requests.")
    parser.add_argument("--images", type=int, default=10_000, help="Images.")
    options = parser.parse_args()
    from tests.onnx_file import write_mean_colour

    from msinet.deploy.predictor import Predictor
    from msinet.gallery.gallery import Gallery

    with tempfile.TemporaryDirectory() as folder:
        model = write_mean_colour(Path(folder) / "colour.onnx")
        gallery = Gallery.create(Path(folder) / "yard", Predictor(model), name=str(model), thumbnails=True)
        pictures = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3), np.uint8)
        for number, picture in enumerate(pictures):
            gallery.add(picture, identity=f"v{number // 4}", camera=f"c{number % 4}")
        with served(Path(folder) / "yard") as (address, process):
            found = {"images": send_images(address, options.images), "requests": fuzz(address, options.cases)}
            if process.poll() is not None:
                raise SystemExit("the service ended")
    print(json.dumps({what: {"all": codes.total(), **dict(sorted(codes.items()))} for what, codes in found.items()}))


if __name__ == "__main__":
    main()
