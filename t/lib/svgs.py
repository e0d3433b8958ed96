"""SVG documents of what drawings are made of, and what rsvg-convert shows of them 240 pixels wide.

    python3 svgs.py FOLDER

Each is FOLDER/NAME.svg, and beside it is NAME.png. What means harm is FOLDER/bad-NAME.svg.
"""

import base64
import io
import pathlib
import subprocess
import sys

from PIL import Image

NAMES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
FONT = 'font-family="DejaVu Sans" font-size="16"'


def picture():
    out = io.BytesIO()
    Image.radial_gradient("L").resize((48, 48)).convert("RGB").save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


STOPS = '<stop offset="0" stop-color="#f80"/><stop offset=".6" stop-color="#08f"/><stop offset="1" stop-color="#0f8" stop-opacity=".3"/>'
STAR = "M60 5L95 110L5 45H115L25 110Z"

# What stands in a viewBox of 120x120.
DRAWINGS = {
    "shapes": '<rect x="5" y="5" width="50" height="40" rx="8" fill="#c33"/><circle cx="90" cy="30" r="22" fill="#3c3"/>'
              '<ellipse cx="35" cy="85" rx="28" ry="16" fill="#33c"/><polygon points="70,60 115,70 90,115" fill="#fa0"/>',
    "strokes": '<g fill="none" stroke="#036" stroke-width="8"><path d="M10 20H110" stroke-linecap="round"/>'
               '<path d="M10 50L60 35L110 50" stroke-linejoin="round"/><path d="M10 90L60 65L110 90" stroke-linejoin="bevel"/></g>',
    "dashes": '<path d="M10 60C40 0 80 120 110 60" fill="none" stroke="#639" stroke-width="5" stroke-dasharray="12 5 3 5" stroke-dashoffset="4"/>',
    "curves": '<path d="M10 100Q30 10 60 60T110 20A30 20 30 0 1 60 110z" fill="#8cf" stroke="#024" stroke-width="2"/>',
    "evenodd": f'<path d="{STAR}" fill="#c0a" fill-rule="evenodd"/>',
    "nonzero": f'<path d="{STAR}" fill="#0ac"/>',
    "linear": f'<linearGradient id="a" x2="1" y2="1">{STOPS}</linearGradient><rect width="120" height="120" fill="url(#a)"/>',
    "radial": f'<radialGradient id="a" cx=".4" cy=".4" r=".5" fx=".3" fy=".3">{STOPS}</radialGradient><circle cx="60" cy="60" r="55" fill="url(#a)"/>',
    "spread": f'<linearGradient id="a" x1=".4" x2=".6" spreadMethod="reflect">{STOPS}</linearGradient><rect width="120" height="120" fill="url(#a)"/>',
    "inherited": f'<linearGradient id="a">{STOPS}</linearGradient><radialGradient id="b" xlink:href="#a" gradientUnits="userSpaceOnUse" cx="60" cy="60" r="70"/><rect width="120" height="120" fill="url(#b)"/>',
    "pattern": '<pattern id="a" width="20" height="20" patternUnits="userSpaceOnUse" patternTransform="rotate(20)"><circle cx="10" cy="10" r="7" fill="#a40"/></pattern><rect width="120" height="120" fill="url(#a)"/>',
    "clip": '<clipPath id="a"><circle cx="60" cy="60" r="45"/></clipPath><g clip-path="url(#a)"><rect width="60" height="120" fill="#e22"/><rect x="60" width="60" height="120" fill="#22e"/></g>',
    "mask": f'<linearGradient id="b"><stop offset="0" stop-color="#fff"/><stop offset="1"/></linearGradient><mask id="a"><rect width="120" height="120" fill="url(#b)"/></mask><rect width="120" height="120" fill="#080" mask="url(#a)"/>',
    "opacity": '<g opacity=".5"><circle cx="45" cy="60" r="35" fill="#f00"/><circle cx="75" cy="60" r="35" fill="#00f"/></g>',
    "overlaid": '<circle cx="45" cy="60" r="35" fill="#f00" fill-opacity=".6"/><circle cx="75" cy="60" r="35" fill="#00f" fill-opacity=".6"/>',
    "blur": '<filter id="a"><feGaussianBlur stdDeviation="6"/></filter><rect x="30" y="30" width="60" height="60" fill="#070" filter="url(#a)"/>',
    "shadow": '<filter id="a"><feGaussianBlur in="SourceAlpha" stdDeviation="3"/><feOffset dx="5" dy="5"/><feMerge><feMergeNode/><feMergeNode in="SourceGraphic"/></feMerge></filter><rect x="25" y="25" width="60" height="60" fill="#ec0" filter="url(#a)"/>',
    "matrix": '<filter id="a" color-interpolation-filters="sRGB"><feColorMatrix type="hueRotate" values="120"/></filter><rect x="10" y="10" width="100" height="100" fill="#c40" filter="url(#a)"/>',
    "blend": '<g style="isolation:isolate"><rect width="120" height="80" fill="#fc0"/><rect y="40" width="120" height="80" fill="#0cf" style="mix-blend-mode:multiply"/></g>',
    "transforms": '<g transform="translate(60 60)"><rect width="40" height="20" fill="#a00" transform="rotate(30)"/><rect width="40" height="20" fill="#0a0" transform="scale(-1 .5) skewX(20)"/><rect width="30" height="30" fill="#00a" transform="matrix(.8 -.3 .3 .8 -20 -40)"/></g>',
    "uses": '<defs><g id="a"><circle r="14" fill="#555"/></g><symbol id="b" viewBox="0 0 10 10"><path d="M0 0L10 5L0 10z" fill="#d70"/></symbol></defs><use href="#a" x="30" y="30"/><use xlink:href="#a" x="90" y="90"/><use href="#b" x="60" y="10" width="50" height="40"/>',
    "nested": '<svg x="10" y="10" width="50" height="100" viewBox="0 0 20 20"><circle cx="10" cy="10" r="10" fill="#369"/></svg><svg x="60" y="10" width="50" height="100" viewBox="0 0 20 20" preserveAspectRatio="none"><circle cx="10" cy="10" r="10" fill="#963"/></svg>',
    "markers": '<marker id="a" markerWidth="6" markerHeight="6" refX="3" refY="3" orient="auto"><path d="M0 0L6 3L0 6z" fill="#e0f"/></marker><path d="M10 100L60 20L110 100" fill="none" stroke="#222" stroke-width="3" marker-mid="url(#a)" marker-end="url(#a)"/>',
    "styles": '<style>.a{fill:#4a4;stroke:#141;stroke-width:4} rect.b{fill:#a44} #c{fill-opacity:.5}</style><circle class="a" cx="60" cy="50" r="40"/><rect id="c" class="b" x="20" y="60" width="80" height="50"/>',
    "current": '<g color="#b06" fill="currentColor"><rect x="10" y="10" width="100" height="45"/><rect x="10" y="65" width="100" height="45" style="fill:hsl(200,70%,40%)"/></g>',
    "hidden": '<rect width="120" height="120" fill="#eee"/><rect x="10" y="10" width="40" height="40" display="none"/><rect x="60" y="60" width="40" height="40" visibility="hidden"/><switch><rect x="20" y="70" width="30" height="30" systemLanguage="xx" fill="#f00"/><rect x="20" y="70" width="30" height="30" fill="#0a0"/></switch>',
    "inside": f'<image x="10" y="10" width="100" height="100" href="{picture()}"/>',
    "aspect": f'<image x="10" y="10" width="100" height="50" preserveAspectRatio="xMaxYMid meet" xlink:href="{picture()}"/><image x="10" y="65" width="100" height="50" preserveAspectRatio="xMidYMid slice" xlink:href="{picture()}"/>',
    "text": f'<text x="8" y="40" {FONT}>Hamburg</text><text x="112" y="80" text-anchor="end" {FONT} font-weight="bold" fill="#a00">fonts</text>',
    "spans": f'<text x="8" y="40" {FONT}>One <tspan fill="#070" dy="25">two</tspan> <tspan x="20" y="100" font-size="24">three</tspan></text>',
    "turned": f'<text {FONT} transform="rotate(-40 60 60)" x="15" y="65" fill="none" stroke="#005" stroke-width=".8">Outline</text>',
    "letters": f'<text x="60" y="40" text-anchor="middle" {FONT} letter-spacing="3">WIDE</text><text x="60" y="80" text-anchor="middle" font-family="DejaVu Serif" font-size="18">\u00e9\u00f1\u00fc \u0416\u03a9</text>',
}

