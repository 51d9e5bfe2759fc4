"""Writes MLflow's wire contract, as an installed `mlflow` package describes it, as TypeScript.

    python scripts/mlflow-contract.py src/mlflow/generated

Messages, enums and routes come from the package's protobuf descriptors; which fields a request must have, and of which kind,
from the validation tables in its handlers. Run it with a new release installed, and read the difference.
"""

import ast
import inspect
import pathlib
import sys

from google.protobuf.descriptor import FieldDescriptor as Field
from mlflow.exceptions import MlflowException
from mlflow.protos import (
    databricks_pb2,
    mlflow_artifacts_pb2,
    model_registry_pb2,
    service_pb2,
    webhooks_pb2,
)
from mlflow.server import handlers
from mlflow.version import VERSION

SERVICES = [service_pb2, model_registry_pb2, mlflow_artifacts_pb2, webhooks_pb2]
HEADER = f"// MLflow {VERSION}'s wire contract, written by scripts/mlflow-contract.py: not to be edited by hand.\n"

SCALARS = {
    Field.TYPE_DOUBLE: "double",
    Field.TYPE_FLOAT: "double",
    Field.TYPE_INT64: "int64",
    Field.TYPE_UINT64: "int64",
    Field.TYPE_SINT64: "int64",
    Field.TYPE_FIXED64: "int64",
    Field.TYPE_SFIXED64: "int64",
    Field.TYPE_INT32: "int32",
    Field.TYPE_UINT32: "int32",
    Field.TYPE_SINT32: "int32",
    Field.TYPE_FIXED32: "int32",
    Field.TYPE_SFIXED32: "int32",
    Field.TYPE_BOOL: "bool",
    Field.TYPE_STRING: "string",
    Field.TYPE_BYTES: "bytes",
}
WELL_KNOWN = {
    "google.protobuf.Timestamp": "timestamp",
    "google.protobuf.Duration": "duration",
    "google.protobuf.FieldMask": "fieldmask",
    "google.protobuf.Value": "json",
    "google.protobuf.Struct": "json",
    "google.protobuf.ListValue": "json",
    "google.protobuf.Any": "json",
}
TYPESCRIPT = {
    "double": "Double",
    "int64": "Int64",
    "int32": "number",
    "bool": "boolean",
    "string": "string",
    "bytes": "string",
    "timestamp": "string",
    "duration": "string",
    "fieldmask": "string",
    "json": "Json",
}


# Messages whose names others have too.
RENAMED = {
    "mlflow.artifacts.ListArtifacts": "ListProxiedArtifacts",
    "mlflow.artifacts.FileInfo": "ProxiedFileInfo",
    "mlflow.datasets.Dataset": "EvaluationDataset",
}


def type_name(descriptor):
    """`mlflow.SearchRuns.Response` is SearchRunsResponse."""
    outer = descriptor.containing_type
    if outer is not None:
        return type_name(outer) + descriptor.name
    return RENAMED.get(descriptor.full_name, descriptor.name)


def method_name(method):
    name = method.name[0].lower() + method.name[1:]
    return "listProxiedArtifacts" if method.input_type.full_name == "mlflow.artifacts.ListArtifacts" else name


class Contract:
    def __init__(self):
        self.messages = {}
        self.enums = {}
        self.full_names = {}
        self.methods = {}

    def single(self, field):
        if field.type in SCALARS:
            return SCALARS[field.type]
        if field.type == Field.TYPE_ENUM:
            return self.enum(field.enum_type)
        if field.message_type.full_name in WELL_KNOWN:
            return WELL_KNOWN[field.message_type.full_name]
        return self.message(field.message_type)

    def enum(self, descriptor):
        name = type_name(descriptor)
        self.enums[name] = {value.name: value.number for value in descriptor.values}
        return name

    def field(self, field):
        nested = field.message_type
        if nested is not None and nested.GetOptions().map_entry:
            return f"map<{self.single(nested.fields_by_name['value'])}>"
        return self.single(field) + ("[]" if field.is_repeated else "")

    def message(self, descriptor):
        name = type_name(descriptor)
        if name in self.messages:
            assert self.full_names[name] == descriptor.full_name, f"two messages would be {name}"
            return name
        self.full_names[name] = descriptor.full_name
        self.messages[name] = {}
        self.messages[name] = {field.name: self.field(field) for field in descriptor.fields}
        return name

    def add(self, service, method, checks):
        options = method.GetOptions().Extensions[databricks_pb2.rpc]
        request = self.message(method.input_type)
        response = self.message(method.input_type.nested_types_by_name["Response"]) if (
            "Response" in method.input_type.nested_types_by_name
        ) else self.message(method.output_type)
        self.methods[method_name(method)] = {
            "service": service.name,
            "request": request,
            "response": response,
            "routes": [f"{e.method} {e.since.major}.0/{e.path.lstrip('/')}" for e in options.endpoints],
            "checks": checks.get(request, {}),
        }


def rule_of(node):
    """One element of a validation list: `required`, `string`, `max 1000`, `range 1 2500: message`."""
    name = node.id if isinstance(node, ast.Name) else None
    if name and name.startswith("_assert_"):
        return name.removeprefix("_assert_").replace("_", "-")
    if name:  # A function that wraps one call.
        source = ast.parse(inspect.getsource(getattr(handlers, name))).body[0]
        return bound_of(source.body[-1].value)
    if isinstance(node, ast.Lambda):
        return bound_of(node.body)
    raise ValueError(f"a validation of another kind: {ast.unparse(node)}")


