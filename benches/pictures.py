"""The pictures that are compared with, made of photos, and how much alike results are."""

import os
import re
import subprocess

from harness import ROOT, Failure

PHOTOS = f"{ROOT}/build/photos/bench"
CONVERT = "/usr/bin/convert"

# Instead of the photo, a page of text beside areas of one colour.
PAGE = ["-delete", "0", "-size", "2560x1440", "xc:white", "-fill", "#282c3c", "-draw", "rectangle 0,0 2560,80",
        "-fill", "#ebedf3", "-draw", "rectangle 0,80 420,1440", "-fill", "#14141e", "-font", "DejaVu-Sans",
        "-pointsize", "26", "-annotate", "+470+150",
        "\n".join(" ".join(f"word{(line * 7919 + word * 104729) % 997}" for word in range(18)) for line in range(38))]

# Shapes and a word on nothing.
LOGO = ["-delete", "0", "-size", "1200x600", "xc:none", "-fill", "#e4322b", "-draw", "circle 280,300 280,80",
        "-fill", "white", "-draw", "polygon 200,420 280,160 360,420", "-fill", "#22304a", "-font", "DejaVu-Sans-Bold",
        "-pointsize", "190", "-annotate", "+540+370", "Logo"]

# Bars, lines and numbers.
CHART = ["-delete", "0", "-size", "1600x1000", "xc:white", "-font", "DejaVu-Sans", "-pointsize", "22", "-stroke", "#d0d4da",
         "-draw", " ".join(f"line 100,{100 + 80 * line} 1550,{100 + 80 * line}" for line in range(11)), "-stroke", "none",
         "-fill", "#3b78c4", "-draw", " ".join(f"rectangle {120 + 60 * bar},{900 - (bar * 7919) % 700} {160 + 60 * bar},900"
                                              for bar in range(24)),
         "-fill", "#333333", *(part for line in range(11) for part in ("-annotate", f"+40+{108 + 80 * line}", f"{100 - 10 * line}")),
         "-fill", "none", "-stroke", "#d9730d", "-strokewidth", "4",
         "-draw", "polyline " + " ".join(f"{140 + 60 * bar},{850 - (bar * 104729) % 600}" for bar in range(24))]

# The photo with a disc that moves over it.
MOVING = ["-resize", "960x540!", "-delay", "8", "-fill", "gold",
          *(part for step in range(12)
            for part in ("(", "-clone", "0", "-draw", f"circle {200 + 40 * step},270 {216 + 40 * step},270", ")")),
          "-delete", "0", "-loop", "0"]

# What is made of a photo, and how ImageMagick writes it.
KINDS = {
    "4:2:0": (".jpg", ["-sampling-factor", "4:2:0", "-quality", "90", "-interlace", "none"]),
    "4:4:4": (".jpg", ["-sampling-factor", "4:4:4", "-quality", "90", "-interlace", "none"]),
    "4:2:0 progressive": (".jpg", ["-sampling-factor", "4:2:0", "-quality", "90", "-interlace", "Plane"]),
    "4:4:4 progressive": (".jpg", ["-sampling-factor", "4:4:4", "-quality", "90", "-interlace", "Plane"]),
    "png": (".png", []),
    "palette png": (".png", ["-colors", "256", "-define", "png:format=png8"]),
    "webp": (".webp", ["-quality", "85"]),
    "gif": (".gif", []),
    "page png": (".png", PAGE),
    "logo png": (".png", LOGO),
    "chart png": (".png", CHART),
    # As full of edges as a photo gets.
    "busy 4:2:0": (".jpg", ["-attenuate", "0.6", "+noise", "Gaussian", "-sharpen", "0x2", "-sampling-factor", "4:2:0",
                            "-quality", "90", "-interlace", "none"]),
    "moving webp": (".webp", [*MOVING, "-quality", "90"]),
    "moving gif": (".gif", [*MOVING, "-layers", "optimize"]),
}


def source(folder, photo, kind):
    """The file of that photo in that kind, made where it is not there yet."""
    base = {"0.5 MP": "2mp", "2 MP": "2mp", "12 MP": "12mp", "50 MP": "50mp"}[photo]
    suffix, options = KINDS[kind]
    path = f"{folder}/{photo} {kind}{suffix}".replace(":", "")
    if not os.path.exists(path):
        smaller = ["-resize", "889x500!"] if photo == "0.5 MP" else []
        subprocess.run([CONVERT, f"{PHOTOS}/{base}.jpg", *smaller, *options, path], check=True)
    return path


def height_at(path, width):
    """How high a picture is at that width."""
    size = subprocess.run([CONVERT, path + "[0]", "-format", "%w %h", "info:"], stdout=subprocess.PIPE,
                          text=True, check=True).stdout.split()
    return max(1, int(size[1]) * width // int(size[0]))


def make_reference(path, width, height, made, sigma=0):
    """Makes what results are to be like, without loss."""
    subprocess.run([CONVERT, path + "[0]", "-filter", "Lanczos", "-resize", f"{width}x{height}!",
                    *(["-blur", f"0x{sigma}"] if sigma else []), made], check=True)


def ssim(picture, reference):
    """Of 1, how much a picture is like the reference."""
    if picture.endswith((".avif", ".webp")):  # not all of which Debian's ffmpeg finds the picture in
        decoded = f"{picture}.png"
        subprocess.run([CONVERT, f"{picture}[0]", decoded], check=True)
        picture = decoded
    # What is transparent has any colour.
    shown = "format=gbrap,premultiply=inplace=1,format=gbrp"
    graph = f"[0]{shown}[a];[1]{shown}[b];[a][b]ssim"
    said = subprocess.run(["ffmpeg", "-hide_banner", "-i", picture, "-i", reference, "-lavfi", graph, "-f",
                           "null", "-"], stderr=subprocess.PIPE, text=True).stderr
    found = re.search(r"All:([\d.]+)", said)
    if not found:
        raise Failure(f"{picture}: no SSIM\n{said}")
    return float(found[1])
