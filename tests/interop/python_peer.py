#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""grpcio as a peer of the interoperability tests, with the official flags.

    python_peer.py DESCRIPTORS server --port=N [--use_tls=true --tls_cert_file=F --tls_key_file=F]
    python_peer.py DESCRIPTORS client --server_host=H --server_port=N --test_case=CASE
                                      [--use_tls=true --ca_file=F --server_host_override=NAME]

DESCRIPTORS is our contract as protoc --descriptor_set_out --include_imports writes it: no generated code, whose package
`grpc` would hide grpcio's own."""
import argparse
import sys
import threading
import time
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "grpc.testing."
INITIAL, TRAILING = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"
LIMIT_S = 20


def content(path):
    with open(path, "rb") as f:
        return f.read()


class Contract:
    def __init__(self, path):
        files = descriptor_pb2.FileDescriptorSet()
        files.ParseFromString(content(path))
        self.pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            self.pool.Add(file)

    def message(self, name):
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(PACKAGE + name))

    def methods(self, service):
        for method in self.pool.FindServiceByName(PACKAGE + service).methods:
            yield method, *(message_factory.GetMessageClass(t) for t in (method.input_type, method.output_type))


# ---- The server


class Service:
    def __init__(self, contract):
        self.response = contract.message("SimpleResponse")
        self.chunk = contract.message("StreamingOutputCallResponse")
        self.total = contract.message("StreamingInputCallResponse")
        self.empty = contract.message("Empty")

    @staticmethod
    def echo(context):
        sent = dict(context.invocation_metadata())
        if INITIAL in sent:
            context.send_initial_metadata([(INITIAL, sent[INITIAL])])
        if TRAILING in sent:
            context.set_trailing_metadata([(TRAILING, sent[TRAILING])])

    @staticmethod
    def obey_status(request, context):
        wanted = request.response_status
        if wanted.code:
            context.abort(next(c for c in grpc.StatusCode if c.value[0] == wanted.code), wanted.message)

    def EmptyCall(self, request, context):
        self.echo(context)
        return self.empty()

    def UnaryCall(self, request, context):
        self.echo(context)
        self.obey_status(request, context)
        reply = self.response()
        reply.payload.body = bytes(request.response_size)
        if request.fill_server_id:
            reply.server_id = "grpcio"
        return reply

    def chunks(self, request):
        for parameters in request.response_parameters:
            time.sleep(parameters.interval_us / 1e6)
            chunk = self.chunk()
            chunk.payload.body = bytes(parameters.size)
            yield chunk

    def StreamingOutputCall(self, request, context):
        self.echo(context)
        self.obey_status(request, context)
        yield from self.chunks(request)

    def StreamingInputCall(self, requests, context):
        return self.total(aggregated_payload_size=sum(len(r.payload.body) for r in requests))

    def FullDuplexCall(self, requests, context):
        self.echo(context)
        for request in requests:
            self.obey_status(request, context)
            yield from self.chunks(request)


def handlers(contract, service):
    kinds = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }
    table = {}
    for method, request, reply in contract.methods("TestService"):
        behaviour = getattr(service, method.name, None)
        if behaviour:
            kind = kinds[method.client_streaming, method.server_streaming]
            table[method.name] = kind(behaviour, request.FromString, reply.SerializeToString)
    return grpc.method_handlers_generic_handler(PACKAGE + "TestService", table)


