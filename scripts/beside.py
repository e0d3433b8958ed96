"""Asks thumbor, ipx and nginx for the same links, and compares the sizes of what they make, and what
thumbor and nginx tell of pictures."""

import contextlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

from harness import Failure, Nginx, fetch, free_ports
from PIL import Image

CONF = """
load_module modules/ngx_http_image_gate_module.so;
events {}
http {
    access_log off;
    server {
        listen 127.0.0.1:8001;
        root   images;
        location / {
            image_resize_url   thumbor;
            image_resize_allow all;
            rewrite ^ $image_resize_source_path break;
        }
    }
    server {
        listen 127.0.0.1:8002;
        root   images;
        location / {
            image_resize_url   ipx;
            image_resize_allow all;
            rewrite ^ $image_resize_source_path break;
        }
    }
}
"""

PICTURES = {"wide.png": (301, 199), "high.png": (123, 457), "square.png": (240, 240), "border.png": (260, 180)}


def side(chance):
    return chance.choice([0, chance.randint(1, 400), chance.randint(20, 250), 300])


def of_thumbor(chance):
    parts = []
    if chance.random() < 0.2:
        left, top = chance.randint(0, 50), chance.randint(0, 50)
        parts.append(f"{left}x{top}:{left + chance.randint(20, 70)}x{top + chance.randint(20, 70)}")
    is_inside = chance.random() < 0.3
    if is_inside:
        parts.append(chance.choice(["fit-in", "full-fit-in", "adaptive-fit-in", "adaptive-full-fit-in"]))
    width, height = side(chance), side(chance)
    if is_inside:
        # Of a side that is not said its two forms make different things.
        width, height = width or 100, height or 100
    flips = [chance.choice(["", "", "-"]) if value else "" for value in (width, height)]
    parts.append(f"{flips[0]}{width}x{flips[1]}{height}")
    parts += [chance.choice(["left", "center", "right"])] * (chance.random() < 0.3)
    parts += [chance.choice(["top", "middle", "bottom"])] * (chance.random() < 0.3)
    filters = [one for one in ("no_upscale()", "rotate(90)", "rotate(180)", "quality(70)", "grayscale()")
               if chance.random() < 0.12]
    parts += [f"filters:{':'.join(filters)}"] * bool(filters)
    return f"/unsafe/{'/'.join(parts)}/"


def of_meta(chance):
    """A link to what is told of a picture, and that to the picture."""
    unsafe, *parts = of_thumbor(chance).strip("/").split("/")
    if ":" not in parts[0] and chance.random() < 0.2:
        parts.insert(0, chance.choice(["trim", "trim:bottom-right", "trim:10"]))
        # There what was cut away counts for that filter.
        parts[-1] = parts[-1].replace("no_upscale()", "grayscale()")
    if chance.random() < 0.3:
        left, top = chance.randint(0, 200), chance.randint(0, 200)
        focal = f"focal({left}x{top}:{left + chance.randint(1, 90)}x{top + chance.randint(1, 90)})"
        if parts[-1].startswith("filters:"):
            parts[-1] += f":{focal}"
        else:
            parts.append(f"filters:{focal}")
    rest = "/".join(parts)
    picture = chance.choice(list(PICTURES))
    return f"/{unsafe}/meta/{rest}/{picture}", f"/{unsafe}/{rest}/{picture}"


def of_ipx(chance):
    width, height = chance.randint(1, 400), chance.randint(1, 400)
    mods = [chance.choice([f"w_{width}", f"h_{height}", f"s_{width}x{height}", f"w_{width},h_{height}",
                           f"enlarge,s_{width}x{height}", f"enlarge,w_{width}", f"rotate_90,w_{width}",
                           f"enlarge,fit_inside,s_{width}x{height}", f"enlarge,fit_outside,s_{width}x{height}",
                           f"enlarge,fit_contain,s_{width}x{height}", f"enlarge,fit_fill,s_{width}x{height}",
                           f"fit_contain,s_{width}x{height}", f"fit_fill,s_{width}x{height}",
                           f"fit_inside,s_{width}x{height}", f"fit_outside,s_{width}x{height}",
                           f"fit_cover,s_{width}x{height},pos_left", "crop_10_20_30_40", "rotate_180", "extend_1_2_3_4"])]
    mods += [one for one in ("flip", "flop", "grayscale", "f_webp", "q_60", "blur_2") if chance.random() < 0.15]
    return f"/{','.join(mods)}/"


