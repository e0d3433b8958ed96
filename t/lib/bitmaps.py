"""Pictures in the formats that are only read, by every encoder at hand, and what is to be seen of them.

    python3 bitmaps.py FOLDER [FORMAT...]     # bmp ico pnm qoi

Each picture is FOLDER/NAME.EXT, and beside it is NAME.EXT.png: the pixels that it was made of, or, where
they lose something on the way, what another decoder than the one under test makes of it.
"""

import io
import pathlib
import struct
import subprocess
import sys

from PIL import Image

SIZES = [(1, 1), (3, 2), (7, 5), (8, 9), (31, 4), (33, 20), (97, 61)]


def picture(size, mode="RGBA"):
    """Something with edges and gradients, different everywhere."""
    width, height = size
    image = Image.new("RGBA", size)
    image.putdata([
        (x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1),
         255 if (x - width // 3) ** 2 + (y - height // 2) ** 2 < height * height // 9 else 40,
         255 if (x + y) % 5 else (x * 37 + y * 11) % 256)
        for y in range(height) for x in range(width)])
    return image if mode == "RGBA" else image.convert("RGB").convert(mode)


def colors(size, count):
    """The same in so many colours, as indices and a palette."""
    return picture(size, "RGB").quantize(count, dither=Image.Dither.NONE)


def run(*command, data=None):
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def png(image):
    out = io.BytesIO()
    image.save(out, "png")
    return out.getvalue()


def convert(image, *options):
    """By ImageMagick."""
    return run("convert", "png:-", *options, data=png(image))


def ffmpeg(image, codec, pixels):
    return run("ffmpeg", "-nostdin", "-loglevel", "error", "-f", "png_pipe", "-i", "-", "-c:v", codec,
               "-pix_fmt", pixels, "-frames:v", "1", "-f", "image2pipe", "-", data=png(image))


def by_ffmpeg(data, kind):
    return run("ffmpeg", "-nostdin", "-loglevel", "error", "-f", f"{kind}_pipe", "-i", "-", "-c:v", "png",
               "-pix_fmt", "rgba", "-frames:v", "1", "-f", "image2pipe", "-", data=data)


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


# BMP

