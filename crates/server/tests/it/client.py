"""Calls a server with Python's gRPC: its health, and one command. Prints the answers in hexadecimal digits.

Arguments: the address, the files with the authority, the client's certificate and its key, a token, and the command's
message in hexadecimal digits.
"""

import sys

import grpc

address, ca, certificate, key, token, message = sys.argv[1:]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def same(data):
    return data


credentials = grpc.ssl_channel_credentials(read(ca), read(key), read(certificate))
with grpc.secure_channel(address, credentials) as channel:
    for method, request, metadata in [
        ("/grpc.health.v1.Health/Check", b"", []),
        (
            "/seriatim.v1.CommandService/Submit",
            bytes.fromhex(message),
            [("authorization", "Bearer " + token)],
        ),
    ]:
        call = channel.unary_unary(
            method, request_serializer=same, response_deserializer=same
        )
        print(call(request, metadata=metadata, timeout=60).hex())