def size(answer):
    if answer.status != 200:
        return answer.status
    return Image.open(io.BytesIO(answer.body)).size


@contextlib.contextmanager
def running(command, port, **more):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)
    try:
        for _ in range(200):
            with contextlib.suppress(Failure):
                fetch(f"http://127.0.0.1:{port}/")
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def compare(name, ours, theirs, links):
    differ = 0
    for link in links:
        found, wanted = size(fetch(ours + link)), size(fetch(theirs + link))
        if found != wanted:
            differ += 1
            print(f"DIFFERS {name} {link}: {found}, there {wanted}")
    print(f"beside: {len(links)} links of {name}, {differ} differ")
    return differ


def told(answer):
    if answer.status != 200:
        return answer.status
    media_type = answer.headers.get("Content-Type")
    return json.loads(answer.body)["thumbor"] if media_type == "application/json" else media_type


def compare_told(ours, theirs, links):
    """As the source thumbor tells of what has become of it, which is the size of the picture here."""
    differ = 0
    for link, picture in links:
        found, wanted = told(fetch(ours + link)), told(fetch(theirs + link))
        if isinstance(found, dict) and isinstance(wanted, dict):
            wanted["made"] = wanted["source"]["width"], wanted["source"]["height"]
            found["made"] = size(fetch(ours + picture))
            wanted["source"]["width"], wanted["source"]["height"] = PICTURES[link.rpartition("/")[2]]
        if found != wanted:
            differ += 1
            print(f"DIFFERS meta {link}: {found}, there {wanted}")
    print(f"beside: {len(links)} links of thumbor to what is told of pictures, {differ} differ")
    return differ


def main():
    tools, many = sys.argv[1], int(sys.argv[2])
    chance = random.Random(17)
    links = {name: [make(chance) + chance.choice(list(PICTURES)) for _ in range(many)]
             for name, make in (("thumbor", of_thumbor), ("ipx", of_ipx))}
    metas = [of_meta(chance) for _ in range(many)]
    with tempfile.TemporaryDirectory() as folder:
        photos = f"{folder}/photos"
        os.mkdir(photos)
        for name, sides in PICTURES.items():
            Image.radial_gradient("L").resize(sides).convert("RGB").save(f"{photos}/{name}")
        border = Image.new("RGB", PICTURES["border.png"], "white")
        border.paste("navy", (30, 20, 200, 150))
        border.save(f"{photos}/border.png")
        with open(f"{folder}/nginx.conf", "w", encoding="utf-8") as file:
            file.write(CONF)
        ports = free_ports(2)
        with open(f"{folder}/thumbor.conf", "w", encoding="utf-8") as file:
            file.write(f"LOADER = 'thumbor.loaders.file_loader'\nFILE_LOADER_ROOT_PATH = '{photos}'\n"
                       "STORAGE = 'thumbor.storages.no_storage'\nRESULT_STORAGE = None\n")
        python = [f"{tools}/python/bin/thumbor", "-i", "127.0.0.1", "-p", str(ports[0]), "-c", f"{folder}/thumbor.conf"]
        node = ["node", f"{tools}/node_modules/ipx/bin/ipx.mjs", "serve", "--dir", photos,
                "--host", "127.0.0.1", "--port", str(ports[1])]
        with Nginx(f"{folder}/nginx.conf", photos=photos) as nginx, \
                running(python, ports[0]) as thumbor, running(node, ports[1], cwd=folder) as ipx:
            differ = compare("thumbor", nginx.base(8001), thumbor, links["thumbor"])
            differ += compare_told(nginx.base(8001), thumbor, metas)
            return differ + compare("ipx", nginx.base(8002), ipx, links["ipx"])


if __name__ == "__main__":
    try:
        sys.exit(1 if main() else 0)
    except Failure as failure:
        sys.exit(f"beside: {failure}")
