"""Stands in for the Google providers towards `terraform validate` and `terraform test`: it knows their schemas and nothing
else. Terraform attaches to it by TF_REATTACH_PROVIDERS (its plugin protocol 5, over gRPC), so nothing is installed.

A configuration is refused where a value is not one of those that the schema lists; types, names and what is required are
checked by Terraform itself. Resources cannot be planned with it: tests mock them.
"""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import msgpack

UNKNOWN = object()


@contextmanager
def serving(schemas: dict[str, dict]):
    """The environment with which Terraform finds the providers, while they are served."""
    servers, attached = [], {}
    for name, schema in schemas.items():
        server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.max_send_message_length", -1)])
        server.add_generic_rpc_handlers([Provider(schema)])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        attached[f"hashicorp/{name}"] = {
            "Protocol": "grpc",
            "ProtocolVersion": 5,
            "Pid": os.getpid(),
            "Test": True,
            "Addr": {"Network": "tcp", "String": f"127.0.0.1:{port}"},
        }
    try:
        yield {"TF_REATTACH_PROVIDERS": json.dumps(attached)}
    finally:
        for server in servers:
            server.stop(None)


class Provider(grpc.GenericRpcHandler):
    """The calls that Terraform makes before it plans."""

    def __init__(self, schema: dict):
        self.schema = schema
        self.encoded = encode_schema(schema)

    def service(self, details):
        answers = {
            "GetSchema": lambda request: self.encoded,
            # Request and answer are of one form: field 1 is the configuration.
            "PrepareProviderConfig": lambda request: request,
            "ValidateResourceTypeConfig": lambda request: self.validate("resources", request),
            "ValidateDataSourceConfig": lambda request: self.validate("data_sources", request),
            "Configure": lambda request: b"",
            "Stop": lambda request: b"",
        }
        answer = answers.get(details.method.rsplit("/", 1)[1])
        if answer is None:
            return None
        return grpc.unary_unary_rpc_method_handler(lambda request, context: answer(request))

    def validate(self, kind: str, request: bytes) -> bytes:
        fields = decode(request)
        block = self.schema[kind][fields[1].decode()]
        config = msgpack.unpackb(decode(fields[2])[1], ext_hook=lambda code, data: UNKNOWN, strict_map_key=False)
        return b"".join(field(1, diagnostic(problem)) for problem in impossible_values(block, config, ""))


def impossible_values(block: dict, config: dict, where: str):
    for name, attribute in block["attributes"].items():
        value, values = config.get(name), attribute.get("values")
        if values and isinstance(value, str) and value not in values:
            yield f"{where}{name} is {value!r}; possible are {', '.join(map(str, values))}"
    for name, inner in block["blocks"].items():
        blocks = config.get(name)
        # What a dynamic block makes of things that are not known yet is unknown as a whole.
        for one in blocks if isinstance(blocks, list) else []:
            if isinstance(one, dict):
                yield from impossible_values(inner["block"], one, f"{where}{name}.")


# The protocol's messages, as far as they are needed: each field is (number << 3 | wire type), then the value.


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def field(number: int, value) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def decode(data: bytes) -> dict[int, bytes]:
    """A message of which every field is bytes or text."""
    fields, at = {}, 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                return value

    while at < len(data):
        key, length = number(), number()
        if key & 7 != 2:
            raise ValueError(f"field {key >> 3} is no bytes")
        fields[key >> 3] = data[at : at + length]
        at += length
    return fields


def diagnostic(problem: str) -> bytes:
    return field(1, 1) + field(2, "A value that the provider does not know") + field(3, problem)


def encode_schema(schema: dict) -> bytes:
    entries = lambda number, blocks: b"".join(
        field(number, field(1, name) + field(2, encode_top(block))) for name, block in blocks.items()
    )
    return (
        field(1, encode_top(schema["provider"]))
        + entries(2, schema["resources"])
        + entries(3, schema["data_sources"])
    )


def encode_top(block: dict) -> bytes:
    return field(2, encode_block(block))


def encode_block(block: dict) -> bytes:
    attributes = b"".join(field(2, encode_attribute(name, one)) for name, one in block["attributes"].items())
    return attributes + b"".join(field(3, encode_nested(name, one)) for name, one in block["blocks"].items())


def encode_attribute(name: str, attribute: dict) -> bytes:
    encoded = field(1, name) + field(2, json.dumps(attribute["type"]))
    if attribute.get("computed"):
        return encoded + field(6, 1)
    if attribute["required"]:
        return encoded + field(4, 1)
    return encoded + field(5, 1) + field(6, 1)


def encode_nested(name: str, nested: dict) -> bytes:
    # A block of lists: Terraform reads sets of blocks the same way.
    encoded = field(1, name) + field(2, encode_block(nested["block"])) + field(3, 2)
    # Dynamic blocks count only once they are expanded, which Terraform knows.
    return encoded + field(4, 1 if nested["required"] else 0) + field(5, 1 if nested["single"] else 0)
