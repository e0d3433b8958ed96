#!/usr/bin/env python3
"""LINK_KEY=... sign.py PATH EXPIRES: a link for secure_link_hash_md5, and one for hmac-sha256."""

import base64
import hashlib
import hmac
import os
import sys
import urllib.parse


def key_of(text):
    """The bytes of a key that is written as for nginx: hex:..., base64:... or the text itself."""
    if text.startswith("hex:"):
        return bytes.fromhex(text[4:])
    if text.startswith("base64:"):
        digits = text[7:].replace("-", "+").replace("_", "/").rstrip("=")
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    return text.encode()


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def md5_link(key, path, expires):
    token = base64url(hashlib.md5(f"{expires}{path} ".encode() + key).digest())
    return f"{urllib.parse.quote(path)}?md5={token}&expires={expires}"


def hmac_link(key, path, expires):
    token = base64url(hmac.new(key, f"{path}|{expires}".encode(), hashlib.sha256).digest())
    return f"{urllib.parse.quote(path)}?token={token}&expires={expires}"


key, path, expires = key_of(os.environ["LINK_KEY"]), sys.argv[1], int(sys.argv[2])
if not key:
    sys.exit("LINK_KEY is no key")
print(md5_link(key, path, expires))
print(hmac_link(key, path, expires))
