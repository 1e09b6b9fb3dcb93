"""A line chart as SVG: just enough for latency against load, both on scales that suit them."""

import math
from collections.abc import Mapping, Sequence
from html import escape

Points = Sequence[tuple[float, float]]
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 420, 70, 40, 130, 50
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b")


def svg(title: str, across: str, up: str, lines: Mapping[str, Points], *, by_powers: bool = False) -> str:
    """Lines by name; upwards logarithmic, with a line for each power of ten, across too where it is `by_powers`."""
    xs = sorted({x for points in lines.values() for x, _ in points})
    ys = [max(y, 1e-3) for points in lines.values() for _, y in points]
    low, high = math.floor(math.log10(min(ys, default=1))), math.ceil(math.log10(max(ys, default=10)))
    high, most, least = max(high, low + 1), max(xs, default=1), min(xs, default=1)

    def at_x(x: float) -> float:
        share = math.log(x / least) / math.log(most / least) if by_powers and most > least else x / (most or 1)
        return LEFT + (WIDTH - LEFT - RIGHT) * share

    def at_y(y: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (math.log10(max(y, 1e-3)) - low) / (high - low)

    parts = [_text(LEFT, 22, title, "start", 15), _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, across)]
    parts += [_text(LEFT - 6, TOP - 16, up, "end"), *(_text(at_x(x), HEIGHT - BOTTOM + 18, f"{x:,g}") for x in xs)]
    for power in range(low, high + 1):
        y = at_y(10.0**power)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{10.0**power:g}", "end"))
    for number, (name, points) in enumerate(lines.items()):
        colour, way = COLOURS[number % len(COLOURS)], " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"/>')
        dots = (f'<circle cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="3" fill="{colour}"/>' for x, y in points)
        parts += [*dots, _text(WIDTH - RIGHT + 12, TOP + 18 * number + 8, name, "start", fill=colour)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>\n"])


def _text(x: float, y: float, text: str, anchor: str = "middle", size: int = 12, fill: str = "#333") -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{fill}"'
    return f"<text {where}>{escape(text)}</text>"
