"""Makes small damaged images of every format, in families of one kind of damage each.

Every case has a name, its bytes, the bytes of the whole image, and what formats of the project's
own say must become of it, where that is not left to what other decoders show:

    shown     by both policies: no pixel is lost
    mended    by `lenient`, refused by `strict`
    refused   by both
    None      `lenient` shows it if libvips and Pillow both do
"""

import io
import random
import struct
import subprocess
import zlib
from collections import namedtuple

from PIL import Image

Case = namedtuple("Case", "name data whole wanted")


def picture(width, height):
    """Something with edges and gradients, different everywhere."""
    image = Image.new("RGB", (width, height))
    image.putdata([
        (x * 255 // width, y * 255 // height,
         255 if (x - width // 3) ** 2 + (y - height // 2) ** 2 < height * height // 9 else 40)
        for y in range(height) for x in range(width)])
    return image


def cjpeg(image, *options):
    ppm = io.BytesIO()
    image.save(ppm, "ppm")
    command = ["cjpeg", "-quality", "85", *options]
    return subprocess.run(command, input=ppm.getvalue(), capture_output=True, check=True).stdout


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def segment(marker, body):
    return bytes([0xff, marker]) + struct.pack(">H", len(body) + 2) + body


def segments(jpeg):
    """The segments up to the first scan's data, as (marker, start, end)."""
    at, found = 2, []
    while True:
        marker, end = jpeg[at + 1], at + 2 + struct.unpack(">H", jpeg[at + 2:at + 4])[0]
        found.append((marker, at, end))
        if marker == 0xda:
            return found
        at = end


def place(jpeg, *markers):
    return next((start, end) for marker, start, end in segments(jpeg) if marker in markers)


def set_bytes(data, at, new):
    return data[:at] + bytes(new) + data[at + len(new):]


def cut(name, whole, steps):
    """Cut at that many places, and at the last bytes."""
    places = [len(whole) * i // (steps + 1) for i in range(1, steps + 1)]
    for at in places + [len(whole) - n for n in (1, 2, 3, 9, 40)]:
        yield Case(f"{name} cut at {at} of {len(whole)}", whole[:at], whole, None)


def changed(name, whole, places, numbers):
    for at in places:
        value = whole[at] ^ numbers.choice((0x01, 0x10, 0x80, 0xff))
        yield Case(f"{name} byte {at} is {value:#04x}", set_bytes(whole, at, [value]), whole, None)


def followed(name, whole):
    for what, more in (("zeros", b"\0" * 30), ("noise", bytes(range(7, 250, 3))),
                       ("itself", whole), ("text", b"\r\n<html>\r\n" * 20)):
        yield Case(f"{name} and {what} behind", whole + more, whole, "shown")


def jpegs(numbers):
    image = picture(600, 400)
    grey = image.convert("L")
    bases = {
        "baseline": cjpeg(image),
        "4:4:4": cjpeg(image, "-sample", "1x1"),
        "4:2:2": cjpeg(image, "-sample", "2x1", "-optimize"),
        "4:4:0": cjpeg(image, "-sample", "1x2"),
        "progressive": cjpeg(image, "-progressive"),
        "grey": cjpeg(grey),
        "restarts": cjpeg(image, "-restart", "10B"),
        "restarts of rows": cjpeg(image, "-restart", "1", "-optimize"),
        "progressive restarts": cjpeg(image, "-progressive", "-restart", "1"),
        "arithmetic": cjpeg(image, "-arithmetic"),
        "rgb": cjpeg(image, "-rgb"),
        "cmyk": saved(image.convert("CMYK"), "jpeg", quality=85),
    }
    for name, whole in bases.items():
        name = f"jpeg {name}"
        data = place(whole, 0xda)[1]
        yield from cut(name, whole, 7)
        yield from changed(name, whole, range(2, data, max(1, data // 9)), numbers)
        middle = [numbers.randrange(data, len(whole) - 2) for _ in range(7)]
        yield from changed(name, whole, middle, numbers)
        yield from jpeg_kinds(name, whole)
    yield from (case for name in ("baseline", "progressive")
                for case in followed(f"jpeg {name}", bases[name]))
    yield from (case for name in ("baseline", "progressive", "restarts")
                for case in header_kinds(f"jpeg {name}", bases[name]))
    for name in ("restarts", "restarts of rows", "progressive restarts"):
        yield from restart_kinds(f"jpeg {name}", bases[name])


def header_kinds(name, whole):
    """Headers that do not fit the data: whatever becomes of them, it is the same at every size."""
    frame, _ = place(whole, 0xc0, 0xc2)
    data = place(whole, 0xda)[1]
    for what, at, sides in (("height", 5, (160, 376, 65535)), ("width", 7, (500, 584, 616))):
        for side in sides:
            made = set_bytes(whole, frame + at, struct.pack(">H", side))
            yield Case(f"{name}, a {what} of {side}", made, whole, None)
    for interval in (1, 7, 5000):
        made = whole[:frame] + segment(0xdd, struct.pack(">H", interval)) + whole[frame:]
        yield Case(f"{name}, an interval of {interval}", made, whole, None)
    made = whole[:data] + whole[data:].replace(b"\n", b"\r\n")
    yield Case(f"{name}, ends of lines converted", made, whole, None)


def jpeg_kinds(name, whole):
    scan, data = place(whole, 0xda)
    frame, _ = place(whole, 0xc0, 0xc1, 0xc2, 0xc9, 0xca)
    sequential = whole[frame + 1] in (0xc0, 0xc1, 0xc9)

    def kind(what, made, wanted):
        return Case(f"{name}, {what}", made, whole, wanted)

    yield kind("no end", whole[:-2], "mended")
    yield kind("half an end", whole[:-1], "mended")
    yield kind("zeros instead of the end", whole[:-2] + b"\0" * 20, "mended")
    yield kind("zeros behind the end", whole + b"\0" * 20, "shown")
    yield kind("bytes before the end", whole[:-2] + b"\x12\x34" + whole[-2:], "shown")
    yield kind("bytes before a segment", whole[:scan] + b"\x12\x34\x56" + whole[scan:], "shown")
    yield kind("ones before a segment", whole[:scan] + b"\xff" * 9 + whole[scan:], "shown")
    yield kind("an empty profile", whole[:2] + segment(0xe2, b"ICC_PROFILE\0\x01\x01") + whole[2:],
               "shown")
    yield kind("no profile at all", whole[:2] + segment(0xe2, b"ICC_PROFILE\0") + whole[2:],
               "shown")
    yield kind("half a profile", whole[:2] + segment(0xe2, b"ICC_PROFILE\0\x01\x02abc") + whole[2:],
               "shown")
    yield kind("an empty segment", whole[:2] + segment(0xe3, b"") + whole[2:], "shown")
    yield kind("a segment shorter than its length", whole[:2] + b"\xff\xe3\0\0" + whole[2:],
               "shown")
    yield kind("Exif of nonsense", whole[:2] + segment(0xe1, b"Exif\0\0MM\0*\xff\xff\xff\xff")
               + whole[2:], "shown")
    if sequential:
        yield kind("scan parameters 0 0 0", set_bytes(whole, data - 3, [0, 0, 0]), "shown")
        yield kind("scan parameters 1 5 33", set_bytes(whole, data - 3, [1, 5, 0x21]), "shown")
        height = struct.unpack(">H", whole[frame + 5:frame + 7])[0]
        taller = struct.pack(">H", height + 90)
        # Arithmetic codes of zeros go on for ever.
        if whole[frame + 1] != 0xc9:
            yield kind("a height too large", set_bytes(whole, frame + 5, taller), "mended")
        unknown = set_bytes(whole[:-2], frame + 5, [0, 0])
        rows = segment(0xdc, struct.pack(">H", height))
        yield kind("rows told behind the scan", unknown + rows + whole[-2:], "shown")
    if whole[frame + 9] == 3 and b"Adobe" not in whole:
        for transform in (2, 7):
            adobe = segment(0xee, b"Adobe\0\x64\0\0\0\0" + bytes([transform]))
            jfif = place(whole, 0xe0)
            made = whole[:jfif[0]] + adobe + whole[jfif[1]:]
            yield kind(f"Adobe transform {transform}", made, "shown")


def restart_kinds(name, whole):
    data = place(whole, 0xda)[1]
    marks = [at for at in range(data, len(whole) - 1)
             if whole[at] == 0xff and 0xd0 <= whole[at + 1] <= 0xd7]

    def kind(what, made):
        return Case(f"{name}, {what}", made, whole, "mended")

    for number in (1, len(marks) // 2, len(marks) - 2):
        at = marks[number]
        yield kind(f"restart {number} missing", whole[:at] + whole[at + 2:])
        yield kind(f"restart {number} of another turn",
                   set_bytes(whole, at + 1, [0xd0 + (whole[at + 1] - 0xd0 + 1) % 8]))
        yield kind(f"bytes before restart {number}", whole[:at] + b"\x55\x66\x77" + whole[at:])
        yield kind(f"interval {number} missing", whole[:at] + whole[marks[number + 1]:])
        yield kind(f"interval {number} twice",
                   whole[:marks[number + 1]] + whole[at:])


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def chunks(png):
    at, found = 8, []
    while at < len(png):
        end = at + 12 + struct.unpack(">I", png[at:at + 4])[0]
        found.append(png[at:end])
        at = end
    return found


def pngs(numbers):
    image = picture(300, 200)
    alpha = image.copy()
    alpha.putalpha(image.convert("L"))
    bases = {
        "rgb": saved(image, "png"),
        "rgba": saved(alpha, "png"),
        "palette": saved(image.quantize(64), "png"),
        "grey": saved(image.convert("L"), "png"),
    }
    for name, whole in bases.items():
        name = f"png {name}"
        yield from cut(name, whole, 7)
        yield from changed(name, whole, range(8, 41, 3), numbers)
        middle = [numbers.randrange(41, len(whole) - 16) for _ in range(5)]
        yield from changed(name, whole, middle, numbers)
        head, end = whole[:8], chunk(b"IEND", b"")
        parts = chunks(whole)
        first, rest = parts[0], [part for part in parts[1:] if part[4:8] != b"IEND"]
        text = chunk(b"tEXt", b"Comment\0hello")

        def kind(what, made, wanted, name=name, whole=whole):
            return Case(f"{name}, {what}", head + made, whole, wanted)

        body = first + b"".join(rest)
        yield kind("no end", body, "mended")
        yield kind("a bad sum of the end", body + set_bytes(end, 8, [0, 1, 2, 3]), "mended")
        yield kind("a bad sum of a text", first + set_bytes(text, len(text) - 4, [0] * 4)
                   + b"".join(rest) + end, "shown")
        data = b"".join(part[8:-4] for part in rest if part[4:8] == b"IDAT")
        before = b"".join(part for part in rest if part[4:8] != b"IDAT")
        two = chunk(b"IDAT", data[:400]), chunk(b"IDAT", data[400:])
        yield kind("a text between data", first + before + two[0] + text + two[1] + end, None)
        yield kind("an empty data chunk", first + before + two[0] + chunk(b"IDAT", b"") + two[1]
                   + end, "shown")
        yield kind("a bad sum of data", first + before + set_bytes(two[0], len(two[0]) - 4, [1] * 4)
                   + two[1] + end, None)
        yield kind("an unknown chunk", first + chunk(b"abCd", b"x") + b"".join(rest) + end, "shown")
        yield kind("all data behind the end", first + before + end + two[0] + two[1], "refused")
        trns = chunk(b"tRNS", b"\x01" * 300)
        yield kind("transparency too long", first + before + trns + two[0] + two[1] + end, "shown")
        yield kind("a bad Adler sum", first + before + chunk(b"IDAT", data[:-4] + b"\0\0\0\0") + end,
                   "mended")
    yield from followed("png rgb", bases["rgb"])


def gifs(numbers):
    image = picture(200, 140)
    frames = [image.rotate(angle).quantize(32) for angle in (0, 30, 60)]
    bases = {
        "still": saved(frames[0], "gif"),
        "animated": saved(frames[0], "gif", save_all=True, append_images=frames[1:], duration=80),
        "interlaced": saved(frames[0], "gif", interlace=True),
    }
    for name, whole in bases.items():
        name = f"gif {name}"
        yield from cut(name, whole, 7)
        yield from changed(name, whole, (6, 7, 8, 9, 10, 11, 12, 20, 50, 90), numbers)
        middle = [numbers.randrange(120, len(whole) - 2) for _ in range(5)]
        yield from changed(name, whole, middle, numbers)

        def kind(what, made, wanted, name=name, whole=whole):
            return Case(f"{name}, {what}", made, whole, wanted)

        yield kind("no trailer", whole[:-1], None)
        yield kind("zeros instead of the trailer", whole[:-1] + b"\0" * 12, None)
        yield kind("zeros before the trailer", whole[:-1] + b"\0" * 12 + whole[-1:], None)
        yield kind("a screen of nothing", set_bytes(whole, 6, [0, 0, 0, 0]), None)
        yield kind("an unknown extension",
                   whole[:-1] + b"\x21\x42\x03abc\0" + whole[-1:], "shown")
    yield from followed("gif still", bases["still"])


def webps(numbers):
    image = picture(300, 200)
    alpha = image.copy()
    alpha.putalpha(image.convert("L"))
    bases = {
        "lossy": saved(image, "webp", quality=80),
        "lossless": saved(image, "webp", lossless=True),
        "lossy alpha": saved(alpha, "webp", quality=80),
    }
    for name, whole in bases.items():
        name = f"webp {name}"
        yield from cut(name, whole, 7)
        yield from changed(name, whole, range(4, 40, 3), numbers)
        middle = [numbers.randrange(60, len(whole) - 2) for _ in range(5)]
        yield from changed(name, whole, middle, numbers)

        def kind(what, made, wanted, name=name, whole=whole):
            return Case(f"{name}, {what}", made, whole, wanted)

        length = struct.unpack("<I", whole[4:8])[0]
        for more in (-2, -1, 1, 2, 9):
            made = set_bytes(whole, 4, struct.pack("<I", length + more))
            yield kind(f"a length {more:+} off", made, None)
        odd = whole + b"abcd" + struct.pack("<I", 3) + b"xyz\0"
        yield kind("an unknown chunk", set_bytes(odd, 4, struct.pack("<I", len(odd) - 8)), None)
    yield from followed("webp lossy", bases["lossy"])


def avifs(numbers, folder):
    for name in ("pattern.avif",):
        with open(f"{folder}/{name}", "rb") as file:
            whole = file.read()
        yield from cut(f"avif {name}", whole, 7)
        yield from changed(f"avif {name}", whole, range(4, min(300, len(whole)), 17), numbers)
        middle = [numbers.randrange(len(whole) // 2, len(whole)) for _ in range(5)]
        yield from changed(f"avif {name}", whole, middle, numbers)


def cases(fixtures, formats):
    """All of them, the same at every run."""
    made = {
        "jpeg": jpegs,
        "png": pngs,
        "gif": gifs,
        "webp": webps,
        "avif": lambda numbers: avifs(numbers, fixtures),
    }
    for kind in formats:
        yield from made[kind](random.Random(kind))
