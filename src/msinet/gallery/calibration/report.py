"""The page of a calibration: one HTML file that needs no network, no scripts and no other files."""

from importlib.resources import files

from jinja2 import Environment

from msinet.gallery.calibration.calibration import Calibration
from msinet.gallery.calibration.false_positives import FoundRate
from msinet.gallery.calibration.line_charts import Line, LineChart, line_chart


def calibration_page(calibration: Calibration, title: str) -> str:
    """Return the page that shows what a calibration found.

    Args:
        calibration: what was found.
        title: heading of the page, such as the gallery's name.
    """
    text = files("msinet.gallery.calibration").joinpath("report.html.jinja").read_text(encoding="utf-8")
    return (
        Environment(autoescape=True, trim_blocks=True)
        .from_string(text)
        .render(
            title=title,
            calibration=calibration,
            percent=percent,
            interval=_interval,
            rates=_rates_chart(calibration),
            chance=_probability_chart(calibration),
            sizes=_growth_chart(calibration),
        )
    )


def percent(rate: float) -> str:
    """Return a rate in percent with two significant digits: 12 %, 1.2 %, 0.12 %."""
    return f"{float(f'{100 * rate:.2g}'):g} %"


def _interval(rate: FoundRate) -> str:
    return f"{percent(rate.low)} to {percent(rate.high)}"


def _rates_chart(calibration: Calibration) -> LineChart:
    curve = calibration.curve
    return line_chart(
        [
            Line("known objects found (DIR)", "var(--match)", curve.thresholds, curve.detections),
            Line("unknown objects taken for known ones (FPIR)", "var(--non-match)", curve.thresholds, curve.false_positives),
        ],
        "Rates of detections and of false positives by threshold",
        "threshold",
        mark=(calibration.threshold, f"{calibration.threshold:.3f}"),
    )


def _probability_chart(calibration: Calibration) -> LineChart:
    knots = calibration.knots
    return line_chart(
        [Line("probability that the best match is right", "var(--accent)", knots.similarities, knots.probabilities)],
        "Probability that the best match is right, by its similarity",
        "similarity of the best match",
        mark=(calibration.threshold, f"{calibration.threshold:.3f}"),
    )


def _growth_chart(calibration: Calibration) -> LineChart:
    measured = [point for point in calibration.growth if not point.estimated]
    larger = [measured[-1], *(point for point in calibration.growth if point.estimated)]
    sizes = [point.times for point in larger]
    top = next(
        top for top in (0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if top >= max(point.false_positives for point in larger) or top == 1
    )
    return line_chart(
        [
            Line("pessimistic", "var(--junk)", sizes, [point.pessimistic for point in larger], dashed=True),
            Line(
                "estimated", "var(--non-match)", sizes, [point.false_positives for point in larger], dashed=True, dots=True
            ),
            Line(
                "measured",
                "var(--non-match)",
                [point.times for point in measured],
                [point.false_positives for point in measured],
                dots=True,
            ),
        ],
        "Rate of false positives by size of the gallery",
        "entries",
        ticks=[
            (point.times, f"{point.entries:,}") for point in calibration.growth if point.times >= 1 or point.times == 1 / 16
        ],
        top=top,
    )
