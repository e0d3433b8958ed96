"""Light before and after; scripts/check-hdr says of what."""

import pathlib
import subprocess
import sys
import tempfile

import imagecodecs
import numpy

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build" / "image-gate"
sys.path.insert(0, str(ROOT / "t" / "lib"))

import ultrahdr  # noqa: E402

#: dB of what is left of light, in stops.
LEAST = 34.0
SIZE = 960, 640


def scene():
    """Linear light, 1 for white: gradients, lamps of up to 8, and edges."""
    width, height = SIZE
    y, x = numpy.mgrid[0:height, 0:width]
    u, v = x / width, y / height
    light = numpy.stack([0.04 + 0.5 * u, 0.1 + 0.3 * v, 0.3 - 0.2 * u * v], axis=-1)
    for at, radius, color in [((0.7, 0.3), 0.12, (8, 6, 3)), ((0.2, 0.7), 0.07, (1, 4, 7)), ((0.5, 0.85), 0.04, (5, 5, 5))]:
        away = numpy.hypot(u - at[0], (v - at[1]) * height / width)
        light += numpy.exp(-(away / radius) ** 2)[..., None] * numpy.array(color)
    light[(x // 60 + y // 60) % 2 == 0] *= 0.6
    return numpy.concatenate([light, numpy.ones((height, width, 1))], axis=-1).astype(numpy.float16)


def light_of(data):
    return imagecodecs.ultrahdr_decode(data, dtype="float16")[..., :3].astype(float)


def scaled(light, width, height):
    """By areas."""
    def along(light, count):
        edges = numpy.linspace(0, light.shape[0], count + 1)
        sums = numpy.concatenate([numpy.zeros((1, *light.shape[1:])), numpy.cumsum(light, axis=0)])
        whole = numpy.minimum(edges.astype(int), light.shape[0] - 1)
        at = sums[whole] + light[whole] * (edges - whole)[:, None, None]
        return (at[1:] - at[:-1]) * (count / light.shape[0])
    return along(along(light, height).swapaxes(0, 1), width).swapaxes(0, 1)


#: What is asked for, and what that is of the light.
WORK = {
    "w=480": lambda light: scaled(light, 480, light.shape[0] * 480 // light.shape[1]),
    "w=300,h=300,fit=crop": lambda light: scaled(middle(light), 300, 300),
    "crop=37:21:400:240": lambda light: light[21:261, 37:437],
    "w=480,rotate=90": lambda light: numpy.rot90(WORK["w=480"](light), -1),
    "w=480,flip=h": lambda light: WORK["w=480"](light)[:, ::-1],
    "q=90": lambda light: light,
}


def middle(light):
    side = min(light.shape[:2])
    top, left = ((length - side) // 2 for length in light.shape[:2])
    return light[top:top + side, left:left + side]


def stops(light):
    return numpy.log2(numpy.maximum(light, 0) + 1 / 64)


def psnr(one, other):
    """Of the 10 stops there are."""
    error = numpy.sqrt(numpy.mean((stops(one) - stops(other)) ** 2))
    return 20 * numpy.log10(10 / max(error, 1e-9))


def off(one, other):
    """By how many pixels they are most alike, across and down."""
    one, other = stops(one).mean(axis=-1), stops(other).mean(axis=-1)
    inner = one[8:-8, 8:-8]

    def error(down, across):
        part = other[8 + down:other.shape[0] - 8 + down, 8 + across:other.shape[1] - 8 + across]
        return numpy.mean((inner - part) ** 2)

    def least(errors):
        # Where the parabola through the least and its neighbours has its lowest point.
        at = int(numpy.argmin(errors[1:-1])) + 1
        before, here, after = errors[at - 1:at + 2]
        return at - 4 + (before - after) / (2 * (before - 2 * here + after))

    return least([error(0, step) for step in range(-4, 5)]), least([error(step, 0) for step in range(-4, 5)])


def sources(folder):
    encoded = imagecodecs.ultrahdr_encode
    linear = scene()
    yield "libultrahdr", encoded(linear)
    yield "libultrahdr, a quarter", encoded(linear, scale=4)
    yield "libultrahdr, Display P3", encoded(linear, gamut=imagecodecs.ULTRAHDR.CG.DISPLAY_P3)
    ultrahdr.write(folder)
    for name in ("both", "android", "iso", "directory", "whole", "colors"):
        yield name, (folder / f"{name}.jpg").read_bytes()


def main():
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        given, made = folder / "given.jpg", folder / "made.jpg"
        print(f"{'':26}{'':24}{'light':>8}  {'off by':>14}  {'bytes':>7}")
        for name, source in sources(folder / "files"):
            before = light_of(source)
            given.write_bytes(source)
            for params, of_light in WORK.items():
                asked = f"{params},hdr=keep"
                subprocess.run([PROGRAM, "transform", given, made, asked], check=True)
                data = made.read_bytes()
                expected, found = of_light(before), light_of(data)
                if expected.shape != found.shape:
                    print(f"{name:26}{params:24}{found.shape} instead of {expected.shape}")
                    wrong += 1
                    continue
                like, (across, down) = psnr(expected, found), off(expected, found)
                bad = like < LEAST or abs(across) > 0.5 or abs(down) > 0.5
                wrong += bad
                print(f"{name:26}{params:24}{like:5.1f} dB  {across:6.2f}, {down:5.2f}  {len(data):7}"
                      f"{'  WRONG' if bad else ''}")
    if wrong:
        sys.exit(f"{wrong} are wrong")


main()
