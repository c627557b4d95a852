"""The doctor's findings as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from msinet.data.doctor.troubles import Finding
from msinet.data.records import SPLIT_NAMES, ReidSplits


def report_of(splits: ReidSplits, findings: Sequence[Finding]) -> str:
    """Return the findings as JSON, with the dataset's sizes and whether it is usable."""
    sizes = {name: len(getattr(splits, name)) for name in SPLIT_NAMES}
    usable = not any(finding.spoils for finding in findings)
    report = {
        "name": splits.name,
        "understood": splits.understood,
        "images": sizes,
        "usable": usable,
        "findings": [asdict(finding) for finding in findings],
    }
    return json.dumps(report, indent=2)
