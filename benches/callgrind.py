"""Instructions, counted by valgrind's callgrind: of the core, and of nginx for one request."""

import glob
import http.client
import os
import re
import subprocess
import tempfile

from harness import ROOT, Failure
from locations import HEADER, KEY, by_date, by_tag, md5, serving, sha256

CORE = f"{os.environ.get('CARGO_TARGET_DIR', f'{ROOT}/target')}/release/examples/count"
REQUESTS = 200


def pieces(count, separator):
    return "".join(f"{separator}{n:05}" for n in range(count))


ORDINARY = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Referer": "https://www.example.com/gallery/otters?page=2", "Cookie": "session=0123456789abcdef; theme=dark"}
# What took longest to tell from keys.
HOSTILE = {"User-Agent": "%41" * 2600, "Referer": "http://h" + pieces(1300, "/"), "Cookie": "%41" * 2600}

# What is asked for, and beside what: the same answer by nginx alone.
PLAIN = "a file"
REQUESTED = {
    PLAIN: (None, "/none/x", None),
    "`secure_link` and two `if`": (PLAIN, md5("/stock/x"), None),
    "`secure_link_hash_md5` and `secure_link_hash_require`": (PLAIN, md5("/md5/x"), None),
    "`secure_link_hash_md5` and two `if`": (PLAIN, md5("/if/x"), None),
    "`hmac-sha256` and `secure_link_hash_require`": (PLAIN, sha256("/sha256/x"), None),
    "`access_key` by header, two quotas": (PLAIN, "/keyed/x", lambda *_: HEADER),
    "`access_key` by argument, a quota": (PLAIN, f"/argument/x?key={KEY}", None),
    "masks in an ordinary log line": (PLAIN, "/logged/x?width=300&height=200", lambda *_: ORDINARY),
    "masks, 24 KB of what may be keys": (PLAIN, "/logged/x?" + pieces(1100, "&"), lambda *_: HOSTILE),
    "not modified, a file by `ETag`": (None, "/none/photo.jpg", by_tag),
    "not modified, `image_resize` by `ETag`": ("not modified, a file by `ETag`", "/resized/photo.jpg", by_tag),
    "not modified, a file by date": (None, "/none/photo.jpg", by_date),
    "not modified, `image_resize` by date": ("not modified, a file by date", "/resized/photo.jpg", by_date),
    "a hit of `proxy_cache`": (PLAIN, "/proxied/photo.jpg", None),
    "a hit of `image_resize_cache`, of a file": (PLAIN, "/kept/photo.jpg", None),
    "a hit of `image_resize_cache`, of an upstream": (PLAIN, "/proxied-kept/photo.jpg", None),
    "a hit of `image_resize_cache`, `image_resize_format auto`": (PLAIN, "/kept-auto/photo.jpg", lambda *_: ACCEPT),
}
# As a browser sends it.
ACCEPT = {"Accept": "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"}

ZONES = """
    image_resize_cache_path kept keys_zone=kept:1m;
    proxy_cache_path proxied keys_zone=proxied:1m;
"""
LOCATIONS = """
        location /dump/ { autoindex on; alias images/; secure_link_hash_require off; }
        location /kept/ { image_resize resize 16 -; image_resize_cache kept; alias images/; }
        location /kept-auto/ {
            image_resize resize 16 -; image_resize_format auto; image_resize_cache kept; alias images/;
        }
        location /proxied-kept/ {
            image_resize resize 16 -; image_resize_cache kept; image_resize_cache_valid 1h;
            proxy_pass http://127.0.0.1:8080/none/;
        }
        location /proxied/ { proxy_cache proxied; proxy_cache_valid 1h; proxy_pass http://127.0.0.1:8080/resized/; }
"""


def valgrind(folder, *options):
    return ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
            "--log-file=/dev/null", *options]


def dumps(folder):
    """The counts in the order in which they were written."""
    files = sorted(glob.glob(f"{folder}/out.*"), key=lambda path: int(path.rpartition(".")[2]))
    found = []
    for path in files:
        with open(path) as file:
            found.append(int(re.search(r"(?m)^totals: (\d+)", file.read())[1]))
    return found


def core():
    """The instructions of each of the main paths by name."""
    with tempfile.TemporaryDirectory(prefix="image-gate-") as folder:
        command = valgrind(folder, "--toggle-collect=count::counted", "--dump-after=count::counted")
        names = subprocess.run([*command, CORE], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        counts = dumps(folder)
    if len(names) != len(counts) or not names:
        raise Failure(f"{len(counts)} counts of {len(names)} paths")
    return dict(zip(names, counts))


def alone(text):
    """One process, and a location that makes callgrind write down what it counted since. The picture is
    small, and must be resized nevertheless: as it is it would keep its own `ETag`."""
    text = text.replace("worker_processes 1;", "worker_processes 1; master_process off;")
    text = text.replace("resize 300 -", "resize 16 -").replace("save=1s", "save=1h")
    text = text.replace("    server {\n", ZONES + "    server {\n")
    return text.replace("        location /none/", LOCATIONS + "        location /none/")


def ask(connection, path, headers, status):
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != status:
        raise Failure(f"{path}: {answer.status}, not {status}")


def requests():
    """The instructions of a request by name, those of the kernel left out."""
    counts = {}
    with open(f"{ROOT}/core/tests/fixtures/sampled-2x2.jpg", "rb") as file:
        images = {"x": b"x" * 64, "photo.jpg": file.read()}
    with tempfile.TemporaryDirectory(prefix="image-gate-") as folder:
        # Once it runs, nginx opens folders for nothing but their index.
        with serving(images, edit=alone, under=valgrind(folder, "--dump-before=opendir")) as server:
            connection = http.client.HTTPConnection("127.0.0.1", server.ports[8080])
            for name, (_, path, headers) in REQUESTED.items():
                headers = headers(server, path) if headers else {}
                status = 304 if name.startswith("not modified") else 200
                for _ in range(5):
                    ask(connection, path, headers, status)
                before = len(dumps(folder))
                ask(connection, "/dump/", {}, 200)
                for _ in range(REQUESTS):
                    ask(connection, path, headers, status)
                ask(connection, "/dump/", {}, 200)
                count = dumps(folder)
                if len(count) != before + 2:
                    raise Failure(f"{len(count) - before} counts of a request")
                counts[name] = count[-1] / REQUESTS
    return counts
