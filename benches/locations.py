"""An nginx with the locations of locations.conf, and what must be sent to them."""

import base64
import contextlib
import hashlib
import hmac
import os
import re
import tempfile

from harness import ROOT, Failure, Nginx, fetch

SECRET = "bench-secret"
EXPIRES = 4102444800
KEY = "bench-key-0123456789abcdef0123456"
HEADER = {"X-Api-Key": KEY}


@contextlib.contextmanager
def serving(images, edit=lambda text: text, **how):
    """That nginx with `images`, bytes by name."""
    with tempfile.TemporaryDirectory(prefix="image-gate-") as folder:
        os.mkdir(f"{folder}/images")
        for name, content in images.items():
            with open(f"{folder}/images/{name}", "wb") as file:
                file.write(content)
        with open(f"{ROOT}/benches/locations.conf") as source, open(f"{folder}/nginx.conf", "w") as file:
            file.write(source.read())
        with open(f"{folder}/bench.keys", "w") as file:
            file.write(f"acme sha256:{hashlib.sha256(KEY.encode()).hexdigest()}\n")
        with Nginx(f"{folder}/nginx.conf", photos=f"{folder}/images", edit=edit, **how) as server:
            yield server


def workers(count):
    return lambda text: re.sub(r"(?m)^worker_processes .*", f"worker_processes {count};", text)


def base64url(tag):
    return base64.urlsafe_b64encode(tag).decode().rstrip("=")


def md5(path):
    tag = base64url(hashlib.md5(f"{EXPIRES}{path} {SECRET}".encode()).digest())
    return f"{path}?md5={tag}&expires={EXPIRES}"


def sha256(path):
    tag = base64url(hmac.digest(SECRET.encode(), f"{EXPIRES}|{path}".encode(), "sha256"))
    return f"{path}?token={tag}&expires={EXPIRES}"


def by_tag(server, path):
    """The header with which the answer to that path is "not modified"."""
    return _asked(server, path, "If-None-Match", "ETag")


def by_date(server, path):
    """The same by the time of the file."""
    return _asked(server, path, "If-Modified-Since", "Last-Modified")


def _asked(server, path, name, of):
    first = fetch(server.base() + path)
    header = {name: first.headers[of]}
    again = fetch(server.base() + path, headers=header)
    if (first.status, again.status) != (200, 304):
        raise Failure(f"{path}: {first.status}, then {again.status}")
    return header
