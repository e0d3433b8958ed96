"""Photos in PQ and HLG, made SDR, beside what Chromium shows of the same AVIF on an SDR screen.

The photos are the demo's, of which what is brighter than a middle grey is made up to 1000 nit, in 10 bits. What
Chromium does with light is a curve for the largest of red, green and blue; ours is the same, so that greys are those of
both; what is left is rounding, and where colours lie beyond sRGB how each is cut."""

import pathlib
import struct
import subprocess
import sys
import tempfile
import zlib

import numpy
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build" / "image-gate"
PHOTOS = ROOT / "build" / "photos" / "demo"

#: Of 255, in the channel that is farthest off: half of the pixels, 99 of 100, and all.
MOST = {"photo": (1, 5, 10), "wide": (1, 6, 24)}
SIDE = 800
LUMA_709, LUMA_2020 = numpy.array([0.2126, 0.7152, 0.0722]), numpy.array([0.2627, 0.6780, 0.0593])
TO_2020 = numpy.array([[0.627404, 0.329283, 0.043313], [0.069097, 0.919540, 0.011362], [0.016391, 0.088013, 0.895595]])


def light_of(path):
    """Nits, 203 for what is white in the file but for what is brightened."""
    photo = Image.open(path).convert("RGB")
    photo.thumbnail((SIDE, SIDE))
    values = numpy.asarray(photo) / 255
    light = numpy.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    above = numpy.clip((light @ LUMA_709 - 0.35) / 0.65, 0, 1)
    return 203 * light * (1 + 3.9 * above * above * (3 - 2 * above))[..., None]


def pq(nits):
    part = (nits / 10000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * part) / (1 + 2392 / 128 * part)) ** (2523 / 32)


def hlg(nits):
    """Of a display of 1000 nit, whose gamma is 1.2."""
    shown = nits / 1000
    scene = shown * numpy.maximum(shown @ LUMA_2020, 1e-9)[..., None] ** (1 / 1.2 - 1)
    bright = 0.17883277 * numpy.log(numpy.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return numpy.where(scene <= 1 / 12, numpy.sqrt(3 * numpy.clip(scene, 0, 1)), bright)


def write_png(path, values):
    """16 bits a channel, and nothing said of colours."""
    height, width = values.shape[:2]
    rows = numpy.round(numpy.clip(values, 0, 1) * 65535).astype(">u2")

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows), 1)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
                     + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def pixels(path):
    return numpy.asarray(Image.open(path).convert("RGB")).astype(int)


def shown(folder, name, width, height):
    """What Chromium shows of a file."""
    page, shot = folder / "page.html", folder / "shot.png"
    page.write_text(f'<!doctype html><body style="margin:0"><img src="{name}" style="display:block">')
    # A window is lower than it is asked to be by what a browser has above the page.
    subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
                    "--disable-background-networking", "--force-color-profile=srgb", f"--user-data-dir={folder / 'profile'}",
                    f"--window-size={width},{height + 200}", f"--screenshot={shot}", page.as_uri()],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return pixels(shot)[:height, :width]


def main():
    wrong = 0
    print(f"{'beside Chromium, of 255':32}{'median':>8}{'99 %':>8}{'most':>8}{'mean of ours less Chromium':>30}")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for photo in ("bird.jpg", "phone.jpg", "sea.webp"):
            light = light_of(PHOTOS / photo)
            height, width = light.shape[:2]
            # As the colours of BT.2020 that have its numbers many lie beyond sRGB.
            for gamut, nits in (("photo", light @ TO_2020.T), ("wide", light)):
                for name, curve, transfer in (("pq", pq, 16), ("hlg", hlg, 18)):
                    write_png(folder / "source.png", curve(numpy.clip(nits, 0, 1000)))
                    subprocess.run(["avifenc", "-s", "8", "--min", "0", "--max", "4", "-d", "10", "-y", "444", "--cicp",
                                    f"9/{transfer}/9", folder / "source.png", folder / "photo.avif"],
                                   check=True, stdout=subprocess.DEVNULL)
                    subprocess.run([PROGRAM, "transform", folder / "photo.avif", folder / "made.png", "f=png"], check=True)
                    made, expected = pixels(folder / "made.png"), shown(folder, "photo.avif", width, height)
                    off = numpy.abs(made - expected).max(axis=-1)
                    found = numpy.median(off), numpy.percentile(off, 99), off.max()
                    bad = made.shape != expected.shape or any(a > b for a, b in zip(found, MOST[gamut]))
                    wrong += bad
                    mean = " ".join(f"{value:+.2f}" for value in (made - expected).mean(axis=(0, 1)))
                    print(f"{photo:12}{name:5}{gamut:15}{found[0]:8.0f}{found[1]:8.0f}{found[2]:8}{mean:>30}{'  WRONG' if bad else ''}")
    if wrong:
        sys.exit(f"{wrong} are wrong")


main()
