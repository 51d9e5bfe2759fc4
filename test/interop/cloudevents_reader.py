# A sink of one kind: reads what is posted to it with the CloudEvents package, and prints each event as a line of JSON.
import json
from http.server import BaseHTTPRequestHandler, HTTPServer

from cloudevents.http import from_http


class Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        event = from_http(dict(self.headers), body)
        print(json.dumps({"attributes": dict(event.get_attributes()), "data": event.get_data()}), flush=True)
        self.send_response(202)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Sink)
print(json.dumps({"port": server.server_address[1]}), flush=True)
server.serve_forever()
