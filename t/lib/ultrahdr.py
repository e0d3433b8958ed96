"""JPEGs with a gain map, and PNGs of 16 bits, put together by hand from the photo of the tests, and taken apart again.

    python3 ultrahdr.py FOLDER          # writes them
    python3 ultrahdr.py --look FILE     # says what is in one

Android's Ultra HDR has gains and places in XMP, ISO 21496-1 has gains in a segment of its own; both have the index of
CIPA DC-007. Maps are those of one scene: how bright the photo is. The PNGs have greys of known light.
"""

import io
import pathlib
import struct
import sys
import zlib

from PIL import Image, ImageChops, ImageDraw

DATA = pathlib.Path(__file__).resolve().parent.parent / "data" / "photo.jpg"
PROFILE = pathlib.Path("/usr/share/color/icc/ghostscript/a98.icc")
GAINS = "http://ns.adobe.com/hdr-gain-map/1.0/"
CONTAINER = "http://ns.google.com/photos/1.0/container/"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
ISO = b"urn:iso:std:iso:ts:21496:-1\0"
SECRET = b"48.2082N 16.3738E"
#: Stops by which white is brighter.
STOPS = 3


def jpeg(image, quality=92, **options):
    out = io.BytesIO()
    image.save(out, "jpeg", quality=quality, **options)
    return out.getvalue()


def segment(marker, body):
    return bytes([0xff, marker]) + struct.pack(">H", len(body) + 2) + body


def with_segments(image, *segments):
    return image[:2] + b"".join(segments) + image[2:]


def packet(description):
    return segment(0xe1, XMP + (
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
        f"{description}</rdf:RDF></x:xmpmeta>").encode())


def xmp_gains():
    return packet(
        f"<rdf:Description rdf:about='' xmlns:hdrgm='{GAINS}' hdrgm:Version='1.0' hdrgm:GainMapMin='0' "
        f"hdrgm:GainMapMax='{STOPS}' hdrgm:Gamma='1' hdrgm:OffsetSDR='0.015625' hdrgm:OffsetHDR='0.015625' "
        f"hdrgm:HDRCapacityMin='0' hdrgm:HDRCapacityMax='{STOPS}' hdrgm:BaseRenditionIsHDR='False'/>")


def iso_gains():
    # Versions, that the colours are those of the picture, headrooms, and one channel.
    return segment(0xe2, ISO + struct.pack(">HHB14i", 0, 0, 0x40, 0, 1, STOPS, 1, 0, 1, STOPS, 1, 1, 1, 1, 64, 1, 64))


def directory(parts):
    items = "".join(
        f"<rdf:li rdf:parseType='Resource'><Container:Item Item:Mime='{mime}' Item:Semantic='{semantic}'"
        f"{f' Item:Length={chr(39)}{length}{chr(39)}' if length else ''}/></rdf:li>"
        for semantic, mime, length in parts)
    return packet(
        f"<rdf:Description rdf:about='' xmlns:hdrgm='{GAINS}' hdrgm:Version='1.0' xmlns:Container='{CONTAINER}' "
        f"xmlns:Item='{CONTAINER}item/'><Container:Directory><rdf:Seq>{items}</rdf:Seq></Container:Directory>"
        "</rdf:Description>")


def index(lengths, offsets):
    entries = b"".join(struct.pack(">IIIHH", 0x30000 if not offset else 0, length, offset, 0, 0)
                       for length, offset in zip(lengths, offsets))
    return segment(0xe2, b"MPF\0MM\0*" + struct.pack(">IH", 8, 3)
                   + struct.pack(">HHI4s", 0xb000, 7, 4, b"0100")
                   + struct.pack(">HHII", 0xb001, 4, 1, len(lengths))
                   + struct.pack(">HHIII", 0xb002, 7, len(entries), 50, 0) + entries)


def joined(picture, samples, xmp=True, iso=True, mpf=True, film=b"", others=()):
    """A picture with a map of those samples."""
    told = ([xmp_gains()] if xmp else []) + ([iso_gains()] if iso else [])
    gain_map = with_segments(samples, *told)
    head = list(others)
    if xmp:
        head.append(directory([("Primary", "image/jpeg", 0), ("GainMap", "image/jpeg", len(gain_map))]
                              + ([("MotionPhoto", "video/mp4", len(film))] if film else [])))
    if iso:
        head.append(segment(0xe2, ISO + bytes(4)))
    if mpf:
        before = 2 + sum(map(len, head)) + 4 + 4
        length = len(picture) + sum(map(len, head)) + len(index([0, 0], [0, 1]))
        head.append(index([length, len(gain_map)], [0, length - before]))
    return with_segments(picture, *head) + gain_map + film


