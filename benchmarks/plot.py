"""Knows how charts are drawn: an SVG, written as text, light or dark as its reader prefers."""

from __future__ import annotations

from html import escape
from math import floor, log10

from benchmarks.growth import Chart, Line

WIDTH, HEIGHT = 880, 400
PANEL, TOP, BOTTOM = 340, 60, 340  # an area's width, its upper and its lower edge
LEFTS = (72, 508)
TICKS = 4  # about as many, at round numbers

# The card has a colour of its own, so that it can be read on a page that is dark where its reader prefers light.
STYLE = """
  .card { fill: #ffffff }
  text { font: 12px system-ui, sans-serif; fill: #52606d }
  .title { font-size: 15px; font-weight: 600; fill: #1f2933 }
  .grid { stroke: #e4e7eb } .axis { stroke: #9aa5b1 }
  .line { fill: none; stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round }
  .theirs { stroke-dasharray: 2 5 }
  .c0 { stroke: #0b69a3 } .c1 { stroke: #c2570c } .c2 { stroke: #7b8794 } .c3 { stroke: #147d64 }
  .d0 { fill: #0b69a3 } .d1 { fill: #c2570c } .d2 { fill: #7b8794 } .d3 { fill: #147d64 }
  @media (prefers-color-scheme: dark) {
    .card { fill: #15202b }
    text { fill: #b8c4d0 } .title { fill: #f0f4f8 }
    .grid { stroke: #2b3a49 } .axis { stroke: #5f7183 }
    .c0 { stroke: #5bb8f0 } .c1 { stroke: #f39b5f } .c2 { stroke: #97a6b5 } .c3 { stroke: #4cd0ae }
    .d0 { fill: #5bb8f0 } .d1 { fill: #f39b5f } .d2 { fill: #97a6b5 } .d3 { fill: #4cd0ae }
  }
"""


def draw(charts: list[Chart]) -> str:
    """The charts beside each other."""
    about = "; ".join(f"{chart.title}: {', '.join(line.name for line in chart.lines)}" for chart in charts)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            f"<title>{escape(about)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="card" width="{WIDTH}" height="{HEIGHT}" rx="10"/>',
            *(_panel(chart, left) for chart, left in zip(charts, LEFTS, strict=True)),
            "</svg>\n",
        ]
    )


def _panel(chart: Chart, left: int) -> str:
    most = max(number for line in chart.lines for number, _ in line.points)
    longest = max(cost for line in chart.lines for _, cost in line.points)

    def x(number: float) -> float:
        return round(left + PANEL * number / most, 1)

    def y(cost: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * cost / (longest * 1.05), 1)

    parts = [f'<text class="title" x="{left - 44}" y="34">{escape(chart.title)}</text>']
    for cost in _round_numbers(longest):
        parts.append(f'<line class="grid" x1="{left}" x2="{left + PANEL}" y1="{y(cost)}" y2="{y(cost)}"/>')
        parts.append(f'<text x="{left - 8}" y="{y(cost) + 4}" text-anchor="end">{_duration(cost)}</text>')
    parts += [
        f'<text x="{x(number)}" y="{BOTTOM + 20}" text-anchor="middle">{number:,.0f}</text>'
        for number in _round_numbers(most)
    ]
    parts.append(f'<line class="axis" x1="{left}" x2="{left + PANEL}" y1="{BOTTOM}" y2="{BOTTOM}"/>')
    parts.append(f'<text x="{left + PANEL / 2}" y="{BOTTOM + 42}" text-anchor="middle">{escape(chart.over)}</text>')
    for place, line in enumerate(chart.lines):
        parts += _line(line, place, [(x(number), y(cost)) for number, cost in line.points], left)
    return "\n".join(parts)


def _line(line: Line, place: int, points: list[tuple[float, float]], left: int) -> list[str]:
    """The line, its points, and its name above the others' in the corner that a rising line leaves free."""
    colour, height = place, TOP + 6 + 20 * place
    kind = "line" if line.ours else "line theirs"
    path = " ".join(f"{x},{y}" for x, y in points)
    dots = [f'<circle class="d{colour}" cx="{x}" cy="{y}" r="2.6"/>' for x, y in points] if line.ours else []
    return [
        f'<polyline class="{kind} c{colour}" points="{path}"/>',
        *dots,
        f'<line class="{kind} c{colour}" x1="{left + 14}" x2="{left + 40}" y1="{height}" y2="{height}"/>',
        f'<text x="{left + 48}" y="{height + 4}">{escape(line.name)}</text>',
    ]


def _round_numbers(most: float) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten, from 0 up to ``most``."""
    size = 10.0 ** floor(log10(most / TICKS))
    step = next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size * TICKS >= most * 0.8)
    return [step * count for count in range(floor(most / step) + 1)]


def _duration(milliseconds: float) -> str:
    if not milliseconds:
        return "0"
    return f"{milliseconds / 1e3:g} s" if milliseconds >= 1e3 else f"{milliseconds:g} ms"
