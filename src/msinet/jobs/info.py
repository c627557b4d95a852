"""Facts for a bug report: versions, machine, extras, cache, environment."""

import importlib.metadata
import os
import platform
import re
import shutil
from collections.abc import Mapping

from msinet.files.caches import cache_folder
from msinet.processor import processor

PACKAGES = (
    "numpy",
    "numba",
    "onnxruntime",
    "pillow",
    "safetensors",
    "cyclopts",
    "torch",
    "torchvision",
    "accelerate",
    "openvino",
)
VARIABLES = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "CUDA_VISIBLE_DEVICES", "XDG_CACHE_HOME", "WORLD_SIZE")


def information() -> dict[str, str]:
    """Return facts by name, in the order in which they are shown. Nothing in it identifies a person but the cache's path."""
    return {
        "msinet": version_of("msinet"),
        "Python": f"{platform.python_version()}, {platform.python_implementation()}",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        **{name: version_of(name) for name in PACKAGES},
        **{f"extra {name}": text for name, text in extras().items()},
        **machine(),
        "cache": cache(),
        "environment": ", ".join(f"{name}={os.environ[name]}" for name in VARIABLES if name in os.environ) or "no variables",
    }


def version_of(package: str) -> str:
    """Return the installed version of a package, or that it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def extras() -> Mapping[str, str]:
    """Return for each extra whether all of its packages are installed, and which are missing."""
    try:
        requirements = importlib.metadata.requires("msinet") or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    packages: dict[str, list[str]] = {}
    for requirement in requirements:
        if match := re.match(r"([\w.-]+).*extra\s*==\s*['\"](\w+)['\"]", requirement):
            packages.setdefault(match[2], []).append(match[1])
    found = {}
    for extra, names in packages.items():
        missing = [name for name in names if name != "msinet" and version_of(name) == "not installed"]
        found[extra] = f"missing {', '.join(missing)}" if missing else "installed"
    return {extra: words for extra, words in found.items() if extra not in ("dev", "all")}


def machine() -> dict[str, str]:
    """Return processor, memory and devices; where PyTorch is installed and cannot be loaded, why."""
    facts = {"processor": processor(), "memory": memory()}
    if version_of("torch") == "not installed":
        return facts
    try:
        import torch

        from msinet.engine.machine import faster_precision

        cpu = torch.device("cpu")
        facts["threads"] = f"{torch.get_num_threads()} of {os.cpu_count()} cores"
        facts["precision on the CPU"] = f"{faster_precision(cpu)}, {torch.backends.cpu.get_cpu_capability()}"
        devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        facts["CUDA"] = f"{torch.version.cuda}: {', '.join(devices)}" if devices else "no device"
    except Exception as error:  # A broken installation is what a report may be about.
        facts["PyTorch"] = f"cannot be loaded: {type(error).__name__}: {error}"
    return facts


def memory() -> str:
    """Return the memory of the machine, where the system says it."""
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (AttributeError, ValueError, OSError):
        return "unknown"


def cache() -> str:
    """Return where the caches lie, their size, and the room that is left."""
    folder = cache_folder()
    if folder is None:
        return "none: there is no home folder, and XDG_CACHE_HOME names none"
    if not folder.is_dir():
        return f"{folder}, empty"
    try:
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        return f"{folder}, {size / 2**20:.0f} MiB, {shutil.disk_usage(folder).free / 2**30:.0f} GiB free"
    except OSError as error:
        return f"{folder}, unreadable: {error.strerror}"
