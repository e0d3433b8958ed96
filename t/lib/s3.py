"""A small S3 server that verifies signatures over the bytes that came, and the official client.

    python3 s3.py serve PORT FOLDER     # FOLDER/accepted.json: [{"id", "secret", "token"}], as it is by then
    python3 s3.py put ENDPOINT BUCKET FOLDER    # ID, secret and token: of the first in FOLDER/accepted.json;
                                                # what is stored: FOLDER/objects.json, [[key, type, base64]]

Signatures are made again by botocore from the request line as it came. Buckets are in the path, or before
".s3.test" in the host; whoever asks for something of the bucket "public" needs no signature. FOLDER/asked
has a line for each request: method, target, status, reason.
"""
import base64
import calendar
import hashlib
import hmac
import http.server
import json
import os
import socketserver
import sys
import threading
import time
from urllib.parse import parse_qsl, unquote, unquote_to_bytes

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

REGION = "eu-central-1"
UNSIGNED = "UNSIGNED-PAYLOAD"


class Refused(Exception):
    pass


class Again(S3SigV4Auth):
    """Signs a request as it was, over the headers that its signer chose."""

    def headers_to_sign(self, request):
        return request.headers

    def payload(self, request):
        return request.headers.get("x-amz-content-sha256", UNSIGNED)


def again(method, target, headers, names, query, scope, timestamp, known):
    """Returns the signature that a request should have."""
    date, region, service, end = scope
    if end != "aws4_request" or service != "s3" or region != REGION:
        raise Refused(f"scope {scope}")
    now, then = time.time(), calendar.timegm(time.strptime(timestamp, "%Y%m%dT%H%M%SZ"))
    if date != timestamp[:8]:
        raise Refused("another day")
    if abs(now - then) > 900:
        raise Refused("RequestTimeTooSkewed")
    if "host" not in names:
        raise Refused("the host is not signed")
    path = target.partition("?")[0]
    url = "http://host" + path + ("?" + query if query else "")
    request = AWSRequest(method=method, url=url, headers={name: headers[name] for name in names})
    auth = Again(Credentials(known["id"], known["secret"]), service, region)
    request.context["timestamp"] = timestamp
    canonical = auth.canonical_request(request).split("\n")
    # The path of the request line, whatever a library makes of it.
    canonical[1] = path
    return auth.signature(auth.string_to_sign(request, "\n".join(canonical)), request)


