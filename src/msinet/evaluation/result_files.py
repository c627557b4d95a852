"""Files of results: JSON of format 2, and the files of the version before, translated."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msinet.errors import ResultError
from msinet.files.atomic import write_atomically
from msinet.files.contents import not_usable
from msinet.files.os_errors import in_words
from msinet.files.text import json_bytes

FORMAT = 2
"""Of a result; those without a number are of version 0.1."""

WRITTEN_BY = "pass a result that msinet run or msinet evaluate --json wrote"

FOR_THE_READER = ("rules", "intervals_95")
"""Words and numbers that follow from the rest."""


def write_result(values: Mapping[str, Any], path: Path) -> None:
    """Write the plain values of a result: equal values give equal files, and a file is never left half written."""
    write_atomically(path, json_of(values))


def write_results(several: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write the plain values of several results into one file, as a list under the name results."""
    write_atomically(path, json_of({"results": list(several)}))


def read_result(path: Path, make: Callable[[dict[str, Any]], Any]) -> Any:
    """Read one result, of this version or the one before.

    Args:
        path: the file.
        make: makes the result of plain values in format 2.

    Raises:
        ResultError: the file is missing, holds several results, is of a later version or is no result.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if several := values.get("results"):
            raise ResultError(f"{path} holds {len(several)} results: pass a file with one, of one size and protocol")
        if values.get("format", 1) > FORMAT:
            raise ResultError(f"{path} was written by a later version of msinet: install that version to read it")
        if "format" not in values:
            values = of_version_1(values)
        return make({name: value for name, value in values.items() if name not in ("format", *FOR_THE_READER)})
    except OSError as error:
        raise ResultError(f"cannot read {path}: {in_words(error)}; {WRITTEN_BY}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ResultError(not_usable(path, f"{WRITTEN_BY} ({error})")) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ResultError(f"{path} is not a result that msinet saved ({error!r}): {WRITTEN_BY}") from error


def json_of(values: Mapping[str, Any]) -> bytes:
    """Return JSON in which dicts are indented for people, and a list is one line."""

    def text(value: Any, depth: int) -> str:
        if isinstance(value, Mapping) and value:
            space = "  " * depth
            names = sorted(value) if depth else value  # the result's own order on top, the same for equal results below
            inner = (f"{space}  {json.dumps(name, ensure_ascii=False)}: {text(value[name], depth + 1)}" for name in names)
            return "{\n" + ",\n".join(inner) + f"\n{space}}}"
        return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False)

    return json_bytes(text(values, 0) + "\n")


def of_version_1(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain values of a result of version 0.1, whose key `info` held record and evidence, in format 2."""
    info = values["info"]
    settings = info.get("settings", {})
    model = info.get("model", {})
    record = {
        **{name: info[name] for name in ("data", "scoring", "machine", "versions") if name in info},
        "model": _model(model) if "architecture" in model else None,
        "embeddings": _embeddings(model) if "embeddings" in model else None,
        "command": _command(info["command"]) if info.get("command") else None,
        "search": settings.get("search"),
        "training": settings.get("train"),
    }
    evidence = {
        **{name: info[name] for name in ("similarities", "camera_pairs", "draws") if name in info},
        "rankings": [_ranking(ranking) for ranking in info.get("rankings", [])],
        "roc": _roc(info["roc"]) if "roc" in info else None,
        "baselines": [
            {"name": name, "rank_1": scores["rank-1"], "mAP": scores["mAP"]}
            for name, scores in info.get("baselines", {}).items()
        ],
    }
    kept = {name: value for name, value in values.items() if name not in ("info", *FOR_THE_READER)}
    return {**kept, "record": record, "evidence": evidence}


def _model(model: Mapping[str, Any]) -> dict[str, Any]:
    arguments = {name: value for name, value in model.items() if name != "weights"}
    return {"kind": "msinet", "arguments": arguments, "image_size": model["image_size"], "weights": model.get("weights", "")}


def _embeddings(model: Mapping[str, Any]) -> dict[str, Any]:
    return {"fingerprint": model["embeddings"], "dimensions": model["dimensions"]}


def _command(command: Mapping[str, Any]) -> dict[str, Any]:
    """Return a command; scoring settings stood in it and in the record, where they are now."""
    values = {"data": command["data"], "reading": command["options"]}
    if "model" not in command:
        return {"verb": "run", **values, "protocol": command.get("protocol")}
    values |= {"model": command["model"], "machine": command["settings"], "camera_pairs": command["camera_pairs"]}
    return {"verb": "evaluate", **values, "draws": command.get("draws")}


def _ranking(ranking: Mapping[str, Any]) -> dict[str, Any]:
    verdicts = {"right": "match", "wrong": "non-match", "junk": "junk"}
    answers = [{**answer, "verdict": verdicts[answer["verdict"]]} for answer in ranking["answers"]]
    return {**ranking, "answers": answers}


def _roc(roc: Mapping[str, Any]) -> dict[str, Any]:
    points = [(float(rate), share) for rate, share in roc["tpr_at_fpr"].items()]
    return {"points": _points(points), "curve": _points(zip(roc["curve"]["fpr"], roc["curve"]["tpr"], strict=True))}


def _points(rates: Iterable[tuple[float, float]]) -> list[dict[str, float]]:
    return [{"false_positive_rate": false, "true_positive_rate": true} for false, true in rates]
