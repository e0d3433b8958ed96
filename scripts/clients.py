"""Asks for the links of scripts/clients/links.mjs, and for those of thumbor's own client."""

import json
import os
import struct
import sys
import tempfile
import zlib

from libthumbor import CryptoURL

from harness import Failure, Nginx, fetch
from signers import mutations

CONF = """
load_module modules/ngx_http_image_gate_module.so;
events {}
http {
    access_log off;
    %s
}
"""

SERVER = """
    server {
        listen 127.0.0.1:%d;
        root   images;
        location %s {
            image_resize_url   %s;
            image_resize_allow all;
            %s
            rewrite ^ $image_resize_source_path break;
        }
    }
"""

SIGNED = {
    "imgproxy": "secure_link_hash_format imgproxy; secure_link_hash_key salt=salt key; secure_link_hash_require on;",
    "imgix": "secure_link_hash_format imgix; secure_link_hash_key token; secure_link_hash_require on;",
    "thumbor": "secure_link_hash_format thumbor; secure_link_hash_key key; secure_link_hash_require on;",
}
SERVERS = {name: 8001 + at for at, name in enumerate(
    ["cloudflare", "imgix", "imgproxy", "ipx", "next", "thumbor", "weserv"])}


def png(width, height):
    """A picture of that size, with something on it."""
    rows = b"".join(b"\0" + bytes((x + y * 3 + channel * 60) % 256 for x in range(width) for channel in range(3))
                    for y in range(height))
    chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def of_thumbor():
    client = CryptoURL(key="key")
    within = lambda w, h: min(1, w / 300 if w else 9, h / 200 if h else 9)
    near = lambda side: max(1, int(side + 0.5))
    for width, height in [(100, 100), (120, 50), (50, 120), (250, 0), (0, 80), (299, 199), (300, 200), (33, 77)]:
        free = (width or near(300 * height / 200), height or near(200 * width / 300))
        factor = within(width, height)
        fitted = (near(300 * factor), near(200 * factor))
        for more, size in [
            ({}, free),
            ({"smart": True}, free),
            ({"halign": "left", "valign": "top"}, free),
            ({"flip": True}, free),
            ({"filters": ["quality(60)", "format(jpeg)"]}, free),
            ({"fit_in": True}, fitted),
        ]:
            path = client.generate(width=width, height=height, image_url="photo.png", **more)
            yield {"server": "thumbor", "path": path, "width": size[0], "height": size[1]}
    path = client.generate(crop=((10, 20), (110, 70)), image_url="photo.png")
    yield {"server": "thumbor", "path": path, "width": 100, "height": 50}


def sizes(answer):
    """Format and sides of what came, as its own bytes say."""
    body = answer.body
    if body.startswith(b"\x89PNG"):
        return ("png", *struct.unpack(">II", body[16:24]))
    if body.startswith(b"\xff\xd8"):
        at = 2
        while body[at + 1] not in (0xC0, 0xC1, 0xC2):
            at += 2 + struct.unpack(">H", body[at + 2:at + 4])[0]
        height, width = struct.unpack(">HH", body[at + 5:at + 9])
        return "jpeg", width, height
    if body[8:16] == b"WEBPVP8 ":
        width, height = struct.unpack("<HH", body[26:30])
        return "webp", width & 0x3FFF, height & 0x3FFF
    if body[8:16] == b"WEBPVP8L":
        bits = struct.unpack("<I", body[21:25])[0]
        return "webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return answer.status, body[:80], None


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        links = [json.loads(line) for line in file] + list(of_thumbor())
    servers = "".join(SERVER % (port, "/_ipx/" if name == "ipx" else "/", name, SIGNED.get(name, ""))
                      for name, port in SERVERS.items())
    failed, mutated, count = 0, 0, {}
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/photos")
        with open(f"{folder}/photos/photo.png", "wb") as file:
            file.write(png(300, 200))
        with open(f"{folder}/nginx.conf", "w", encoding="utf-8") as file:
            file.write(CONF % servers)
        with Nginx(f"{folder}/nginx.conf", photos=f"{folder}/photos") as nginx:
            for link in links:
                name, wanted = link["server"], (link.get("format") or "png", link["width"], link["height"])
                found = sizes(fetch(nginx.base(SERVERS[name]) + link["path"]))
                count[name] = count.get(name, 0) + 1
                wanted = wanted if link.get("format") else wanted[1:]
                if (found if len(wanted) == 3 else found[1:]) != wanted:
                    failed += 1
                    print(f"FAIL {name} {link['path']}: {found}, not {wanted}")
                # Signed by imgix's own client; those of CDNs are in signers.py.
                path, _, args = link["path"].partition("?")
                for other in mutations(args) if name == "imgix" else ():
                    # The case of hexadecimal digits says nothing.
                    if other.lower() == args.lower():
                        continue
                    mutated += 1
                    if fetch(f"{nginx.base(SERVERS[name])}{path}?{other}").status == 200:
                        failed += 1
                        print(f"FAIL {name} {path}?{other} is accepted")
    print("clients:", ", ".join(f"{n} links of {name}" for name, n in sorted(count.items())),
          f"{mutated} mutations of imgix, {failed} failed")
    few = [name for name in ("imgix", "imgproxy", "thumbor") if count.get(name, 0) < 40]
    if few:
        print(f"clients: too few links of {few}")
    return bool(failed or few)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"clients: {failure}")