def verify(method, target, headers, accepted):
    """Raises Refused where a request is not signed by one of those."""
    headers = {name.lower(): value for name, value in headers.items()}
    query = target.partition("?")[2]
    arguments = dict(parse_qsl(query, keep_blank_values=True))
    if "X-Amz-Signature" in arguments:
        if "authorization" in headers:
            raise Refused("signed twice")
        credential, signature = arguments["X-Amz-Credential"], arguments["X-Amz-Signature"]
        names, timestamp = arguments["X-Amz-SignedHeaders"].split(";"), arguments["X-Amz-Date"]
        token = arguments.get("X-Amz-Security-Token")
        rest = [part for part in query.split("&") if not part.startswith("X-Amz-Signature=")]
        query = "&".join(rest)
        then = calendar.timegm(time.strptime(timestamp, "%Y%m%dT%H%M%SZ"))
        if time.time() > then + int(arguments["X-Amz-Expires"]):
            raise Refused("expired")
    else:
        kind, _, rest = headers.get("authorization", "").partition(" ")
        if kind != "AWS4-HMAC-SHA256":
            raise Refused("not signed")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        credential, signature = parts["Credential"], parts["Signature"]
        names, timestamp = parts["SignedHeaders"].split(";"), headers["x-amz-date"]
        token = headers.get("x-amz-security-token")
        for name in headers:
            if name.startswith("x-amz-") and name not in names:
                raise Refused(f"{name} is not signed")
        if "x-amz-content-sha256" not in headers:
            raise Refused("no x-amz-content-sha256")
    if names != sorted(names):
        raise Refused("headers out of order")
    name, *scope = credential.split("/")
    known = next((known for known in accepted if known["id"] == name), None)
    if known is None:
        raise Refused("InvalidAccessKeyId")
    if known.get("token") != token:
        raise Refused("InvalidToken")
    wanted = again(method, target, headers, names, query, scope, timestamp, known)
    if not hmac.compare_digest(wanted, signature):
        raise Refused("SignatureDoesNotMatch")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", reason="", **headers):
        with self.server.lock, open(f"{self.server.folder}/asked", "a") as file:
            file.write(f"{self.command} {self.target} {status} {reason}\n")
        self.send_response(status)
        headers.setdefault("Content_Length", str(len(body)))
        headers["x_amz_request_id"] = "0123456789ABCDEF"
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD" and status != 304:
            self.wfile.write(body)

    def error(self, status, code, reason=""):
        body = f"<Error><Code>{code}</Code><BucketName>hidden</BucketName></Error>".encode()
        self.answer(status, body, reason or code, Content_Type="application/xml")

    def handle_request(self):
        # The one of this class is made from the line by taking slashes away.
        self.target = self.requestline.split(" ")[1]
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        host = self.headers.get("Host", "")
        path = self.target.partition("?")[0][1:]
        if ".s3.test" in host:
            bucket, key = host.partition(".s3.test")[0], path
        else:
            bucket, _, key = path.partition("/")
        key = (unquote(bucket), unquote_to_bytes(key))
        if bucket != "public":
            try:
                with open(f"{self.server.folder}/accepted.json") as file:
                    accepted = json.load(file)
                verify(self.command, self.target, self.headers, accepted)
                payload = self.headers.get("X-Amz-Content-Sha256", UNSIGNED)
                if payload not in (UNSIGNED, hashlib.sha256(body).hexdigest()):
                    raise Refused("XAmzContentSHA256Mismatch")
            except (Refused, KeyError, ValueError) as refused:
                return self.error(403, "AccessDenied", f"{type(refused).__name__} {refused}")
        if not key[1]:
            return self.error(500, "InternalError", "the bucket itself")
        if self.command == "PUT":
            tag = f'"{hashlib.md5(body).hexdigest()}"'
            kind = self.headers.get("Content-Type", "binary/octet-stream")
            self.server.objects[key] = (body, tag, kind)
            return self.answer(200, ETag=tag)
        if key not in self.server.objects:
            return self.error(404, "NoSuchKey")
        body, tag, kind = self.server.objects[key]
        about = {"ETag": tag, "Content_Type": kind, "Accept_Ranges": "bytes",
                 "Last_Modified": "Sat, 01 Jan 2022 00:00:00 GMT"}
        arguments = dict(parse_qsl(self.target.partition("?")[2]))
        about["Content_Type"] = arguments.get("response-content-type", kind)
        if self.headers.get("If-None-Match") == tag:
            return self.answer(304, **about)
        if span := self.headers.get("Range"):
            first, last = span.removeprefix("bytes=").split("-")
            first, last = int(first), int(last or len(body) - 1)
            about["Content_Range"] = f"bytes {first}-{last}/{len(body)}"
            return self.answer(206, body[first:last + 1], **about)
        if self.command == "HEAD":
            about["Content_Length"] = str(len(body))
        return self.answer(200, body, **about)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_request


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128


def serve(port, folder):
    server = Server(("127.0.0.1", int(port)), Handler)
    server.folder, server.objects, server.lock = folder, {}, threading.Lock()
    server.serve_forever()


def put(endpoint, bucket, folder):
    import boto3
    from botocore.config import Config
    with open(f"{folder}/accepted.json") as file:
        known = json.load(file)[0]
    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name=REGION, aws_access_key_id=known["id"],
        aws_secret_access_key=known["secret"], aws_session_token=known.get("token"),
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"},
                      proxies={}, retries={"max_attempts": 1}))
    with open(f"{folder}/objects.json") as file:
        objects = json.load(file)
    if os.environ.get("S3_MAKE_BUCKET"):
        client.create_bucket(Bucket=bucket)
    for key, kind, body in objects:
        client.put_object(Bucket=bucket, Key=key, Body=base64.b64decode(body), ContentType=kind)


if __name__ == "__main__":
    {"serve": serve, "put": put}[sys.argv[1]](*sys.argv[2:])
