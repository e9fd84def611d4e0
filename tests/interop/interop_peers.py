# SPDX-License-Identifier: Apache-2.0
"""How the server and the client of each implementation are started: ours, and the peers that tools/dev/peers.bash brings.

All of them take the official flags, spelled a little differently. Where a peer's programs have certificates inside, those
are used for both ends; else the ones that `run` makes."""
import os

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = os.path.join(HERE, "..", "peers")
HOST = "foo.test.google.fr"  # the name that the test certificates are for
SOAK = ["--soak_iterations=10", "--soak_max_failures=0", "--soak_per_iteration_max_acceptable_latency_ms=20000",
        "--soak_overall_timeout_seconds=40"]


class Peer:
    """name; server(port, tls) and client(port, case, tls) are commands; tls is a folder of certificates, or None."""

    def __init__(self, name, server, client, environment=None, certificates=None):
        self.name, self.server, self.client = name, server, client
        self.environment = {**os.environ, **(environment or {})}
        self.certificates = certificates  # a folder with ca.pem, server1.pem, server1.key; None: those of the run


def flags(port, case, tls, *more):
    """The client's flags as most programs take them."""
    result = ["--server_host=127.0.0.1", f"--server_port={port}", f"--test_case={case}",
              f"--use_tls={'true' if tls else 'false'}"]
    if tls:
        result += [f"--server_host_override={HOST}", *more]
    return result


def with_ca(port, case, tls):
    return flags(port, case, tls, f"--ca_file={tls}/ca.pem")


def server_flags(port, tls):
    result = [f"--port={port}", f"--use_tls={'true' if tls else 'false'}"]
    if tls:
        result += [f"--tls_cert_file={tls}/server1.pem", f"--tls_key_file={tls}/server1.key"]
    return result


def proa(folder):
    def client(port, case, tls):
        soak = SOAK if "soak" in case else []
        return [f"{folder}/interop_client", *with_ca(port, case, tls), *(["--use_test_ca=true"] if tls else []), *soak]
    return Peer("proa", lambda port, tls: [f"{folder}/interop_server", *server_flags(port, tls)], client)


def grpc_go(peers):
    def client(port, case, tls):
        secure = ["-use_tls", "-use_test_ca", f"-ca_file={tls}/ca.pem", f"-server_host_override={HOST}"] if tls else []
        return [f"{peers}/bin/client", "-server_host=127.0.0.1", f"-server_port={port}", f"-test_case={case}", *secure,
                *(SOAK if "soak" in case else [])]

    def server(port, tls):
        secure = ["-use_tls", f"-tls_cert_file={tls}/server1.pem", f"-tls_key_file={tls}/server1.key"] if tls else []
        return [f"{peers}/bin/server", f"-port={port}", *secure]
    return Peer("grpc-go", server, client)


def grpcio(peers):
    program = [f"{peers}/python/bin/python3", f"{HERE}/python_peer.py", f"{peers}/contract"]
    return Peer("grpcio", lambda port, tls: [*program, "server", *server_flags(port, tls)],
                lambda port, case, tls: [*program, "client", *with_ca(port, case, tls)])


def grpc_java(peers):
    java = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-cp", f"{peers}/java/lib/*"]
    package = "io.grpc.testing.integration."

    def server(port, tls):
        secure = "true" if tls else "false"
        return [*java, package + "TestServiceServer", f"--port={port}", f"--use_tls={secure}", "--address_type=IPV4"]

    def client(port, case, tls):
        return [*java, package + "TestServiceClient", *flags(port, case, tls, "--use_test_ca=true"),
                *(SOAK if "soak" in case else [])]
    return Peer("grpc-java", server, client, certificates=f"{peers}/java")


def grpc_cpp(peers):
    def server(port, tls):
        return [f"{peers}/cpp/bin/interop_server", f"--port={port}", f"--use_tls={'true' if tls else 'false'}"]

    def client(port, case, tls):
        return [f"{peers}/cpp/bin/interop_client", *flags(port, case, tls, "--use_test_ca=true"),
                *(SOAK if "soak" in case else [])]
    return Peer("grpc-cpp", server, client, certificates=f"{peers}/cpp")


def tonic(peers):
    program = f"{peers}/rust/target/debug/tonic_peer"
    return Peer("tonic", lambda port, tls: [program, "server", *server_flags(port, tls)],
                lambda port, case, tls: [program, "client", *with_ca(port, case, tls)])


def grpc_js(peers):
    program = ["node", f"{SOURCES}/node/peer.js", HERE]
    return Peer("grpc-js", lambda port, tls: [*program, "server", *server_flags(port, tls)],
                lambda port, case, tls: [*program, "client", *with_ca(port, case, tls)],
                environment={"NODE_PATH": f"{peers}/node/node_modules"})


PEERS = {"grpc-go": grpc_go, "grpcio": grpcio, "grpc-java": grpc_java, "grpc-cpp": grpc_cpp, "tonic": tonic,
         "grpc-js": grpc_js}