def orientation(value):
    return segment(0xe1, b"Exif\0\0II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0x112, 3, 1, value) + bytes(4) + SECRET)


def photo(size):
    return Image.open(DATA).convert("RGB").resize(size, Image.Resampling.LANCZOS)


def brightness(size):
    return photo((480, 320)).convert("L").resize(size, Image.Resampling.LANCZOS)


def pq(nits):
    power = (nits / 10000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def greys(code_points=None):
    """Five fields, 60 pixels wide, of 20, 100, 203, 400 and 1000 nits by PQ, and a slope below them."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    fields = [round(pq(nits) * 65535) for nits in (20, 100, 203, 400, 1000) for _ in range(60)]
    slope = [10000 + x * 150 for x in range(300)]
    rows = [b"\0" + b"".join(struct.pack(">H", value) * 3 for value in row) for row in (fields, slope)]
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 300, 120, 16, 2, 0, 0, 0))
            + (chunk(b"cICP", bytes(code_points)) if code_points else b"")
            + chunk(b"IDAT", zlib.compress(b"".join(row * 60 for row in rows))) + chunk(b"IEND", b""))


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pq.png").write_bytes(greys([9, 16, 0, 1]))
    (folder / "hlg.png").write_bytes(greys([9, 18, 0, 1]))
    (folder / "sixteen.png").write_bytes(greys())
    picture, samples = jpeg(photo((480, 320))), jpeg(brightness((240, 160)), 95)
    colors = jpeg(photo((240, 160)), 95, subsampling=0)
    turned = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270, 3: Image.Transpose.ROTATE_180}
    files = {
        "plain": picture,
        "both": joined(picture, samples),
        "android": joined(picture, samples, iso=False),
        "iso": joined(picture, samples, xmp=False),
        "directory": joined(picture, samples, iso=False, mpf=False),
        "colors": joined(picture, colors),
        "whole": joined(picture, jpeg(brightness((480, 320)), 95)),
        "coarse": joined(picture, jpeg(brightness((97, 64)), 95)),
        "film": joined(picture, samples, film=b"\0\0\0\x18ftypmp42" + SECRET * 50),
        "secret": joined(picture, samples, others=[segment(0xe1, b"Exif\0\0MM\0*" + SECRET)]),
        "profile": joined(jpeg(photo((480, 320)), icc_profile=PROFILE.read_bytes()), samples),
        "broken": joined(picture, samples[:-900] + b"\xff\xd9"),
        "cut": joined(picture, samples)[:-500],
        "huge": joined(picture, samples.replace(struct.pack(">HH", 160, 240), struct.pack(">HH", 65500, 65500), 1)),
        "wrong": joined(picture, samples).replace(b"GainMapMax='3'", b"GainMapMax='x'").replace(
            ISO + bytes(5)[:4] + b"\x40", ISO + b"\0\7\0\0\x40"),
    }
    for value, turn in turned.items():
        # Both lie as the camera held them.
        lying = [jpeg(image.transpose(turn), 95) for image in (photo((480, 320)), brightness((240, 160)))]
        files[f"exif{value}"] = joined(*lying, others=[orientation(value)])
    for name, data in files.items():
        (folder / f"{name}.jpg").write_bytes(data)


def taken(data):
    """The picture, and the map that its index leads to, with what says that it is one."""
    at = data.find(b"MPF\0")
    if at < 0:
        return data, None
    entries = struct.unpack(">8I", data[at + 54:at + 86])
    start = at + 4 + entries[6]
    return data[:start], data[start:start + entries[5]]


def shift(picture, gain_map):
    """By how many pixels of the map it lies elsewhere than what it is of."""
    picture = picture.convert("L")
    width, height = gain_map.size
    step = picture.width / width, picture.height / height

    def error(moved):
        box = [(2 + moved[0]) * step[0], (2 + moved[1]) * step[1],
               (width - 2 + moved[0]) * step[0], (height - 2 + moved[1]) * step[1]]
        like = picture.resize((width - 4, height - 4), Image.Resampling.BOX, box=box)
        own = gain_map.crop((2, 2, width - 2, height - 2))
        values = ImageChops.difference(like, own).histogram()
        return sum(count * value * value for value, count in enumerate(values))

    steps = [at / 4 for at in range(-6, 7)]
    return min(((x, y) for x in steps for y in steps), key=error)


def look(data):
    """What there is, in words."""
    first, second = taken(data)
    traces = [name for name, mark in (("mpf", b"MPF\0"), ("iso", b"21496"), ("xmp", b"hdr-gain-map")) if mark in data]
    said = ["%dx%d" % Image.open(io.BytesIO(first)).size, *traces]
    if SECRET in data:
        said.append("secret")
    if second is not None:
        gain_map = Image.open(io.BytesIO(second))
        whole = len(first) + len(second) == len(data) and first.endswith(b"\xff\xd9") and second.endswith(b"\xff\xd9")
        x, y = shift(Image.open(io.BytesIO(first)), gain_map.convert("L"))
        said += ["whole" if whole else "not whole", "%dx%d" % gain_map.size, gain_map.mode]
        said.append("aligned" if abs(x) <= 0.5 and abs(y) <= 0.5 else f"off by {x}, {y}")
        if b"hdr-gain-map" in first and b"Item:Length='%d'" % len(second) not in first.replace(b'"', b"'"):
            said.append("a wrong length")
    elif data.rindex(b"\xff\xd9") != data.index(b"\xff\xd9"):
        said.append("something behind")
    return " ".join(said)


if __name__ == "__main__":
    if sys.argv[1] == "--look":
        print(look(pathlib.Path(sys.argv[2]).read_bytes()))
    else:
        write(pathlib.Path(sys.argv[1]))
