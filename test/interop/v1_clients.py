"""KServe's own client with protocol V1, and the requests of TensorFlow Serving's documentation as Python sends them.

Usage: v1_clients.py URL. The endpoint `half` adds one to half of `x`; `late` is a classifier of x and carrier; `broken` cannot be loaded.
"""
import asyncio
import base64
import json
import sys
import urllib.error
import urllib.request

import httpx
from kserve import InferenceRESTClient, RESTConfig

url = sys.argv[1]


async def kserve():
    client = InferenceRESTClient(RESTConfig(protocol="v1", timeout=20))
    rows = [{"x": 1.0, "carrier": "AA"}, {"x": -3.0, "carrier": "BB"}]
    seen = {
        "live": await client.is_server_live(url),
        "ready": await client.is_model_ready(url, "late"),
        "broken": await client.is_model_ready(url, "broken"),
        "rows": await client.infer(url, {"instances": rows}, model_name="late"),
        "lists": await client.infer(url, {"instances": [[1.0, "AA", None], [-3.0, "BB", None]]}, model_name="late"),
        "labels": await client.infer(url, {"instances": rows, "signature_name": "predict"}, model_name="late"),
    }
    for name, wrong in [("unknown", "nobody"), ("refused", "late")]:
        try:
            await client.infer(url, {"instances": [{"x": 1.0}]}, model_name=wrong)
        except httpx.HTTPStatusError as error:
            seen[name] = [error.response.status_code, str(error)]
    try:
        await client.explain(url, "late", {"instances": rows})
    except httpx.HTTPStatusError as error:
        seen["explain"] = [error.response.status_code, str(error)]
    await client.close()
    return seen


def ask(path, body=None):
    """As `curl -d` does: the content type of a form, or none."""
    data = None if body is None else body.encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{url}/v1/models/{path}", data=data)) as response:
            return json.loads(response.read())
    except urllib.error.HTTPError as error:
        return [error.code, json.loads(error.read())]


def tensorflow():
    text = base64.b64encode("AA".encode()).decode()
    return {
        "values": ask("half:predict", '{"instances": [1.0, 2.0, 5.0]}'),
        "columns": ask("half:predict", '{"signature_name": "serving_default", "inputs": {"x": [1.0, 2.0, 5.0]}}'),
        "version": ask("half/versions/1:predict", '{"instances": [{"x": 3.0}]}'),
        "label": ask("half/labels/champion:predict", '{"instances": [[3.0]]}'),
        "base64": ask("late:predict", '{"signature_name": "predict", "instances": [{"x": 1.0, "carrier": {"b64": "%s"}}]}' % text),
        "numbers": ask("half:predict", json.dumps({"instances": [float("inf")]})),
        "status": ask("half"),
        "metadata": ask("half/metadata"),
        "missing": ask("half:predict", "{}"),
        "classify": ask("half:classify", '{"examples": [{"x": 1.0}]}'),
    }


print(json.dumps({"kserve": asyncio.run(kserve()), "tensorflow": tensorflow()}))
