"""A client of HTTP/3 for t/http3.t: requests come in as JSON, a list of [method, path, {header: value}], and go
out at the same time on one connection. What came back is printed as JSON, in their order: status, headers, and
the body in base64; "error" where no answer came to its end.

    http3.py PORT <requests
"""

import asyncio
import base64
import json
import ssl
import sys

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StreamReset


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.http = H3Connection(self._quic)
        self.answers, self.ended = {}, {}

    def send(self, port, method, path, headers):
        stream = self._quic.get_next_available_stream_id()
        self.answers[stream] = {"status": 0, "h": {}, "body": b""}
        self.ended[stream] = asyncio.get_running_loop().create_future()
        head = [(":method", method), (":scheme", "https"), (":authority", f"localhost:{port}"), (":path", path)]
        head += [(name.lower(), value) for name, value in headers.items()]
        self.http.send_headers(stream, [(name.encode(), value.encode()) for name, value in head], end_stream=True)
        self.transmit()
        return stream

    async def receive(self, stream):
        await self.ended[stream]
        return self.answers[stream]

    def end(self, stream, error=None):
        if stream in self.ended and not self.ended[stream].done():
            if error:
                self.answers[stream]["error"] = error
            self.ended[stream].set_result(None)

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated):
            for stream in self.ended:
                self.end(stream, event.reason_phrase or "the connection ended")
        if isinstance(event, StreamReset):
            self.end(event.stream_id, f"reset: {event.error_code}")
        for event in self.http.handle_event(event):
            answer = self.answers.get(event.stream_id)
            if isinstance(event, HeadersReceived):
                for name, value in event.headers:
                    if name == b":status":
                        answer["status"] = int(value)
                    else:
                        answer["h"][name.decode()] = value.decode()
            elif isinstance(event, DataReceived):
                answer["body"] += event.data
            if getattr(event, "stream_ended", False):
                self.end(event.stream_id)


async def main():
    port, requests = int(sys.argv[1]), json.load(sys.stdin)
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, verify_mode=ssl.CERT_NONE,
                                      server_name="localhost")
    async with connect("127.0.0.1", port, configuration=configuration, create_protocol=Client) as client:
        streams = [client.send(port, *request) for request in requests]
        answers = [await asyncio.wait_for(client.receive(stream), 30) for stream in streams]
    for answer in answers:
        answer["body"] = base64.b64encode(answer["body"]).decode()
    json.dump(answers, sys.stdout)


asyncio.run(main())
