"""MLServer's own types over every JSON answer, and its codecs both ways."""
import json
import urllib.error
import urllib.request

from common import carrier, check, check_probabilities, date, np, rows, url, x, yes
import common
import pandas as pd
from mlserver.codecs import NumpyCodec, PandasCodec, StringCodec
from mlserver.types import (
    InferenceErrorResponse,
    InferenceRequest,
    InferenceResponse,
    MetadataModelResponse,
    MetadataServerResponse,
    RepositoryIndexRequest,
    RepositoryIndexResponse,
)


def ask(path, body=None, method=None):
    data = None if body is None else body.encode()
    request = urllib.request.Request(f"http://{url}{path}", data=data, method=method)
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def valid(kind, answer):
    status, body = answer
    check(status == 200, f"{kind}: {body}")
    return kind.model_validate(body)


valid(MetadataServerResponse, ask("/v2"))
for name in ["flights", "price", "ids", "numbered", "flagged"]:
    valid(MetadataModelResponse, ask(f"/v2/models/{name}"))
listed = valid(RepositoryIndexResponse, ask("/v2/repository/index", RepositoryIndexRequest(ready=True).model_dump_json()))
check(len(listed.root) == 5, "index")

frame = pd.DataFrame({"x": x[:, 0], "carrier": carrier[:, 0], "date": date[:, 0]})
by_pandas = PandasCodec.encode_request(frame, use_bytes=False)
by_hand = InferenceRequest(
    id="7",
    inputs=[
        NumpyCodec.encode_input("x", x),
        StringCodec.encode_input("carrier", list(carrier[:, 0]), use_bytes=False),
        StringCodec.encode_input("date", list(date[:, 0]), use_bytes=False),
    ],
)
for request in [by_pandas, by_hand]:
    # With and without the nulls that pydantic writes for what is absent.
    for text in [request.model_dump_json(), request.model_dump_json(exclude_none=True)]:
        answer = valid(InferenceResponse, ask("/v2/models/flights/infer", text))
        probabilities, label = answer.outputs
        check_probabilities(NumpyCodec.decode_output(probabilities), "probabilities")
        check(StringCodec.decode_output(label) == ["yes" if each else "no" for each in yes], "labels")
        check(request.id is None or answer.id == request.id, "id")

status, refusal = ask("/v2/models/flights/infer", "{}")
check(status == 400 and InferenceErrorResponse.model_validate(refusal).error is not None, "refusal")
status, refusal = ask("/v2/models/nobody")
check(status == 404 and InferenceErrorResponse.model_validate(refusal).error is not None, "refusal")
print(common.checks)
