"""HEIC files by heif-enc, alone and as cells of grids, and what heif-convert shows of them.

    python3 heifs.py FOLDER

Each picture is FOLDER/NAME.heic, and beside it is NAME.png. What means harm is FOLDER/bad-NAME.heic.
"""

import pathlib
import struct
import subprocess
import sys

from PIL import Image

SIZE = (256, 192)


def box(kind, data):
    return struct.pack(">I", len(data) + 8) + kind + data


def full(kind, version, flags, data):
    return box(kind, struct.pack(">I", version << 24 | flags) + data)


def content(data, kind):
    at = data.index(kind)
    return data[at + 4:at - 4 + struct.unpack(">I", data[at - 4:at])[0]]


def ispe(width, height):
    return full(b"ispe", 0, 0, struct.pack(">II", width, height))


def cell(data, *properties):
    """The picture of a file that has one, as an item."""
    return b"hvc1", content(data, b"mdat"), [box(b"hvcC", content(data, b"hvcC")), ispe(64, 64), *properties], []


def grid(columns, rows, cells, *properties):
    width, height = columns * 64, rows * 64
    data = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height)
    return b"grid", data, [ispe(width, height), *properties], cells


def heic(items):
    """A file of items, of which the first one is the image."""
    infe = ipma = ipco = iref = data = b""
    count, places = 0, []
    for number, (kind, payload, properties, cells) in enumerate(items, 1):
        # All but the first are parts of it.
        infe += full(b"infe", 2, int(number > 1), struct.pack(">HH", number, 0) + kind + b"\0")
        indices = range(count + 1, count + 1 + len(properties))
        ipma += struct.pack(">HB", number, len(indices)) + b"".join(struct.pack(">H", index) for index in indices)
        count += len(properties)
        ipco += b"".join(properties)
        if cells:
            iref += box(b"dimg", struct.pack(f">HH{len(cells)}H", number, len(cells), *cells))
        places.append((number, len(data), len(payload)))
        data += payload
    ftyp = box(b"ftyp", b"heic\0\0\0\0mif1heic")

    def meta(start):
        iloc = b"".join(struct.pack(">HHHII", number, 0, 1, start + at, size) for number, at, size in places)
        return full(b"meta", 0, 0, b"".join([
            full(b"hdlr", 0, 0, b"\0\0\0\0pict" + b"\0" * 13),
            full(b"pitm", 0, 0, b"\0\1"),
            full(b"iloc", 0, 0, b"\x44\0" + struct.pack(">H", len(items)) + iloc),
            full(b"iinf", 0, 0, struct.pack(">H", len(items)) + infe),
            full(b"iref", 0, 0, iref),
            box(b"iprp", box(b"ipco", ipco) + full(b"ipma", 0, 1, struct.pack(">I", len(items)) + ipma)),
        ]))

    return ftyp + meta(len(ftyp) + len(meta(0)) + 8) + box(b"mdat", data)


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)

    def run(*arguments):
        subprocess.run(arguments, cwd=folder, check=True, capture_output=True)

    def photo(name, *options):
        # The one photo that ImageMagick brings.
        run("convert", "rose:", "-resize", "%dx%d!" % SIZE, "-strip", *options, name)

    def encoded(name, source, *options):
        run("heif-enc", *options, source, "-o", f"{name}.heic")
        run("heif-convert", f"{name}.heic", f"{name}.png")

    photo("photo-8.png", "-define", "png:color-type=2")
    photo("photo-16.png", "-depth", "16", "-define", "png:color-type=2", "-define", "png:bit-depth=16")
    photo("photo-odd.png", "-crop", "197x131+0+0", "+repage", "-define", "png:color-type=2")
    image = Image.open(folder / "photo-8.png").convert("RGB")
    veil = Image.linear_gradient("L").resize(SIZE)
    image.putalpha(veil)
    image.save(folder / "photo-alpha.png")
    encoded("half", "photo-8.png", "-q", "90")
    encoded("whole", "photo-8.png", "-q", "90", "-p", "chroma=444")
    encoded("deep", "photo-16.png", "-q", "90", "-b", "10", "-p", "chroma=444")
    encoded("odd", "photo-odd.png", "-q", "90")
    encoded("alpha", "photo-alpha.png", "-q", "90")

    cells = []
    for number in range(4):
        left, top = number * 64, 64
        Image.open(folder / "photo-8.png").crop((left, top, left + 64, top + 64)).save(folder / "cell.png")
        run("heif-enc", "-q", "90", "-p", "chroma=444", "cell.png", "-o", "cell.heif")
        cells.append(cell((folder / "cell.heif").read_bytes()))
    numbers = [2, 3, 4, 5, 3, 4, 5, 2, 5, 4, 3, 2]
    (folder / "grid.heic").write_bytes(heic([grid(4, 3, numbers), *cells]))
    run("heif-convert", "grid.heic", "grid.png")
    turned = grid(4, 3, numbers, box(b"irot", b"\1"))
    (folder / "turned.heic").write_bytes(heic([turned, *cells]))

    one = cells[0]
    bad = {
        "items": [one] * 5000,
        "cells": [(b"grid", struct.pack(">BBBBHH", 0, 0, 255, 255, 16384, 16384), [], [2] * 4000), one],
        "nested": [grid(1, 1, [2]), grid(1, 1, [1]), one],
        "coding": [(b"jpeg", *one[1:])],
        "pictures": [(b"hvc1", one[1] * 2, *one[2:])],
    }
    for name, items in bad.items():
        (folder / f"bad-{name}.heic").write_bytes(heic(items))
    whole = (folder / "whole.heic").read_bytes()
    (folder / "bad-cut.heic").write_bytes(whole[:len(whole) * 2 // 3])


if __name__ == "__main__":
    main(sys.argv[1])
