"""fast-reid's ranking and re-ranking, downloaded and compiled in a scratch folder, for the comparison of scoring."""

import importlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

PACKAGE = "fastreid==1.4.0"


def build(scratch: Path) -> None:
    """Download the package without its dependencies, extract its ranking and compile it with Cython."""
    if (scratch / "peer" / "built").exists():
        return
    pip = [sys.executable, "-m", "pip", "--quiet"]
    subprocess.run([*pip, "download", "--no-deps", "--dest", scratch, PACKAGE], check=True)
    subprocess.run([*pip, "install", "--target", scratch / "tools", "cython", "setuptools"], check=True)
    with zipfile.ZipFile(next(scratch.glob("fastreid-*.whl"))) as wheel:
        wanted = ("fastreid/evaluation/rank", "fastreid/evaluation/rerank")
        names = [name for name in wheel.namelist() if name.startswith(wanted)]
        wheel.extractall(scratch, names)
    shutil.move(scratch / "fastreid" / "evaluation", scratch / "peer")
    (scratch / "peer" / "__init__.py").touch()
    command = [sys.executable, "setup.py", "build_ext", "--inplace"]
    folder = scratch / "peer" / "rank_cylib"
    subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(scratch / "tools")} | _path(), check=True, capture_output=True
    )
    (scratch / "peer" / "built").touch()


def load(scratch: Path, name: str) -> ModuleType:
    """Return fast-reid's module `rank`, which uses its compiled loop unless `use_cython` is False, or `rerank`."""
    sys.path.insert(0, str(scratch))
    return importlib.import_module(f"peer.{name}")


def _path() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