ROOTS = {
    "units": 'width="2in" height="3cm" viewBox="0 0 120 120"',
    "wide": 'width="200" height="50" viewBox="0 0 120 120" preserveAspectRatio="xMinYMid meet"',
    "stretched": 'width="200" height="50" viewBox="0 0 120 120" preserveAspectRatio="none"',
    "moved": 'viewBox="-20 -20 160 120"',
}


def document(attributes, content, before=""):
    return f"{before}<svg {NAMES} {attributes}>{content}</svg>"


def nest(depth, element, content=""):
    name = element.split()[0]
    return f"<{element}>" * depth + content + f"</{name}>" * depth


def doubled(levels, end):
    """Each of these uses the one before ten times."""
    groups = f'<g id="u0">{end}</g>'
    for level in range(1, levels):
        uses = "".join(f'<use href="#u{level - 1}" x="{x}"/>' for x in range(10))
        groups += f'<g id="u{level}">{uses}</g>'
    return f'<defs>{groups}</defs><use href="#u{levels - 1}"/>'


def hostile():
    square = 'viewBox="0 0 100 100"'
    rect = '<rect width="90" height="90" fill="red"/>'
    names = "".join(f"<!ENTITY e{n} \"{f'&e{n - 1};' * 10}\">" for n in range(1, 10))
    yield "entities", document(square, "<text>&e9;</text>", f'<!DOCTYPE svg [<!ENTITY e0 "{"a" * 100}">{names}]>')
    yield "long-entity", document(square, "&e;" * 20000, f'<!DOCTYPE svg [<!ENTITY e "{"<g/>" * 20000}">]>')
    yield "uses", document(square, doubled(9, rect))
    yield "deep", document(square, nest(200000, "g", rect))
    yield "deep-groups", document(square, nest(900, 'g opacity=".9"', rect))
    yield "deep-clips", document(square, "".join(
        f'<clipPath id="c{n}" clip-path="url(#c{n + 1})"><rect width="99" height="99"/></clipPath>' for n in range(900)
    ) + f'<g clip-path="url(#c0)">{rect}</g>')
    blurs = '<feGaussianBlur stdDeviation="40"/>' * 3000
    yield "filters", document(square, f'<filter id="f">{blurs}</filter><g filter="url(#f)">{rect}</g>')
    noise = '<feTurbulence baseFrequency=".9" numOctaves="100000000"/>'
    yield "turbulence", document(square, f'<filter id="f">{noise}</filter><g filter="url(#f)">{rect}</g>')
    morphology = '<feMorphology operator="dilate" radius="500000"/>' * 200
    yield "morphology", document(square, f'<filter id="f">{morphology}</filter><g filter="url(#f)">{rect}</g>')
    yield "patterns", document(square, "".join(
        f'<pattern id="p{n}" width=".01" height=".01"><rect width="100" height="100" fill="url(#p{n + 1})"/></pattern>'
        for n in range(12)) + '<pattern id="p12" width=".01" height=".01"><rect width="9" height="9"/></pattern>'
        '<rect width="100" height="100" fill="url(#p0)"/>')
    yield "dashes", document(square, '<path d="M0 0L1e9 1e9" stroke="red" stroke-dasharray="1e-6"/>' * 50)
    yield "paths", document(square, f'<path d="M0 0{"q1e6 9e5-1e6-9e5" * 60000}" stroke="red"/>')
    yield "markers", document(square, '<marker id="m" markerWidth="99" markerHeight="99"><path d="M0 0' + "L9 9" * 2000
                              + '" stroke="red" marker-mid="url(#n)"/></marker><marker id="n"><rect width="9" height="9"/></marker>'
                              + f'<path d="M0 0{"L9 9" * 5000}" marker-mid="url(#m)"/>')
    inner = document(square, rect)
    for _ in range(12):
        inner = document(square, f'<image width="99" height="99" href="data:image/svg+xml;base64,'
                                 f'{base64.b64encode(inner.encode()).decode()}"/>' * (1 if len(inner) > 1 << 20 else 2))
    yield "nested", inner
    bomb = io.BytesIO()
    Image.new("1", (30000, 30000)).save(bomb, "PNG")
    data = "data:image/png;base64," + base64.b64encode(bomb.getvalue()).decode()
    yield "picture", document(square, f'<image width="99" height="99" href="{data}"/>')
    yield "attributes", f'<svg {NAMES} {square} ' + " ".join(f'a{n}="1"' for n in range(100000)) + "/>"
    yield "texts", document(square, '<text font-size="9">' + "\u0644\u0627" * 200000 + "</text>")


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    documents = {name: document('viewBox="0 0 120 120"', content) for name, content in DRAWINGS.items()}
    documents |= {name: document(root, DRAWINGS["shapes"]) for name, root in ROOTS.items()}
    for name, text in documents.items():
        path = folder / f"{name}.svg"
        path.write_text(text, encoding="utf-8")
        subprocess.run(["rsvg-convert", "-w", "240", "-a", "-o", folder / f"{name}.png", path], check=True)
    for name, text in hostile():
        (folder / f"bad-{name}.svg").write_text(text, encoding="utf-8")


main()