def bound_of(call):
    # A message may tell the count, which stands as {count}.
    names = {**vars(handlers), "x": "", "len": lambda _: "{count}"}
    evaluate = lambda node: eval(ast.unparse(node), names)  # noqa: E731
    kind = call.func.id
    numbers = [str(evaluate(argument)) for argument in call.args[1:]]
    message = next((evaluate(k.value) for k in call.keywords if k.arg == "message"), None)
    is_count = ast.unparse(call.args[0]).startswith("len(")
    word = {"_assert_less_than_or_equal": "max", "_assert_intlike_within_range": "range"}[kind]
    return " ".join([f"{word}-items" if is_count else word, *numbers]) + (f": {message}" if message else "")


def request_checks():
    """Name of a request message to its fields' checks, in the order in which they are made."""
    checks = {}
    for call in ast.walk(ast.parse(inspect.getsource(handlers))):
        if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") == "_get_request_message" and call.args):
            continue
        made = call.args[0]
        if not (isinstance(made, ast.Call) and isinstance(made.func, ast.Name)):
            continue
        schema = next((k.value for k in call.keywords if k.arg == "schema"), None)
        if not isinstance(schema, ast.Dict):
            continue
        name = type_name(getattr(handlers, made.func.id).DESCRIPTOR)
        checks[name] = {
            key.value: [rule_of(rule) for rule in (rules.elts if isinstance(rules, ast.List) else [rules])]
            for key, rules in zip(schema.keys, schema.values)
        }
    return {**checks_of_shared_handlers(checks), **checks}


def checks_of_shared_handlers(checks):
    """Of requests that a handler reads as another message: the newer form of a call that the older one serves too."""
    found = {}
    for message, handler in handlers.HANDLERS.items():
        for call in ast.walk(ast.parse(inspect.getsource(inspect.unwrap(handler)))):
            if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") == "_get_request_message" and call.args):
                continue
            made = call.args[0]
            if isinstance(made, ast.Call) and isinstance(made.func, ast.Name):
                read = type_name(getattr(handlers, made.func.id).DESCRIPTOR)
                if read in checks:
                    found[type_name(message.DESCRIPTOR)] = checks[read]
    return found


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def descriptors(contract):
    lines = [HEADER, f"export const release = {quoted(VERSION)}\n"]
    lines.append("/** Names of values to their numbers. */\nexport const enums = {")
    for name, values in sorted(contract.enums.items()):
        lines.append(f"  {name}: {{ " + ", ".join(f"{key}: {number}" for key, number in values.items()) + " },")
    lines.append("} as const\n")
    lines.append("/** Names of fields to their types; `[]` is repeated, `map<x>` has keys of text. */\nexport const messages = {")
    for name, fields in sorted(contract.messages.items()):
        lines.append(f"  {name}: {{ " + ", ".join(f"{key}: {quoted(kind)}" for key, kind in fields.items()) + " },")
    lines.append("} as const\n")
    lines.append("/** Names of error codes to their SQLSTATE and their class. */\nexport const errorClasses = {")
    for name in databricks_pb2.ErrorCode.keys():
        error = MlflowException("", error_code=databricks_pb2.ErrorCode.Value(name))
        if error.sqlstate is not None:
            lines.append(f"  {name}: [{quoted(error.sqlstate)}, {quoted(error.error_class)}],")
    lines.append("} as const\n")
    lines.append("/** `routes` are below `/api/` and `/ajax-api/`; `checks` are made in their order. */\nexport const methods = {")
    for name, method in contract.methods.items():
        lines.append(f"  {name}: {{")
        lines.append(f"    service: {quoted(method['service'])},")
        lines.append(f"    request: {quoted(method['request'])},")
        lines.append(f"    response: {quoted(method['response'])},")
        lines.append("    routes: [" + ", ".join(quoted(route) for route in method["routes"]) + "],")
        checks = [f"{key}: [" + ", ".join(map(quoted, rules)) + "]" for key, rules in method["checks"].items()]
        lines.append("    checks: {" + ", ".join(checks) + "},")
        lines.append("  },")
    lines.append("} as const\n")
    return "\n".join(lines)


def typescript_of(kind, contract):
    if kind.startswith("map<"):
        return f"Readonly<Record<string, {typescript_of(kind[4:-1], contract)}>>"
    if kind.endswith("[]"):
        return f"readonly {typescript_of(kind[:-2], contract)}[]"
    return TYPESCRIPT.get(kind, kind)


def types(contract):
    lines = [HEADER]
    lines.append("/** A number where that is exact, else a bigint. */\nexport type Int64 = number | bigint")
    lines.append("/** JSON has no NaN and no infinities. */\nexport type Double = number | 'NaN' | 'Infinity' | '-Infinity'")
    lines.append("export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }\n")
    for name, values in sorted(contract.enums.items()):
        lines.append(f"export type {name} = " + " | ".join(map(quoted, values)))
    for name, fields in sorted(contract.messages.items()):
        lines.append(f"\nexport interface {name} {{")
        lines += [f"  readonly {key}?: {typescript_of(kind, contract)} | undefined" for key, kind in fields.items()]
        lines.append("}")
    for title, side in [("Requests", "request"), ("Responses", "response")]:
        lines.append(f"\nexport interface {title} {{")
        lines += [f"  {name}: {method[side]}" for name, method in contract.methods.items()]
        lines.append("}")
    lines.append("\nexport type MethodName = keyof Requests\n")
    return "\n".join(lines)


def main():
    folder = pathlib.Path(sys.argv[1])
    contract = Contract()
    checks = request_checks()
    for module in SERVICES:
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                contract.add(service, method, checks)
    unused = set(checks) - {method["request"] for method in contract.methods.values()}
    assert not unused, f"checks of no request: {unused}"
    (folder / "descriptors.ts").write_text(descriptors(contract))
    (folder / "messages.ts").write_text(types(contract))
    print(f"MLflow {VERSION}: {len(contract.methods)} methods, {len(contract.messages)} messages")


main()