def dib(size, bits, compression=0, header=40, palette=b"", masks=(), top_down=False, doubled=1):
    width, height = size
    head = struct.pack("<IiiHHIIiiII", header, width, (-height if top_down else height * doubled), 1, bits,
                       compression, 0, 2835, 2835, len(palette) // 4, 0)
    after = b""
    if masks:
        packed = struct.pack(f"<{len(masks)}I", *masks)
        if header == 40:
            after = packed
        else:
            head += packed
    return head.ljust(header, b"\0") + after + palette


def bmp_file(head, data):
    at = 14 + len(head)
    return b"BM" + struct.pack("<IHHI", at + len(data), 0, 0, at) + head + data


def packed_rows(size, pixel, bits, top_down=False):
    """The rows of pixels, each a number of so many bits."""
    width, height = size
    rows = []
    for y in range(height) if top_down else reversed(range(height)):
        value = 0
        for x in range(width):
            if bits < 8:
                value = value << bits | pixel(x, y)
            else:
                value |= pixel(x, y) << x * bits
        if bits < 8:
            used = width * bits
            value <<= -used % 8
            row = value.to_bytes((used + 7) // 8, "big")
        else:
            row = value.to_bytes(width * bits // 8, "little")
        rows.append(row + b"\0" * (-len(row) % 4))
    return b"".join(rows)


def fields(image, masks):
    """Pixels by masks, and what is left of the colours."""
    def spread(value, mask):
        low = (mask & -mask).bit_length() - 1
        most = mask >> low
        return (value * most + 127) // 255 << low, ((value * most + 127) // 255 * 255 + most // 2) // most
    seen = Image.new("RGBA", image.size)

    def pixel(x, y):
        parts = [spread(value, mask) if mask else (0, 255)
                 for value, mask in zip(image.getpixel((x, y)), masks)]
        seen.putpixel((x, y), tuple(part[1] for part in parts))
        return sum(part[0] for part in parts)
    return pixel, seen


def rle(size, indices, four):
    """Runs, absolute pixels, and jumps over what is black."""
    width, height = size
    out = b""
    for y in reversed(range(height)):
        row = [indices(x, y) for x in range(width)]
        x = 0
        while x < width:
            run_len = 1
            while x + run_len < width and row[x + run_len] == row[x] and run_len < 255:
                run_len += 1
            if run_len == 1 and width - x >= 3:
                part = row[x:x + min(5, width - x)]
                if four:
                    even = part + [0] * (len(part) % 2)
                    body = bytes(a << 4 | b for a, b in zip(even[::2], even[1::2]))
                else:
                    body = bytes(part)
                out += bytes([0, len(part)]) + body + b"\0" * (len(body) % 2)
                x += len(part)
            else:
                out += bytes([run_len, row[x] * 17 if four else row[x]])
                x += run_len
        out += b"\0\0"
    return out + b"\0\1"


def bmps():
    for size in SIZES:
        name = "%dx%d" % size
        rgb, rgba = picture(size, "RGB"), picture(size)
        grey, black = picture(size, "L"), picture(size, "1")
        yield f"pillow-rgb-{name}", saved(rgb, "bmp"), rgb
        yield f"pillow-grey-{name}", saved(grey, "bmp"), grey
        yield f"pillow-1-{name}", saved(black, "bmp"), black
        yield f"pillow-palette-{name}", saved(colors(size, 200), "bmp"), colors(size, 200)
        for bits, count in ((1, 2), (2, 4), (4, 16), (8, 256)):
            few = colors(size, count)
            flat = few.getpalette()[:count * 3]
            flat += [0] * (count * 3 - len(flat))
            table = b"".join(bytes([flat[i + 2], flat[i + 1], flat[i], 0]) for i in range(0, count * 3, 3))
            for top_down in (False, True):
                rows = packed_rows(size, lambda x, y, few=few: few.getpixel((x, y)), bits, top_down)
                head = dib(size, bits, palette=table, top_down=top_down)
                yield f"{bits}-{'top' if top_down else 'bottom'}-{name}", bmp_file(head, rows), few
            if bits in (4, 8):
                data = rle(size, lambda x, y, few=few: few.getpixel((x, y)), bits == 4)
                head = dib(size, bits, {8: 1, 4: 2}[bits], palette=table)
                yield f"rle{bits}-{name}", bmp_file(head, data), few
        for what, bits, masks, header in (
                ("555", 16, (0x7c00, 0x3e0, 0x1f), 40), ("565", 16, (0xf800, 0x7e0, 0x1f), 40),
                ("444", 16, (0xf00, 0xf0, 0xf), 52), ("1555", 16, (0x7c00, 0x3e0, 0x1f, 0x8000), 56),
                ("4444", 16, (0xf00, 0xf0, 0xf, 0xf000), 108), ("bgra", 32, (0xff0000, 0xff00, 0xff, 0xff000000), 124),
                ("rgba", 32, (0xff, 0xff00, 0xff0000, 0xff000000), 108), ("rgbx", 32, (0xff000000, 0xff0000, 0xff00), 40)):
            pixel, seen = fields(rgba, masks if len(masks) == 4 else masks + (0,))
            rows = packed_rows(size, pixel, bits)
            head = dib(size, bits, 3, header, masks=masks)
            # Behind the long headers there is room for the masks again.
            head += b"\0" * 12 if header >= 108 else b""
            yield f"{what}-{name}", bmp_file(head, rows), seen
        for what, bits, masks in (("ce-4444", 16, (0xf00, 0xf0, 0xf, 0xf000)), ("ce-555", 16, (0x7c00, 0x3e0, 0x1f, 0)),
                                  ("ce-bgra", 32, (0xff0000, 0xff00, 0xff, 0xff000000))):
            pixel, seen = fields(rgba, masks)
            for top_down in (False, True):
                head = dib(size, bits, 6, 40, masks=masks, top_down=top_down)
                rows = packed_rows(size, pixel, bits, top_down)
                yield f"{what}-{'top' if top_down else 'bottom'}-{name}", bmp_file(head, rows), seen
        pixel, seen = fields(rgba, (0x7c00, 0x3e0, 0x1f, 0))
        rows = packed_rows(size, pixel, 16, True)
        yield f"555-top-{name}", bmp_file(dib(size, 16, top_down=True), rows), seen
        core = struct.pack("<IHHHH", 12, *size, 1, 24)
        rows = packed_rows(size, lambda x, y, i=rgb: int.from_bytes(bytes(i.getpixel((x, y))[::-1]), "little"), 24)
        yield f"os2-24-{name}", bmp_file(core, rows), rgb
    size = (97, 61)
    rgb = picture(size, "RGB")
    for version in ("bmp2", "bmp3", "bmp"):
        yield f"magick-{version}", convert(rgb, f"{version}:-"), rgb
    few = colors(size, 60)
    yield "magick-rle", convert(few, "-compress", "RLE", "bmp3:-"), few
    yield "magick-alpha", convert(picture(size), "bmp:-"), picture(size)
    for pixels in ("bgra", "bgr24", "rgb565le", "rgb555le", "rgb8", "gray", "pal8", "monob"):
        data = ffmpeg(rgb, "bmp", pixels)
        yield f"ffmpeg-{pixels}", data, by_ffmpeg(data, "bmp")


# ICO

def ico_file(pictures):
    head, at, bodies = struct.pack("<HHH", 0, 1, len(pictures)), 6 + 16 * len(pictures), b""
    for (width, height), bits, body in pictures:
        head += struct.pack("<BBBBHHII", width % 256, height % 256, 0, 0, 1, bits, len(body), at + len(bodies))
        bodies += body
    return head + bodies


def icon(size, bits, image, seen, masked):
    """Pixels and a mask; what is hidden is set in `seen`: by the mask, unless pixels have an alpha."""
    if bits <= 8:
        count = 1 << bits
        flat = image.getpalette()[:count * 3]
        flat += [0] * (count * 3 - len(flat))
        table = b"".join(bytes([flat[i + 2], flat[i + 1], flat[i], 0]) for i in range(0, count * 3, 3))
        rows = packed_rows(size, lambda x, y: image.getpixel((x, y)), bits)
    else:
        table = b""
        order = (lambda p: p[2::-1]) if bits == 24 else (lambda p: p[2::-1] + p[3:])
        rows = packed_rows(size, lambda x, y: int.from_bytes(bytes(order(image.getpixel((x, y)))), "little"), bits)
    hidden = (lambda x, y: int((x * 3 + y) % 7 == 0)) if masked else (lambda x, y: 0)
    has_alpha = bits == 32 and image.getchannel("A").getextrema()[1] > 0
    if not has_alpha:
        seen.putalpha(255)
    for y in range(size[1]):
        for x in range(size[0]):
            if hidden(x, y) and not has_alpha:
                seen.putpixel((x, y), seen.getpixel((x, y))[:3] + (0,))
    return dib(size, bits, palette=table, doubled=2) + rows + packed_rows(size, hidden, 1)


def icos():
    for size in [(1, 1), (7, 5), (16, 16), (33, 20), (48, 48), (256, 256)]:
        name = "%dx%d" % size
        for bits in (1, 4, 8, 24, 32):
            if size == (256, 256) and bits not in (8, 32):
                continue
            for masked in (False, True):
                image = colors(size, 1 << bits) if bits <= 8 else picture(size, "RGB" if bits == 24 else "RGBA")
                seen = image.convert("RGBA")
                body = icon(size, bits, image, seen, masked)
                yield f"{bits}-{'masked' if masked else 'whole'}-{name}", ico_file([(size, bits, body)]), seen
        for masked in (False, True):
            # As programs wrote it that knew no alpha.
            image, seen = picture(size), picture(size)
            image.putalpha(0)
            body = icon(size, 32, image, seen, masked)
            yield f"zeros-{'masked' if masked else 'whole'}-{name}", ico_file([(size, 32, body)]), seen
        yield f"png-{name}", ico_file([(size, 32, png(picture(size)))]), picture(size)
        yield f"png-rgb-{name}", ico_file([(size, 24, png(picture(size, "RGB")))]), picture(size, "RGB")
    big, small = picture((64, 64)), colors((16, 16), 16)
    largest = [((16, 16), 4, icon((16, 16), 4, small, small.convert("RGBA"), True)),
               ((64, 64), 32, icon((64, 64), 32, big, big.copy(), False)),
               ((48, 48), 32, png(picture((48, 48))))]
    for first in range(3):
        yield f"largest-{first}", ico_file(largest[first:] + largest[:first]), big
    yield "pillow", saved(picture((256, 256)), "ico", sizes=[(16, 16), (48, 48), (256, 256)]), picture((256, 256))
    yield "pillow-bmp", saved(picture((48, 48)), "ico", sizes=[(48, 48)], bitmap_format="bmp"), picture((48, 48))
    for size in ((16, 16), (33, 20)):
        rgb = picture(size, "RGB")
        yield "magick-%dx%d" % size, convert(rgb, "ico:-"), rgb


# PNM

def words(values):
    return b"".join(struct.pack(">H", value) for value in values)


def pnms():
    for size in SIZES:
        name = "%dx%d" % size
        rgb, rgba, grey, black = (picture(size, mode) for mode in ("RGB", "RGBA", "L", "1"))
        yield f"pillow-rgb-{name}.ppm", saved(rgb, "ppm"), rgb
        yield f"pillow-grey-{name}.pgm", saved(grey, "ppm"), grey
        yield f"pillow-1-{name}.pbm", saved(black, "ppm"), black
        yield f"plain-rgb-{name}.ppm", convert(rgb, "-compress", "none", "ppm:-"), rgb
        yield f"plain-grey-{name}.pgm", convert(grey, "-compress", "none", "pgm:-"), grey
        yield f"plain-1-{name}.pbm", convert(black, "-compress", "none", "pbm:-"), black
        deep = [value * 257 for pixel in rgb.getdata() for value in pixel]
        head = b"P6\n# a comment\n%d %d # and another\n65535\n" % size
        yield f"16-{name}.ppm", head + words(deep), rgb
        fifteen = [(value * 15 + 127) // 255 for value in grey.getdata()]
        seen = Image.new("L", size)
        seen.putdata([value * 17 for value in fifteen])
        yield f"15-{name}.pgm", b"P5 %d %d 15 " % size + bytes(fifteen), seen
        text = " ".join(str(value) for value in fifteen).encode()
        yield f"plain-15-{name}.pgm", b"P2 %d %d 15\n" % size + text, seen
        thousand = [value * 1000 // 255 for value in grey.getdata()]
        seen = Image.new("L", size)
        seen.putdata([(value * 255 + 500) // 1000 for value in thousand])
        yield f"1000-{name}.pgm", b"P5\n%d %d\n1000\n" % size + words(thousand), seen
        pam = b"P7\nWIDTH %d\nHEIGHT %d\nDEPTH %d\nMAXVAL %d\nTUPLTYPE %s\nENDHDR\n"
        yield f"pam-rgba-{name}.pam", pam % (*size, 4, 255, b"RGB_ALPHA") + rgba.tobytes(), rgba
        yield f"pam-la-{name}.pam", pam % (*size, 2, 255, b"GRAYSCALE_ALPHA") + rgba.convert("LA").tobytes(), rgba.convert("LA")
        bits = bytes(int(value > 0) for value in black.getdata())
        yield f"pam-1-{name}.pam", pam % (*size, 1, 1, b"BLACKANDWHITE") + bits, black
    size = (97, 61)
    rgb, rgba = picture(size, "RGB"), picture(size)
    for kind in ("pbm", "pgm", "ppm", "pam"):
        image = {"pbm": picture(size, "1"), "pgm": picture(size, "L")}.get(kind, rgb)
        yield f"magick.{kind}", convert(image, f"{kind}:-"), image
    yield "magick-alpha.pam", convert(rgba, "pam:-"), rgba
    yield "magick-16.ppm", convert(rgb, "-depth", "16", "ppm:-"), rgb
    for pixels, image in (("rgb24", rgb), ("rgba", rgba), ("rgb48be", rgb)):
        yield f"ffmpeg-{pixels}.pam", ffmpeg(image, "pam", pixels), image


# QOI

def qois():
    for size in SIZES + [(2, 300), (300, 2), (64, 64), (65, 63), (128, 1), (200, 120), (13, 13), (5, 70)]:
        name = "%dx%d" % size
        yield f"rgb-{name}", ffmpeg(picture(size, "RGB"), "qoi", "rgb24"), picture(size, "RGB")
        yield f"rgba-{name}", ffmpeg(picture(size), "qoi", "rgba"), picture(size)
    flat = Image.new("RGBA", (300, 200), (1, 2, 3, 4))
    yield "runs", ffmpeg(flat, "qoi", "rgba"), flat


KINDS = {"bmp": bmps, "ico": icos, "pnm": pnms, "qoi": qois}


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for kind in sys.argv[2:] or KINDS:
        for name, data, seen in KINDS[kind]():
            name = name if "." in name else f"{name}.{kind}"
            (folder / name).write_bytes(data)
            (folder / f"{name}.png").write_bytes(seen if isinstance(seen, bytes) else png(seen.convert("RGBA")))


main()
