"""Two images compared: where each activates the last map, and which positions match (report, equation 7)."""

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np

from msinet.errors import MSINetError
from msinet.serve.service import Service

MOST = 256
"""Most matching positions that are answered, the strongest first."""

NO_MAP = "the model gives no last map: export it by msinet export --last-map, and serve that file"
NO_PICTURE = "the gallery keeps no picture of entry {}: create it with --thumbnails"


def compare(service: Service, one: int, other: int) -> dict[str, object]:
    """Compare the thumbnails of two entries; says why where it cannot be done."""
    embedder = service.embedder
    maps = getattr(embedder.own, "maps", None) if embedder else None
    if embedder is None or maps is None:
        return {"available": False, "reason": NO_MAP}
    pictures = {id: service.gallery.thumbnail(id) for id in (one, other)}
    for id, picture in pictures.items():
        if picture is None:
            return {"available": False, "reason": NO_PICTURE.format(id)}
    mapped = cast(Callable[[Sequence[object]], np.ndarray], maps)
    try:
        first, second = embedder.call(lambda: mapped([pictures[one], pictures[other]]))
    except MSINetError as error:
        return {"available": False, "reason": NO_MAP if "last-map" in str(error) else "the thumbnails cannot be read"}
    return {
        "available": True,
        "one": {"activation": activation(first).round(4).tolist()},
        "other": {"activation": activation(second).round(4).tolist()},
        "matches": matches(first, second),
    }


def activation(last_map: np.ndarray) -> np.ndarray:
    """Return the mean of the squared channels of a last map (C, h, w) at each position, (h, w), scaled from 0 to 1."""
    energy = np.square(last_map.astype(np.float64)).mean(0)
    span = energy.max() - energy.min()
    return (energy - energy.min()) / span if span > 0 else np.zeros_like(energy)


def matches(one: np.ndarray, other: np.ndarray) -> list[dict[str, object]]:
    """Return for each position of a last map (C, h, w) the position of the other that it has the largest product with.

    Weights are the products of equation 7 over the largest of them, 0 to 1; the strongest first.
    """
    products = one.reshape(len(one), -1).T.astype(np.float64) @ other.reshape(len(other), -1)  # (N, N)
    strongest, partners = products.max(1), products.argmax(1)
    weights = np.clip(strongest / max(strongest.max(), 1e-12), 0, 1)
    columns = one.shape[2], other.shape[2]
    return [
        {
            "from": list(map(int, divmod(place, columns[0]))),
            "to": list(map(int, divmod(partners[place], columns[1]))),
            "weight": round(float(weights[place]), 4),
        }
        for place in np.argsort(-weights, kind="stable")[:MOST].tolist()
    ]
