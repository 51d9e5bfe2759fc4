"""Prints every route of the installed MLflow's descriptors with the fields of its request, as JSON."""

import json

from google.protobuf.descriptor import FieldDescriptor as F
from mlflow.protos import databricks_pb2, mlflow_artifacts_pb2, model_registry_pb2, service_pb2, webhooks_pb2

services = [
    service_pb2.DESCRIPTOR.services_by_name["MlflowService"],
    model_registry_pb2.DESCRIPTOR.services_by_name["ModelRegistryService"],
    mlflow_artifacts_pb2.DESCRIPTOR.services_by_name["MlflowArtifactsService"],
    webhooks_pb2.DESCRIPTOR.services_by_name["WebhookService"],
]
kinds = {F.TYPE_STRING: "string", F.TYPE_BOOL: "bool", F.TYPE_ENUM: "enum", F.TYPE_MESSAGE: "message", F.TYPE_BYTES: "bytes"}
kinds |= {F.TYPE_DOUBLE: "double", F.TYPE_FLOAT: "double"}


def field(f):
    return {"name": f.name, "kind": kinds.get(f.type, "int"), "repeated": f.is_repeated if hasattr(f, "is_repeated") else f.label == F.LABEL_REPEATED}


out = []
for service in services:
    for method in service.methods:
        for endpoint in method.GetOptions().Extensions[databricks_pb2.rpc].endpoints:
            path = endpoint.path if endpoint.path.startswith("/") else "/" + endpoint.path
            out.append(
                {
                    "service": service.name,
                    "name": method.name,
                    "method": endpoint.method,
                    "path": f"/{endpoint.since.major}.0{path}",
                    "fields": [field(f) for f in method.input_type.fields],
                }
            )
print(json.dumps(out))
