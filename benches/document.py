"""The tables of docs/benchmarks.md, which benchmarks write between marks of their own, and plots."""

import os
from xml.sax.saxutils import escape

DOCS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs")
PATH = f"{DOCS}/benchmarks.md"
COLORS = ["#b0583f", "#3f74b0"]


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def put(name, parts):
    """Writes the parts, paragraphs and tables, to where `name` is marked."""
    begin, end = (f"<!-- benches/{name}: {mark} -->\n" for mark in ("begin", "end"))
    with open(PATH) as file:
        head, found, rest = file.read().partition(begin)
    if not found:
        raise SystemExit(f"{PATH}: no {begin}")
    with open(PATH, "w") as file:
        file.write(head + begin + "\n" + "\n".join(parts) + "\n" + end + rest.partition(end)[2])
    print(f"written to {os.path.relpath(PATH)}")


def plot(name, title, series, rows):
    """Draws bars to docs/bench-NAME.svg: for each row a label and a number of each series. Answers how
    the document shows them."""
    left, width, bar = 210, 420, 11
    longest = max(max(numbers) for _, numbers in rows)
    step = bar * len(series) + 9
    height = 64 + step * len(rows)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 70} {height}" '
             'font-family="sans-serif" font-size="12">',
             f'<title>{escape(title)}</title>', '<rect width="100%" height="100%" fill="#fff"/>',
             f'<text x="12" y="22" font-size="14" font-weight="bold">{escape(title)}</text>']
    for at, (label, color) in enumerate(zip(series, COLORS)):
        x = left + 130 * at
        lines += [f'<rect x="{x}" y="33" width="11" height="11" fill="{color}"/>',
                  f'<text x="{x + 16}" y="43">{escape(label)}</text>']
    for row, (label, numbers) in enumerate(rows):
        top = 56 + step * row
        lines.append(f'<text x="{left - 8}" y="{top + step / 2}" text-anchor="end">{escape(label)}</text>')
        for at, (number, color) in enumerate(zip(numbers, COLORS)):
            y, length = top + bar * at, width * number / longest
            lines += [f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{bar - 1}" fill="{color}"/>',
                      f'<text x="{left + length + 4:.1f}" y="{y + bar - 1.5}" font-size="10">{number:.4g}</text>']
    with open(f"{DOCS}/bench-{name}.svg", "w") as file:
        file.write("\n".join(lines) + "\n</svg>\n")
    return f"![{title}](bench-{name}.svg)\n"