def serve(contract, arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--use_tls", default="false")
    parser.add_argument("--tls_cert_file")
    parser.add_argument("--tls_key_file")
    flags = parser.parse_args(arguments)
    server = grpc.server(futures.ThreadPoolExecutor(16))
    server.add_generic_rpc_handlers((handlers(contract, Service(contract)),))
    address = f"127.0.0.1:{flags.port}"
    if flags.use_tls == "true":
        pair = (content(flags.tls_key_file), content(flags.tls_cert_file))
        port = server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
    else:
        port = server.add_insecure_port(address)
    if not port:
        sys.exit(f"{address}: cannot listen")
    server.start()
    server.wait_for_termination()


# ---- The client


class Failed(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failed(text)


class Client:
    def __init__(self, contract, open_channel):
        self.contract, self.open_channel = contract, open_channel
        channel = open_channel()
        kinds = {
            (False, False): channel.unary_unary,
            (False, True): channel.unary_stream,
            (True, False): channel.stream_unary,
            (True, True): channel.stream_stream,
        }
        self.stubs = {}
        for service in ("TestService", "UnimplementedService"):
            for method, request, reply in contract.methods(service):
                kind = kinds[method.client_streaming, method.server_streaming]
                self.stubs[service, method.name] = kind(
                    f"/{PACKAGE}{service}/{method.name}", request.SerializeToString, reply.FromString)

    def stub(self, method, service="TestService"):
        return self.stubs[service, method]

    def make(self, name, **fields):
        return self.contract.message(name)(**fields)

    def payload(self, size):
        return self.make("Payload", body=bytes(size))

    def large(self):
        return self.make("SimpleRequest", response_size=314159, payload=self.payload(271828))

    def turn(self, request_size, response_size):
        return self.make("StreamingOutputCallRequest", payload=self.payload(request_size),
                         response_parameters=[{"size": response_size}])

    def expect_error(self, code, message, call):
        try:
            call()
        except grpc.RpcError as error:
            expect(error.code() == code, f"status {error.code()}, expected {code}")
            expect(message is None or error.details() == message, f"message {error.details()!r}")
            return
        raise Failed(f"OK, expected {code}")

    def empty_unary(self):
        self.stub("EmptyCall")(self.make("Empty"), timeout=LIMIT_S)

    def large_unary(self):
        reply = self.stub("UnaryCall")(self.large(), timeout=LIMIT_S)
        expect(reply.payload.body == bytes(314159), "the payload is not 314159 zeros")

    def client_streaming(self):
        requests = (self.make("StreamingInputCallRequest", payload=self.payload(n)) for n in (27182, 8, 1828, 45904))
        reply = self.stub("StreamingInputCall")(requests, timeout=LIMIT_S)
        expect(reply.aggregated_payload_size == 74922, f"aggregated {reply.aggregated_payload_size}")

    def server_streaming(self):
        sizes = [31415, 9, 2653, 58979]
        request = self.make("StreamingOutputCallRequest", response_parameters=[{"size": n} for n in sizes])
        came = [len(r.payload.body) for r in self.stub("StreamingOutputCall")(request, timeout=LIMIT_S)]
        expect(came == sizes, f"sizes {came}")

    def ping_pong(self):
        turns = [(27182, 31415), (8, 9), (1828, 2653), (45904, 58979)]
        ready = threading.Semaphore(1)

        def requests():
            for request_size, response_size in turns:
                ready.acquire()
                yield self.turn(request_size, response_size)

        came = []
        for response in self.stub("FullDuplexCall")(requests(), timeout=LIMIT_S):
            came.append(len(response.payload.body))
            ready.release()
        expect(came == [response for _, response in turns], f"sizes {came}")

    def empty_stream(self):
        expect(list(self.stub("FullDuplexCall")(iter(()), timeout=LIMIT_S)) == [], "a response that nobody asked for")

    def cancel_after_begin(self):
        blocked = threading.Event()

        def requests():
            blocked.wait(LIMIT_S)
            yield from ()

        call = self.stub("StreamingInputCall").future(requests(), timeout=LIMIT_S)
        call.cancel()
        blocked.set()
        expect(call.cancelled() and call.code() == grpc.StatusCode.CANCELLED, "not cancelled")

    def cancel_after_first_response(self):
        done = threading.Event()

        def requests():
            yield self.turn(27182, 31415)
            done.wait(LIMIT_S)

        call = self.stub("FullDuplexCall")(requests(), timeout=LIMIT_S)
        expect(len(next(call).payload.body) == 31415, "the first response")
        call.cancel()
        done.set()
        expect(call.code() == grpc.StatusCode.CANCELLED, f"status {call.code()}")

    def timeout_on_sleeping_server(self):
        done = threading.Event()

        def requests():
            yield self.make("StreamingOutputCallRequest", payload=self.payload(27182))
            done.wait(LIMIT_S)

        try:
            self.expect_error(grpc.StatusCode.DEADLINE_EXCEEDED, None,
                              lambda: list(self.stub("FullDuplexCall")(requests(), timeout=0.001)))
        finally:
            done.set()

    def custom_metadata(self):
        metadata = ((INITIAL, "test_initial_metadata_value"), (TRAILING, b"\xab\xab\xab"))

        def check(call):
            expect(dict(call.initial_metadata()).get(INITIAL) == "test_initial_metadata_value", "the header")
            expect(dict(call.trailing_metadata()).get(TRAILING) == b"\xab\xab\xab", "the trailer")

        check(self.stub("UnaryCall").with_call(self.large(), metadata=metadata, timeout=LIMIT_S)[1])
        stream = self.stub("FullDuplexCall")(iter([self.turn(271828, 314159)]), metadata=metadata, timeout=LIMIT_S)
        expect(len(list(stream)) == 1, "one response")
        check(stream)

    def status_code_and_message(self):
        wanted = {"code": 2, "message": "test status message"}
        self.expect_error(grpc.StatusCode.UNKNOWN, wanted["message"], lambda: self.stub("UnaryCall")(
            self.make("SimpleRequest", response_status=wanted), timeout=LIMIT_S))
        self.expect_error(grpc.StatusCode.UNKNOWN, wanted["message"], lambda: list(self.stub("FullDuplexCall")(
            iter([self.make("StreamingOutputCallRequest", response_status=wanted)]), timeout=LIMIT_S)))

    def special_status_message(self):
        message = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n"
        self.expect_error(grpc.StatusCode.UNKNOWN, message, lambda: self.stub("UnaryCall")(
            self.make("SimpleRequest", response_status={"code": 2, "message": message}), timeout=LIMIT_S))

    def unimplemented_method(self):
        self.expect_error(grpc.StatusCode.UNIMPLEMENTED, None, lambda: self.stub("UnimplementedCall")(
            self.make("Empty"), timeout=LIMIT_S))

    def unimplemented_service(self):
        self.expect_error(grpc.StatusCode.UNIMPLEMENTED, None, lambda: self.stub(
            "UnimplementedCall", "UnimplementedService")(self.make("Empty"), timeout=LIMIT_S))

    def rpc_soak(self):
        for _ in range(10):
            self.large_unary()

    def concurrent_large_unary(self):
        request = self.large()
        calls = [self.stub("UnaryCall").future(request, timeout=3 * LIMIT_S) for _ in range(1000)]
        for call in calls:
            expect(len(call.result().payload.body) == 314159, "the payload has another size")

    def channel_soak(self):
        for _ in range(10):
            Client(self.contract, self.open_channel).large_unary()

    def pick_first_unary(self):
        names = {self.stub("UnaryCall")(self.make("SimpleRequest", fill_server_id=True), timeout=LIMIT_S).server_id
                 for _ in range(100)}
        expect(len(names) == 1 and names != {""}, f"server_id {names}")


def play(contract, arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("--server_host", default="127.0.0.1")
    parser.add_argument("--server_port", type=int, required=True)
    parser.add_argument("--test_case", required=True)
    parser.add_argument("--use_tls", default="false")
    parser.add_argument("--ca_file")
    parser.add_argument("--server_host_override")
    flags = parser.parse_args(arguments)
    address = f"{flags.server_host}:{flags.server_port}"
    channels = []

    def open_channel():
        options = [("grpc.use_local_subchannel_pool", 1)]
        if flags.use_tls == "true":
            options.append(("grpc.ssl_target_name_override", flags.server_host_override))
            credentials = grpc.ssl_channel_credentials(content(flags.ca_file))
            channels.append(grpc.secure_channel(address, credentials, options))
        else:
            channels.append(grpc.insecure_channel(address, options))
        return channels[-1]

    try:
        getattr(Client(contract, open_channel), flags.test_case)()
    except (Failed, grpc.RpcError) as error:
        sys.exit(f"{flags.test_case}: {error}")
    finally:
        for channel in channels:
            channel.close()


def main():
    if len(sys.argv) < 3 or sys.argv[2] not in ("server", "client"):
        sys.exit(__doc__)
    contract = Contract(sys.argv[1])
    (serve if sys.argv[2] == "server" else play)(contract, sys.argv[3:])


if __name__ == "__main__":
    main()
