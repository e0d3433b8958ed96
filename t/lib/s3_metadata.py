"""What a machine of EC2 and a container of ECS ask for credentials, and the Security Token Service.

    python3 s3_metadata.py PORT FOLDER [CERTIFICATE KEY]

FOLDER/given.json is what is given: {"id", "secret", "token", "seconds"}; without it nobody gets anything. A machine
is asked as IMDSv2 is, a container at /v2/credentials/uuid with "Authorization: CONTAINER-TOKEN". STS is asked for a role
with the token in FOLDER/known-token. FOLDER/questions has a line for each. With a certificate, all that is over TLS.
"""
import datetime
import http.server
import json
import ssl
import sys
import urllib.parse
import uuid

PORT, FOLDER = int(sys.argv[1]), sys.argv[2]
ROLE_ARN = "arn:aws:iam::123456789012:role/pictures"
ROLE = "/latest/meta-data/iam/security-credentials/"
sessions = set()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=""):
        with open(f"{FOLDER}/questions", "a") as file:
            file.write(f"{self.command} {self.path} {status}\n")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_PUT(self):
        if self.path != "/latest/api/token" or "X-aws-ec2-metadata-token-ttl-seconds" not in self.headers:
            return self.answer(400)
        sessions.add(session := f"SESSION-{uuid.uuid4()}")
        self.answer(200, session)

    def do_GET(self):
        if self.path == "/v2/credentials/uuid":
            if self.headers.get("Authorization") != "CONTAINER-TOKEN":
                return self.answer(403)
        elif self.headers.get("X-aws-ec2-metadata-token") not in sessions:
            return self.answer(401)
        elif self.path == ROLE:
            return self.answer(200, "pictures-role")
        elif self.path != ROLE + "pictures-role":
            return self.answer(404)
        if (given := self.given()) is None:
            return self.answer(500)
        self.answer(200, json.dumps({
            "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": given["id"], "SecretAccessKey": given["secret"],
            "Token": given["token"], "Expiration": given["end"]}))

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), strict_parsing=True)
        with open(f"{FOLDER}/known-token") as file:
            known = file.read()
        expected = {
            "Action": ["AssumeRoleWithWebIdentity"], "Version": ["2011-06-15"], "RoleArn": [ROLE_ARN],
            "RoleSessionName": ["nginx"], "WebIdentityToken": [known]}
        if self.path != "/" or form != expected:
            return self.answer(400, """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
                <Error><Type>Sender</Type><Code>InvalidIdentityToken</Code><Message>No &quot;it&quot;</Message></Error>
                <RequestId>0</RequestId></ErrorResponse>""")
        if (given := self.given()) is None:
            return self.answer(500)
        self.answer(200, f"""<?xml version="1.0" encoding="UTF-8"?>
            <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
            <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>{given["id"]}</AccessKeyId>
            <SecretAccessKey>{given["secret"]}</SecretAccessKey><SessionToken>{given["token"]}</SessionToken>
            <Expiration>{given["end"]}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
            </AssumeRoleWithWebIdentityResponse>""")

    @staticmethod
    def given():
        try:
            with open(f"{FOLDER}/given.json") as file:
                given = json.load(file)
        except FileNotFoundError:
            return None
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=given["seconds"])
        return given | {"end": end.strftime("%Y-%m-%dT%H:%M:%SZ")}


server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[3:5])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
