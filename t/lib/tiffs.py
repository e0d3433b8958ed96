"""TIFF files by Pillow, ImageMagick and libtiff's tools, and what is to be seen of them.

    python3 tiffs.py FOLDER

Each picture is FOLDER/NAME.tif, and beside it is NAME.tif.png: the pixels that it was made of, or, where
they lose something on the way, what libtiff makes of it.
"""

import io
import pathlib
import subprocess
import sys
import tempfile

from PIL import Image, ImageCms

SIZE = (97, 61)
CMYK = "/usr/share/color/icc/ghostscript/default_cmyk.icc"


def picture(mode="RGBA", size=SIZE):
    """Something with edges and gradients, different everywhere."""
    width, height = size
    image = Image.new("RGBA", size)
    image.putdata([
        (x * 255 // (width - 1), y * 255 // (height - 1),
         255 if (x - width // 3) ** 2 + (y - height // 2) ** 2 < height * height // 9 else 40,
         255 if (x + y) % 5 else (x * 37 + y * 11) % 256)
        for y in range(height) for x in range(width)])
    return image if mode == "RGBA" else image.convert("RGB").convert(mode)


def saved(image, **options):
    out = io.BytesIO()
    image.save(out, "tiff", **options)
    return out.getvalue()


def png(image):
    out = io.BytesIO()
    image.save(out, "png")
    return out.getvalue()


def convert(image, *options):
    """By ImageMagick."""
    return subprocess.run(["convert", "png:-", *options, "tiff:-"], input=png(image), capture_output=True,
                          check=True).stdout


def tool(program, data, *options):
    """By one of libtiff's tools."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = f"{folder}/source.tif", f"{folder}/target.tif"
        pathlib.Path(source).write_bytes(data)
        subprocess.run([program, *options, source, target], capture_output=True, check=True)
        return pathlib.Path(target).read_bytes()


def by_libtiff(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


def tiffs():
    rgb, rgba, grey = picture("RGB"), picture(), picture("L")
    black = picture("1")
    palette = rgb.quantize(200, dither=Image.Dither.NONE)
    kinds = {"rgb": rgb, "rgba": rgba, "grey": grey, "1": black, "palette": palette, "la": rgba.convert("LA"),
             "cmyk": picture("CMYK")}
    for kind, image in kinds.items():
        seen = image.convert("RGB") if kind == "cmyk" else image
        for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits"):
            yield f"pillow-{kind}-{compression}", saved(image, compression=compression), seen
        plain = saved(image)
        for name, options in (
                ("tiles", ["-t", "-w", "32", "-l", "16", "-c", "lzw"]),
                ("strips", ["-s", "-r", "7", "-c", "zip"]),
                ("big-endian", ["-B", "-c", "packbits"]),
                ("bigtiff", ["-8", "-c", "lzw"]),
                ("bigtiff-tiles", ["-8", "-B", "-t", "-w", "64", "-l", "64", "-c", "none"]),
                ("lowest-first", ["-f", "lsb2msb", "-c", "none"]),
                ("separate", ["-p", "separate", "-c", "lzw"]),
                ("separate-tiles", ["-p", "separate", "-t", "-w", "48", "-l", "32", "-c", "zip"])):
            if "separate" in name and kind not in ("rgb", "rgba", "la", "cmyk"):
                continue
            yield f"tiffcp-{kind}-{name}", tool("tiffcp", plain, *options), seen
        if kind not in ("1",):
            yield f"tiffcp-{kind}-lzw-2", tool("tiffcp", plain, "-c", "lzw:2"), seen
            yield f"tiffcp-{kind}-zip-2-tiles", tool("tiffcp", plain, "-B", "-t", "-w", "32", "-l", "32", "-c", "zip:2"), seen
    inks = picture("CMYK")
    seen = ImageCms.profileToProfile(inks, CMYK, ImageCms.createProfile("sRGB"), outputMode="RGB")
    with open(CMYK, "rb") as profile:
        yield "pillow-cmyk-profile", saved(inks, icc_profile=profile.read()), seen
    for kind, image in (("rgb", rgb), ("rgba", rgba), ("grey", grey)):
        for compression in ("none", "lzw", "zip"):
            for endian in ("lsb", "msb"):
                options = ["-depth", "16", "-compress", compression, "-define", f"tiff:endian={endian}"]
                yield f"magick-16-{kind}-{compression}-{endian}", convert(image, *options), image
    for alpha in ("associated", "unassociated"):
        yield f"magick-{alpha}", convert(rgba, "-define", f"tiff:alpha={alpha}"), rgba
        yield f"magick-16-{alpha}", convert(rgba, "-depth", "16", "-define", f"tiff:alpha={alpha}"), rgba
    for count in (2, 4, 16):
        few = rgb.quantize(count, dither=Image.Dither.NONE)
        yield f"magick-palette-{count}", convert(few.convert("RGB"), "-type", "palette", "-depth", "8"), few
    white = convert(black, "-define", "quantum:polarity=min-is-white")
    yield "magick-white", white, by_libtiff(white)
    # What JPEG loses, libtiff decodes again.
    plain = saved(rgb)
    for name, data in (
            ("jpeg", tool("tiffcp", plain, "-r", "64", "-c", "jpeg:90")),
            ("jpeg-rgb", tool("tiffcp", plain, "-r", "24", "-c", "jpeg:r:90")),
            ("jpeg-tiles", tool("tiffcp", plain, "-t", "-w", "32", "-l", "32", "-c", "jpeg:90")),
            ("jpeg-strips", tool("tiffcp", plain, "-r", "16", "-c", "jpeg:90")),
            ("jpeg-separate", tool("tiffcp", plain, "-r", "16", "-p", "separate", "-c", "jpeg:r:90")),
            ("jpeg-grey", tool("tiffcp", saved(grey), "-r", "16", "-c", "jpeg:90")),
            ("jpeg-cmyk", tool("tiffcp", saved(inks), "-r", "16", "-c", "jpeg:90"))):
        yield f"tiffcp-{name}", data, by_libtiff(data)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data, seen in tiffs():
        (folder / f"{name}.tif").write_bytes(data)
        (folder / f"{name}.tif.png").write_bytes(png(seen.convert("RGBA")))
    (folder / "fax.tif").write_bytes(saved(picture("1"), compression="group4"))
    for turn in range(2, 9):
        (folder / f"orientation-{turn}.tif").write_bytes(saved(picture("RGB"), tiffinfo={274: turn}))


main()
