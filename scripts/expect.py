"""What the checks of examples have in common."""

import time

from harness import PHOTOS, Checks, Failure, identify, psnr

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


def ends(name, server):
    alerts = server.alerts()
    checks(f"{name}: no alert in the log", alerts and alerts[0])


def eventually(function, expected):
    """What `function` gives once it is `expected`, or at last."""
    deadline = time.monotonic() + 15
    while (found := function()) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    return found
