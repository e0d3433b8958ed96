"""What the checks of examples have in common."""

import subprocess
import time

from harness import PHOTOS, ROOT, Checks, Failure, identify, psnr

SECRET = "change-this-secret"
LIKE_BIRD = [f"{PHOTOS}/bird.jpg", "-resize", "600x337!"]

checks = Checks()


def picture(name, answer, size, like=None, kind="jpeg"):
    """Checks an answer for a picture of this size and, given one, its likeness to a reference."""
    try:
        if answer.status != 200:
            raise Failure(f"status {answer.status}")
        if answer.headers.get("Content-Type") != f"image/{kind}":
            raise Failure(f"Content-Type {answer.headers.get('Content-Type')}")
        found = identify(answer.body)
        if found != (kind, size):
            raise Failure(f"{' '.join(found)}, not {kind} {size}")
        if like and (found := psnr(answer.body, like)) < 30:
            raise Failure(f"PSNR {found:.1f} dB")
    except Failure as failure:
        checks(name, str(failure))
    else:
        checks(name, None)


def corner(name, answer, size, mark, gravity="southeast"):
    """Checks a corner of the picture: it is as `mark`, arguments of convert, makes it, and not as it was."""
    picture(name, answer, size)
    cut = ["-gravity", gravity, "-crop", "25%x25%+0+0", "+repage"]
    body = subprocess.run(["/usr/bin/convert", "-", *cut, "png:-"], input=answer.body,
                          stdout=subprocess.PIPE).stdout
    plain = [f"{PHOTOS}/bird.jpg", "-resize", f"{size}!"]
    marked = psnr(body, [*plain, *mark, *cut]) if mark else 99
    unmarked = psnr(body, [*plain, *cut])
    as_it_was = mark == []
    checks(f"{name}: the mark", None if marked > 28 and (unmarked > 28) == as_it_was
           else f"PSNR {marked:.1f} dB, without the mark {unmarked:.1f} dB")


def laid(mark, size, opacity):
    """What lays a mark of the examples into the southeast, as arguments of convert."""
    return ["(", f"{ROOT}/examples/marks/{mark}.png", "-resize", f"{size}!",
            "-channel", "A", "-evaluate", "multiply", opacity, "+channel", ")",
            "-gravity", "southeast", "-geometry", "+12+12", "-composite"]


def ends(name, server):
    alerts = server.alerts()
    checks(f"{name}: no alert in the log", alerts and alerts[0])


def eventually(function, expected):
    """What `function` gives once it is `expected`, or at last."""
    deadline = time.monotonic() + 15
    while (found := function()) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    return found
