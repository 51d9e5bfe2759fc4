"""Reads calls from standard input as JSON; prints, for each, whether a value in it has another type than MLflow's descriptors give it."""

import json
import re
import sys

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor as F
from google.protobuf.message_factory import GetMessageClass
from mlflow.protos import databricks_pb2, mlflow_artifacts_pb2, model_registry_pb2, service_pb2, webhooks_pb2

RANGES = {F.CPPTYPE_INT32: (-(2**31), 2**31), F.CPPTYPE_INT64: (-(2**63), 2**63)}
RANGES |= {F.CPPTYPE_UINT32: (0, 2**32), F.CPPTYPE_UINT64: (0, 2**64)}
INFINITE = {"NaN", "Infinity", "-Infinity"}


def routes():
    for module in [service_pb2, model_registry_pb2, mlflow_artifacts_pb2, webhooks_pb2]:
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                for endpoint in method.GetOptions().Extensions[databricks_pb2.rpc].endpoints:
                    path = f"/(?:ajax-)?api/{endpoint.since.major}.0/{endpoint.path.lstrip('/')}"
                    path = re.sub(r"<path:\w+>", ".+", re.sub(r"\{[\w.]+\}", "[^/]+", path))
                    yield endpoint.method, re.compile(path), method.input_type


def is_integer(value, low, high):
    if isinstance(value, str):
        return re.fullmatch(r"-?\d+", value) is not None and low <= int(value) < high
    return not isinstance(value, bool) and isinstance(value, (int, float)) and value == int(value) and low <= value < high


def is_number(value):
    if isinstance(value, bool):
        return False
    return isinstance(value, (int, float)) or value in INFINITE or re.fullmatch(r"-?[\d.]+(?:[eE][+-]?\d+)?", value) is not None


def fits(field, value):
    """Of one value; the elements of a list each."""
    if field.message_type is not None:
        return fits_message(field.message_type, value)
    if field.enum_type is not None:
        known = field.enum_type
        return value in known.values_by_name if isinstance(value, str) else is_integer(value, *RANGES[F.CPPTYPE_INT32]) and value in known.values_by_number
    if field.cpp_type == F.CPPTYPE_STRING:
        return isinstance(value, str) and not re.search("[\ud800-\udfff]", value)
    if field.cpp_type == F.CPPTYPE_BOOL:
        return isinstance(value, bool)
    if field.cpp_type in RANGES:
        return isinstance(value, (str, int, float)) and is_integer(value, *RANGES[field.cpp_type])
    return isinstance(value, (str, int, float)) and is_number(value)


def fits_field(field, value):
    if value is None:
        return True
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        of = field.message_type.fields_by_name["value"]
        return isinstance(value, dict) and all(fits(of, one) for one in value.values())
    if field.is_repeated:
        return isinstance(value, list) and all(fits(field, one) for one in value)
    return fits(field, value)


def fits_message(descriptor, value):
    if descriptor.full_name.startswith("google.protobuf."):
        try:
            json_format.ParseDict(value, GetMessageClass(descriptor)())
            return True
        except Exception:
            return False
    if not isinstance(value, dict):
        return False
    names = descriptor.fields_by_name
    return all(fits_field(names.get(key) or descriptor.fields_by_camelcase_name.get(key), one) for key, one in value.items() if key in names or key in descriptor.fields_by_camelcase_name)


def query_of(descriptor, pairs):
    """As MLflow's server reads it: lists where the field is one, `true` and `false` as such."""
    found = {}
    for field in descriptor.fields:
        values = [value for name, value in pairs if name == field.name]
        if not values:
            continue
        if field.type == F.TYPE_BOOL and not field.is_repeated:
            found[field.name] = {"true": True, "false": False}.get(values[0].lower(), values[0])
        else:
            found[field.name] = values if field.is_repeated else values[0]
    return found


def is_mistyped(call, known):
    descriptor = next((d for method, path, d in known if method == call["method"] and path.fullmatch(call["path"])), None)
    if descriptor is None:
        return False
    body = call.get("body")
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            return False  # Of no type at all: those have rows of their own.
    if call["method"] == "GET" and call["query"]:
        body = query_of(descriptor, call["query"])
    return isinstance(body, dict) and not fits_message(descriptor, body)


known = list(routes())
print(json.dumps([is_mistyped(call, known) for call in json.load(sys.stdin)]))
