"""Links and cookies that the CDNs' own signers make, asked of an nginx with the module: akamai-edgeauth and
botocore's CloudFrontSigner from PyPI, and what Google's documentation says of Cloud CDN's. Each is accepted, and
none of 200 mutations of each."""

import base64
import datetime
import hashlib
import hmac
import itertools
import os
import sys
import tempfile
import time

from akamai.edgeauth import EdgeAuth
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from harness import Failure, Nginx, fetch

HEX, BYTES = "52a152a152a152a152a152a152a1", base64.urlsafe_b64encode(b"0123456789abcdef").decode()
UNTIL = int(time.time()) + 3600
MUTATIONS = 200

CONF = """
load_module modules/ngx_http_image_gate_module.so;
events {}
http {
    access_log off;
    secure_link_hash_require on;
    server {
        listen 127.0.0.1:8080;
        root images;
        location /akamai/ { secure_link_hash_format akamai; secure_link_hash_key hex:%s; }
        location /salted/ { secure_link_hash_format akamai; secure_link_hash_key salt=pepper hex:%s; }
        location /cloudfront/ {
            secure_link_hash_format cloudfront origin=https://cdn.example.com;
            secure_link_hash_key id=KPAIR file=%s;
        }
        location /google/ {
            secure_link_hash_format google origin=https://cdn.example.com;
            secure_link_hash_key id=my-key base64:%s;
        }
    }
}
"""


def akamai():
    for folder, salt in (("akamai", None), ("salted", "pepper")):
        for early, start, session, payload, ip in itertools.product(
                (False, True), (None, 1500000000), (None, "a.b"), (None, "x=1"), (None, "127.0.0.1")):
            signer = EdgeAuth(key=HEX, salt=salt, end_time=UNTIL, escape_early=early, start_time=start,
                              session_id=session, payload=payload, ip=ip)
            path = f"/{folder}/photos/a.png"
            for token in (signer.generate_url_token(path), signer.generate_acl_token(f"/{folder}/*"),
                          signer.generate_acl_token(["/other/*", f"/{folder}/photos/*"])):
                # The case of hexadecimal digits, also of those behind "%%", says nothing.
                yield f"{path}?hdnts=", token, {}, str.lower
                yield path, "", {"Cookie": f"hdnts={token}"}, str.lower


def cloudfront(key):
    signer = CloudFrontSigner("KPAIR", lambda message: key.sign(message, padding.PKCS1v15(), hashes.SHA1()))
    url = "https://cdn.example.com/cloudfront/photos/a.png"
    date = datetime.datetime.fromtimestamp(UNTIL, datetime.timezone.utc)
    plain = lambda text: text.translate(str.maketrans("-_~", "+=/"))
    yield signer.generate_presigned_url(url, date_less_than=date).removeprefix("https://cdn.example.com"), "", {}, plain
    for resource in (url, "https://cdn.example.com/cloudfront/*", "https://cdn.example.com/cloudfront/photos/?.png"):
        for more in ({}, {"date_greater_than": date - datetime.timedelta(days=1)}, {"ip_address": "127.0.0.0/8"}):
            policy = signer.build_policy(resource, date, **more)
            signed = signer.generate_presigned_url(url, policy=policy).removeprefix("https://cdn.example.com")
            yield signed, "", {}, plain


def google():
    sign = lambda text: base64.urlsafe_b64encode(hmac.digest(base64.urlsafe_b64decode(BYTES), text.encode(), "sha1")).decode()
    for path in ("/google/photos/a.png", "/google/photos/a.png?a=b"):
        url = f"https://cdn.example.com{path}{'&' if '?' in path else '?'}Expires={UNTIL}&KeyName=my-key"
        yield f"{url}&Signature={sign(url)}".removeprefix("https://cdn.example.com"), "", {}, str
    prefix = base64.urlsafe_b64encode(b"https://cdn.example.com/google/").decode()
    signed = f"URLPrefix={prefix}&Expires={UNTIL}&KeyName=my-key"
    yield f"/google/photos/a.png?{signed}&Signature={sign(signed)}", "", {}, str


def mutations(text):
    """Texts that differ from it in one character, which goes through all of it."""
    for number in range(MUTATIONS):
        at = number * len(text) // MUTATIONS
        other = [char for char in "Ab3_-~=x9/Zq" if char != text[at]]
        yield text[:at] + other[number % len(other)] + text[at + 1:]


def main():
    failed, counts = 0, {}
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/photos")
        for name in ("akamai", "salted", "cloudfront", "google"):
            os.makedirs(f"{folder}/photos/{name}/photos")
            with open(f"{folder}/photos/{name}/photos/a.png", "w", encoding="utf-8") as file:
                file.write(name)
        with open(f"{folder}/key.pub", "wb") as file:
            file.write(key.public_key().public_bytes(serialization.Encoding.PEM,
                                                     serialization.PublicFormat.SubjectPublicKeyInfo))
        os.chmod(folder, 0o755)
        with open(f"{folder}/nginx.conf", "w", encoding="utf-8") as file:
            file.write(CONF % (HEX, HEX, f"{folder}/key.pub", BYTES.replace("-", "+").replace("_", "/")))
        with Nginx(f"{folder}/nginx.conf", photos=f"{folder}/photos") as nginx:
            for name, links in (("akamai", akamai()), ("cloudfront", cloudfront(key)), ("google", google())):
                for path, token, headers, plain in links:
                    counts[name] = counts.get(name, 0) + 1
                    ask = lambda path, headers: fetch(nginx.base() + path, headers=headers).status
                    if (status := ask(path + token, headers)) != 200:
                        failed += 1
                        print(f"FAIL {name} {path}{token} {headers}: {status}")
                    # What is mutated: the cookie, or all behind the path.
                    kind, value = headers["Cookie"].split("=", 1) if headers else (None, None)
                    path, _, args = (path + token).partition("?")
                    for other in mutations(value if headers else args):
                        if plain(other) == plain(value if headers else args):
                            continue
                        status = ask(path, {"Cookie": f"{kind}={other}"}) if headers else ask(f"{path}?{other}", {})
                        if status == 200:
                            failed += 1
                            print(f"FAIL {name} {path}: {other} is accepted")
    print("signers:", ", ".join(f"{count} of {name}" for name, count in counts.items()),
          f"and {MUTATIONS} mutations of each, {failed} failed")
    return bool(failed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"signers: {failure}")
