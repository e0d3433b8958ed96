"""Exercises the examples of signed links, and the change of a key."""

import base64
import re
import subprocess
import time

from expect import SECRET, checks, ends, eventually, picture
from harness import PHOTOS, ROOT, Failure, Nginx, fetch


def image_gate(*arguments):
    """What image-gate prints, and whether it is content."""
    result = subprocess.run([f"{ROOT}/build/image-gate", *arguments], capture_output=True, text=True)
    return result.returncode == 0, (result.stdout or result.stderr).strip()


def paid_downloads(server):
    get = lambda path, **more: fetch(server.base() + path, **more)
    path, key = "/paid/phone.jpg", f"id=2026 {SECRET}"
    with open(f"{PHOTOS}/phone.jpg", "rb") as file:
        original = file.read()

    made, link = image_gate("sign", "--key", key, "--expires", "+1h", path)
    checks("paid-downloads: image-gate sign", None if made else link)
    answer = get(link)
    checks.expect("paid-downloads: a good link", (answer.status, answer.body == original), (200, True))
    part = get(link, headers={"Range": "bytes=1000-1999"})
    checks.expect("paid-downloads: a range", (part.status, part.body), (206, original[1000:2000]))
    checks.expect("paid-downloads: no token is 403", get(path).status, 403)
    checks.expect("paid-downloads: another file is 403", get(link.replace("phone", "bird")).status, 403)
    checks.expect("paid-downloads: another name for the key is 403", get(link.replace("=2026.", "=2025.")).status, 403)

    now = int(time.time())
    at = lambda moment, key=key: image_gate("sign", "--key", key, "--expires", str(moment), path)[1]
    checks.expect("paid-downloads: in time", get(at(now + 300)).status, 200)
    checks.expect("paid-downloads: past its time is 410", get(at(now - 10)).status, 410)
    said = image_gate("verify", "--key", key, at(now - 10))
    checks("paid-downloads: image-gate verify says so", None if not said[0] and "expired: at " in said[1] else said[1])

    member = "/members/phone.jpg"
    basic = lambda word: {"Authorization": "Basic " + base64.b64encode(f"member:{word}".encode()).decode()}
    checks.expect("paid-downloads: members have a password",
                  [get(member).status, get(member, headers=basic("guess")).status], [401, 401])
    answer = get(member, headers=basic("change-this-password"))
    found = re.search(r"/paid/phone\.jpg\?token=2026\.[\w-]{43}&expires=(\d+)$", answer.headers.get("Location", ""))
    checks("paid-downloads: and get a link", None if answer.status == 302 and found else answer.headers.get("Location"))
    if found:
        lives = int(found[1]) - now
        checks("paid-downloads: for ten minutes", None if 598 <= lives <= 660 else lives)
        answer = get(found[0])
        checks.expect("paid-downloads: which is good", (answer.status, answer.body == original), (200, True))
        checks.expect("paid-downloads: for that file", get(found[0].replace("phone", "bird")).status, 403)

    log = server.log("access.log")
    checks("paid-downloads: the log names the key", None if "200 " in log and "link=ok key=2026" in log else log)
    checks("paid-downloads: and holds no token", "a token" if "token=" in log else None)
    ends("paid-downloads", server)


def rotation():
    """Changes the key of links as docs/operations.md says, one reload after the other."""
    old, new = f"id=2025 the-secret-of-last-year", f"id=2026 {SECRET}"
    link = lambda key: image_gate("sign", "--key", key, "--expires", "+1h", "/paid/phone.jpg")[1]
    line = lambda key: 'secure_link_hash_key {} "{}";'.format(*key.split())
    both = f"{line(new)}\n    {line(old)}"
    steps = [("only the old one", line(old), [200, 403], "2025"),
             ("the new one behind it", f"{line(old)}\n    {line(new)}", [200, 200], "2025"),
             ("the new one first", both, [200, 200], "2026"),
             ("the old one gone", line(new), [403, 200], "2026")]
    basic = {"Authorization": "Basic " + base64.b64encode(b"member:change-this-password").decode()}

    def edit(text):
        if both not in text:
            raise Failure("paid-downloads.conf has other keys")
        return text.replace(both, steps[0][1])

    with Nginx(f"{ROOT}/examples/paid-downloads.conf", edit) as server:
        before = steps[0][1]
        links = [link(old), link(new)]
        signs = lambda: re.search(r"token=(\d+)", fetch(
            server.base() + "/members/phone.jpg", headers=basic).headers.get("Location", "token=0"))[1]
        statuses = lambda: [fetch(server.base() + link).status for link in links]
        for name, keys, expected, signer in steps:
            server.rewrite(lambda text: text.replace(before, keys))
            before = keys
            found = eventually(lambda: (statuses(), signs()), (expected, signer))
            checks.expect(f"rotation: {name}", found, (expected, signer))
        ends("rotation", server)


def gallery(server):
    get = lambda path, **more: fetch(server.base() + path, **more)
    folder = "/gallery/summer/"
    made, link = image_gate("sign", "--key", SECRET, "--prefix", folder, "--expires", "+1h", folder)
    checks("gallery: image-gate sign", None if made else link)
    answer = get(link)
    checks("gallery: the folder", None if answer.status == 200 and b"bird.jpg" in answer.body else answer.status)
    cookies = [cookie.split("; ") for cookie in answer.headers.get_all("Set-Cookie", [])]
    checks.expect("gallery: cookies for it alone", [c[1:] for c in cookies],
                  [[f"Path={folder}", "HttpOnly", "SameSite=Lax"]] * 2)
    cookie = {"Cookie": "; ".join(c[0] for c in cookies)}
    picture("gallery: a small picture", get(f"{folder}small/bird.jpg", headers=cookie), "300x168")
    with open(f"{PHOTOS}/bird.jpg", "rb") as file:
        original = file.read()
    answer = get(f"{folder}bird.jpg", headers=cookie)
    checks.expect("gallery: a picture", (answer.status, answer.body == original), (200, True))
    checks.expect("gallery: by the token itself", get(link.replace("/?", "/bird.jpg?")).status, 200)
    for name, path in (("the picture", "bird.jpg"), ("the small one", "small/bird.jpg"), ("the folder", "")):
        checks.expect(f"gallery: without a token {name} is 403", get(folder + path).status, 403)
        checks.expect(f"gallery: in another folder {name} is 403",
                      get(f"/gallery/winter/{path}", headers=cookie).status, 403)
        checks.expect(f"gallery: by the way round {name} is 403",
                      get(f"{folder}../winter/{path}", headers=cookie).status, 403)
    refused = get(link.replace("token=", "token=x"))
    checks.expect("gallery: a bad link leaves no cookie", (refused.status, refused.headers.get("Set-Cookie")), (403, None))
    past = image_gate("sign", "--key", SECRET, "--prefix", folder, "--expires", "1500000000", folder)[1]
    checks.expect("gallery: an expired one is 410", get(past).status, 410)
    checks("gallery: the log holds no token", "a token" if "token=" in server.log("access.log") else None)
    ends("gallery", server)
