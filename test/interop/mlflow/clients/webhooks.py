"""Webhooks to a real listener: what is delivered, signed as the documentation of MLflow says a receiver checks it."""

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from mlflow import MlflowClient
from mlflow.entities.webhook import WebhookStatus

secret = "s3cret-of-mine"
received = []


class Listener(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        received.append((dict(self.headers), body))
        # The first delivery of all fails: it has to come again.
        self.send_response(503 if len(received) == 1 else 200)
        self.end_headers()

    def log_message(self, *_):
        pass


listener = HTTPServer(("127.0.0.1", 0), Listener)
threading.Thread(target=listener.serve_forever, daemon=True).start()
client = MlflowClient()
hook = client.create_webhook(
    "all", f"http://127.0.0.1:{listener.server_port}/hook", ["registered_model.created", "model_version.created", "model_version_tag.set", "model_version_alias.created"], secret=secret
)
assert hook.status == WebhookStatus.ACTIVE and hook.secret is None
assert client.get_webhook(hook.webhook_id).name == "all"
client.create_registered_model("hooked", description="d", tags={"a": "b"})
client.create_model_version("hooked", "s3://bucket/model", description="one")
client.set_model_version_tag("hooked", "1", "k", "v")
client.set_registered_model_alias("hooked", "best", "1")


def wait_for(count, seconds=60):
    end = time.time() + seconds
    while len(received) < count and time.time() < end:
        time.sleep(0.05)
    assert len(received) >= count, received


wait_for(5)
payloads = {}
for headers, body in received:
    lower = {name.lower(): value for name, value in headers.items()}
    signed = f"{lower['x-mlflow-delivery-id']}.{lower['x-mlflow-timestamp']}.{body.decode()}"
    expected = base64.b64encode(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()).decode()
    assert lower["x-mlflow-signature"] == f"v1,{expected}", lower
    message = json.loads(body)
    payloads[message["entity"], message["action"]] = message["data"]
assert payloads["registered_model", "created"] == {"name": "hooked", "description": "d", "tags": {"a": "b"}}, payloads
assert payloads["model_version", "created"]["source"] == "s3://bucket/model"
assert payloads["model_version_tag", "set"] == {"name": "hooked", "version": "1", "key": "k", "value": "v"}
assert payloads["model_version_alias", "created"] == {"name": "hooked", "alias": "best", "version": "1"}

result = client.test_webhook(hook.webhook_id)
assert result.success and result.response_status == 200, result
count = len(received)
client.update_webhook(hook.webhook_id, status=WebhookStatus.DISABLED)
client.create_registered_model("quiet")
time.sleep(2)
assert len(received) == count
assert [each.name for each in client.list_webhooks()] == ["all"]
client.delete_webhook(hook.webhook_id)
assert list(client.list_webhooks()) == []
print("ok")
