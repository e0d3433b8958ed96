"""Exercises the configurations of packaging/docker, with folders and ports of their own in place of the container's."""

import json
import time

from expect import SECRET, checks, ends, eventually, picture
from harness import ROOT, Nginx, fetch, sign

DOCKER = f"{ROOT}/packaging/docker"

# What stands for the storage, as its bucket of the name "pictures".
STORAGE = """
server {
    listen 127.0.0.1:9000;
    add_header x-amz-request-id 0123;
    location /pictures/ { alias images/; }
    location / { return 403 "<Error><BucketName>hidden</BucketName></Error>"; }
}
"""


def served(site, more=""):
    """nginx.conf of the image with a site in place of conf.d."""
    def edit(text):
        with open(f"{DOCKER}/{site}") as file:
            text = text.replace("include /etc/nginx/conf.d/*.conf;", file.read() + more)
        # Said by whoever starts nginx for a check.
        for directive in ("pid", "error_log", "user"):
            text = "".join(line for line in text.splitlines(True) if not line.startswith(directive))
        for found, instead in (
                ("listen 8080", "listen 127.0.0.1:8080"), ("storage:9000", "127.0.0.1:9000"), ("/dev/stdout", "logs/access.log"),
                ("/pictures;", "images;"), ("/var/cache/nginx/", ""), ("/var/lib/nginx/", ""), ("/tmp/", ""),
                ("keys/partners.keys", f"{ROOT}/examples/partners.keys"), ("redis://redis:", "redis://127.0.0.1:1;#")):
            text = text.replace(found, instead)
        return text
    return Nginx(f"{DOCKER}/nginx.conf", edit)


def docker():
    with served("default.conf") as server:
        accepts = {"Accept": "image/webp,*/*"}
        picture("docker: a box", fetch(server.base() + "/600x400/bird.jpg"), "600x337")
        picture("docker: WebP for who takes it", fetch(server.base() + "/600x400/bird.jpg", headers=accepts), "600x337", kind="webp")
        checks.expect("docker: no picture is 415", fetch(server.base() + "/600x400/note.txt").status, 415)
        status = fetch(server.base(8081) + "/status")
        checks.expect("docker: the health check", status.status, 200)

        # Of several workers, and counted once it was sent.
        def has_hit():
            fetch(server.base() + "/600x400/bird.jpg")
            return json.loads(fetch(server.base(8081) + "/status").body)["cache"]["hit"] > 0

        checks.expect("docker: what was kept", eventually(has_hit, True), True)
        checks.expect("docker: metrics", fetch(server.base(8081) + "/metrics").status, 200)
        ends("docker", server)
    with served("storage.conf", STORAGE) as server:
        good = sign("/600x400/bird.jpg", SECRET, int(time.time()) + 3600)
        answer = fetch(server.base() + good)
        picture("docker compose: a link", answer, "600x337")
        checks.expect("docker compose: says nothing of the storage", answer.headers.get("x-amz-request-id"), None)
        checks.expect("docker compose: no token is 403", fetch(server.base() + "/600x400/bird.jpg").status, 403)
        checks.expect("docker compose: another size is 403", fetch(server.base() + good.replace("600x", "900x")).status, 403)
        missing = fetch(server.base() + sign("/600x400/missing.jpg", SECRET, int(time.time()) + 3600))
        checks.expect("docker compose: missing is 404", (missing.status, b"hidden" in missing.body), (404, False))
        key = "example-key-acme"
        picture("docker compose: an original for a partner", fetch(server.base() + f"/originals/bird.jpg?key={key}"), "4608x2592")
        checks.expect("docker compose: for nobody else", fetch(server.base() + "/originals/bird.jpg").status, 401)
        checks.expect("docker compose: not by another way", fetch(server.base() + "/storage/originals/bird.jpg").status, 404)
        checks.expect("docker compose: nor below it", fetch(server.base() + f"/originals/%2e%2e/bird.jpg?key={key}").status, 404)
        checks("docker compose: no key in the log", "a key" if key in server.log("access.log") else None)
        ends("docker compose", server)
