"""The playground of the demo: nginx with examples/demo, and the pictures that visitors drop, in memory."""

import collections
import hashlib
import http.server
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import urllib.parse

from harness import NGINX, PHOTOS, ROOT, Nginx

DEMO = f"{ROOT}/examples/demo"
IMAGE_FILTER = os.environ.get("TEST_NGINX_IMAGE_FILTER_MODULE", "/usr/lib/nginx/modules/ngx_http_image_filter_module.so")

# What may be dropped: so many bytes, as nginx.conf says, and so many pictures, of which the oldest goes.
LARGEST, MOST = 20 << 20, 8


def image_filter():
    """The path of image_filter, or nothing where nginx has none that fits."""
    if not os.path.exists(IMAGE_FILTER):
        return None
    with tempfile.TemporaryDirectory(prefix="image-gate-") as folder:
        with open(f"{folder}/nginx.conf", "w") as file:
            file.write(f"load_module {IMAGE_FILTER};\npid {folder}/pid;\nevents {{}}\n")
        return IMAGE_FILTER if subprocess.run([NGINX, "-t", "-q", "-p", folder, "-c", f"{folder}/nginx.conf", "-e", "stderr"],
                                              capture_output=True).returncode == 0 else None


class Store(http.server.ThreadingHTTPServer):
    """Serves the pictures of the demo, and those that were dropped; on the loopback, for nginx alone."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.dropped = collections.OrderedDict()
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def keep(self, body):
        name = "dropped/" + hashlib.sha256(body).hexdigest()[:16]
        with self.lock:
            self.dropped[name] = body
            self.dropped.move_to_end(name)
            while len(self.dropped) > MOST:
                self.dropped.popitem(last=False)
        return name

    def find(self, name):
        with self.lock:
            if name in self.dropped:
                return self.dropped[name]
        if name in os.listdir(PHOTOS):
            with open(f"{PHOTOS}/{name}", "rb") as file:
                return file.read()
        return None


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.server.find(urllib.parse.unquote(self.path.split("?")[0])[1:])
        self._answer(404 if body is None else 200, body or b"", "application/octet-stream")

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LARGEST:
            self._answer(413, b"", "text/plain")
        else:
            self._answer(201, self.server.keep(self.rfile.read(int(length))).encode(), "text/plain")

    def _answer(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 200:
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()[:16]}"')
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:
            pass  # nginx has seen enough: the visitor went on

    def log_message(self, *_):
        pass


class Playground(Nginx):
    """`listen` is an address and a port, the port being the one to try first; None takes any free one of the loopback."""

    def __init__(self, listen=None, edit=lambda text: text):
        self.beside = image_filter()
        self.store = Store()

        def placed(text):
            text = edit(text).replace("127.0.0.1:8081", f"127.0.0.1:{self.store.server_port}")
            if listen and listen[0] != "127.0.0.1":
                text = text.replace("listen 127.0.0.1:8080;", f"listen 127.0.0.1:8080;\n        listen {listen[0]}:8080;")
            return f"load_module {self.beside};\n{text}" if self.beside else text
        super().__init__(f"{DEMO}/nginx.conf", placed, ports={8080: free_from(*listen)} if listen else {})
        self.placed = placed

    def _start(self):
        shutil.copytree(f"{DEMO}/playground", f"{self.prefix}/playground")
        pictures = sorted((name for name in os.listdir(PHOTOS) if not name.endswith(".txt")), key=lambda name: (name != "bird.jpg", name))
        with open(f"{self.prefix}/playground/config.json", "w") as file:
            json.dump({"pictures": pictures, "image_filter": bool(self.beside)}, file)
        if self.beside:
            os.mkdir(f"{self.prefix}/image_filter")
            with open(f"{DEMO}/image_filter.conf") as file, open(f"{self.prefix}/image_filter/beside.conf", "w") as to:
                to.write(self.placed(file.read()).replace(f"load_module {self.beside};\n", ""))
        super()._start()

    def __exit__(self, *error):
        super().__exit__(*error)
        self.store.shutdown()
        self.store.server_close()


def free_from(address, port):
    """The first port from that one on where nobody listens."""
    for number in range(port, min(port + 100, 65536)):
        try:
            socket.create_server((address, number)).close()
            if address != "127.0.0.1":
                socket.create_server(("127.0.0.1", number)).close()
            return number
        except OSError as error:
            last = error
    raise last
