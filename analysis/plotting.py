"""A picture of what a query gives: the first column across, columns of numbers upwards, a line or bars for each."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

MOST_SERIES = 12
MOST_BARS = 60
SUFFIXES = (".png", ".svg")
STYLE: Any = {
    "svg.hashsalt": "leaderboard",
    "svg.fonttype": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


class Unplottable(Exception):
    """The result has no picture; the message says what is expected."""


class Result(NamedTuple):
    """Rows that a query gave, and the names of their columns."""

    columns: Sequence[str]
    rows: Sequence[tuple[Any, ...]]


def plot(result: Result, title: str, path: Path) -> None:
    """Draw it. Raises Unplottable."""
    if path.suffix not in SUFFIXES:
        raise Unplottable(f"--plot {path}: a file that ends with {' or '.join(SUFFIXES)} is expected")
    series = series_of(result)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 5), layout="constrained")
        axes = figure.subplots()
        _draw(axes, series)
        axes.set_title(title, loc="left")
        axes.set_xlabel(result.columns[0].replace("_", " "))
        axes.grid(axis="y", alpha=0.3)
        if len(series) > 1:
            axes.legend(frameon=False)
        else:
            axes.set_ylabel(next(iter(series)).replace("_", " "))
        figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)


def series_of(result: Result) -> dict[str, list[tuple[Any, float]]]:
    """Name → points, the first column across. Raises Unplottable.

    A second column that is no number names the series that a row belongs to; the first of numbers is then its height.
    Otherwise every column of numbers is a series.
    """
    numbers = [at for at in range(1, len(result.columns)) if all(_is_number(row[at]) for row in result.rows)]
    if not result.rows or not numbers:
        raise Unplottable("--plot needs rows with a first column to go across, and a column of numbers to go up")
    found: dict[str, list[tuple[Any, float]]] = {}
    if 1 not in numbers:
        for row in result.rows:
            found.setdefault(str(row[1]), []).append((row[0], float(row[numbers[0]])))
    else:
        for at in numbers:
            found[result.columns[at]] = [(row[0], float(row[at])) for row in result.rows]
    return dict(list(found.items())[:MOST_SERIES])


def _draw(axes: Axes, series: dict[str, list[tuple[Any, float]]]) -> None:
    if all(_goes_on(x) for points in series.values() for x, _ in points):
        for name, points in series.items():
            ordered = sorted(points, key=lambda point: point[0])
            axes.plot([x for x, _ in ordered], [y for _, y in ordered], marker="o", markersize=3, label=name)
        xs = [x for points in series.values() for x, _ in points]
        if _is_number(xs[0]) and min(xs) > 0 and max(xs) / min(xs) > 1_000:
            axes.set_xscale("log")
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.tick_params(axis="x", labelrotation=30 if isinstance(xs[0], date) else 0)
        return
    names = list(dict.fromkeys(str(x) for points in series.values() for x, _ in points))[:MOST_BARS]
    width = 0.8 / len(series)
    for number, (label, points) in enumerate(series.items()):
        held = [(names.index(str(x)), y) for x, y in points if str(x) in names]
        axes.bar([at + number * width for at, _ in held], [y for _, y in held], width, label=label)
    axes.set_xticks([at + 0.4 - width / 2 for at in range(len(names))], names, rotation=45, ha="right")


def _goes_on(x: object) -> bool:
    """Whether values go on from one to the next: numbers and times."""
    return _is_number(x) or isinstance(x, date)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
