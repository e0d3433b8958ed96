"""Runs the tests of iiif-validator against an nginx of its own; scripts/check-iiif says which."""

import os
import sys
import tempfile

from harness import Nginx
from iiif_validator.validator import ImageAPI, TestSuite, ValidationInfo
from PIL import Image, ImageDraw

# "!w,h" is refused by it, and by the API as large as the picture.
LEFT_OUT = {"size_noup"}
BEYOND = {"format_gif", "linkheader_profile", "rot_full_non90", "rot_mirror", "rot_mirror_180",
          "rot_region_non90", "size_up"}
IDENTIFIER = "a%2F67352ccc-d1b0-11e1-89ae-279075081939.png"


def squares(path):
    """The picture of the validator: a hundred squares of known colours."""
    image = Image.new("RGB", (1000, 1000))
    draw = ImageDraw.Draw(image)
    for x, column in enumerate(ValidationInfo().colorInfo):
        for y, color in enumerate(column):
            draw.rectangle((x * 100, y * 100, x * 100 + 99, y * 100 + 99), fill=color)
    image.save(path)


CONF = """
load_module modules/ngx_http_image_gate_module.so;
events {}
http {
    access_log off;
    server {
        listen 127.0.0.1:8080;
        root   images;
        location /iiif/ {
            image_resize_url   iiif;
            image_resize_allow all;
            rewrite ^ $image_resize_source_path break;
        }
    }
}
"""


def run(port):
    api = ("127.0.0.1:%d" % port, "iiif", "http", "", "3.0")
    info = ValidationInfo()
    known = TestSuite(info).list_tests("3.0")
    failed = count = 0
    for name in sorted(known):
        if name in LEFT_OUT or known[name]["level"] > 2 and name not in BEYOND:
            print(f"skip {name}, level {known[name]['level']}")
            continue
        count += 1
        result = ImageAPI(IDENTIFIER, *api, debug=False)
        try:
            TestSuite(ValidationInfo()).run_test(name, result)
            error = result.exception
        except Exception as raised:  # what a test raises is its failure
            error = raised
        print(f"ok   {name}" if error is None else f"FAIL {name}: {error!r} {result.urls[-1:]}")
        failed += error is not None
    print(f"iiif: {count} tests of the validator, {failed} failed")
    return failed or count < 25


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(folder + "/pictures/a")
        squares(folder + "/pictures/a/67352ccc-d1b0-11e1-89ae-279075081939.png")
        with open(folder + "/nginx.conf", "w", encoding="utf-8") as file:
            file.write(CONF)
        with Nginx(folder + "/nginx.conf", photos=folder + "/pictures") as nginx:
            return run(nginx.ports[8080])


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
