"""Packages that the base installation leaves out, and the extras that bring them."""

from collections.abc import Iterator
from contextlib import contextmanager

from msinet.errors import MissingExtraError

EXTRAS = {
    "torch": "train",
    "torchvision": "train",
    "accelerate": "train",
    "matplotlib": "train",
    "embreex": "demo",
    "trimesh": "demo",
    "faiss": "gallery",
    "scipy": "gallery",
    "pymilvus": "milvus",
    "grpc": "milvus",
    "fastapi": "serve",
    "httpx": "serve",
    "prometheus_client": "serve",
    "python_multipart": "serve",
    "uvicorn": "serve",
}
"""Extras by the package that they bring, of the packages that whole rooms of the house need."""


@contextmanager
def extras_named() -> Iterator[None]:
    """Name the extra to install where an import inside finds one of these packages missing.

    Raises:
        MissingExtraError: one is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        raise MissingExtraError(package, EXTRAS[package]) from error
