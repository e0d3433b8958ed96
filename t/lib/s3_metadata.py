"""What a machine of EC2 and a container of ECS ask for credentials.

    python3 s3_metadata.py PORT FOLDER

FOLDER/given.json is what is given: {"id", "secret", "token", "seconds"}; without it nobody gets anything. A machine
is asked as IMDSv2 is, a container at /v2/credentials/uuid with "Authorization: CONTAINER-TOKEN". FOLDER/questions has
a line for each.
"""
import datetime
import http.server
import json
import sys
import uuid

PORT, FOLDER = int(sys.argv[1]), sys.argv[2]
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
        try:
            with open(f"{FOLDER}/given.json") as file:
                given = json.load(file)
        except FileNotFoundError:
            return self.answer(500)
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=given["seconds"])
        self.answer(200, json.dumps({
            "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": given["id"], "SecretAccessKey": given["secret"],
            "Token": given["token"], "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ")}))


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
