# SPDX-License-Identifier: Apache-2.0
"""Our server behind nginx, haproxy and Envoy; clients are ours and grpc-go's, plaintext and with TLS that ends at the proxy."""
import glob
import os
import re
import time

import interop_peers
from matrix import Column, Matrix
from running import Failed, Program, free_port, play as play_client

HERE = os.path.dirname(os.path.abspath(__file__))


def nginx(run, configuration):
    return [f"{run.peers}/nginx/run", "-p", run.folder, "-c", configuration]


def haproxy(run, configuration):
    return [f"{run.peers}/haproxy/run", "-db", "-f", configuration]


def envoy(run, configuration):
    """Envoy itself, not the Python program around it, so that its pid is the one we end."""
    found = glob.glob(f"{run.peers}/envoy/lib/python3*/site-packages/envoy/_bin/envoy")
    if not found:
        raise Failed("envoy's package has no program in it")
    return [found[0], "-c", configuration, "--concurrency", "1", "--base-id", "7", "-l", "warn"]


PROXIES = {"nginx": (nginx, "nginx.conf"), "haproxy": (haproxy, "haproxy.cfg"), "envoy": (envoy, "envoy.yaml")}


def configure(run, name, template, upstream):
    """Fills in a configuration: (its path, the plaintext port, the port with TLS)."""
    values = {"PORT": free_port(), "TLS_PORT": free_port(), "UPSTREAM": upstream, "FOLDER": run.folder,
              "CERTIFICATES": run.certificates}
    with open(f"{HERE}/proxies/{template}", encoding="utf-8") as file:
        text = re.sub(r"@([A-Z_]+)@", lambda found: str(values[found.group(1)]), file.read())
    path = f"{run.folder}/{template}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path, values["PORT"], values["TLS_PORT"]


def one_file(folder):
    """Certificate and key in one file, as haproxy wants them."""
    with open(f"{folder}/both.pem", "w", encoding="utf-8") as out:
        for name in ("server1.pem", "server1.key"):
            with open(f"{folder}/{name}", encoding="utf-8") as file:
                out.write(file.read())


def column(run, client, name, program, port, transport):
    tls = None if transport == "plaintext" else run.certificates

    def one(case):
        ok, said = play_client(client.client(port, case, tls), client.environment)
        return ok and program.is_running(), said + ("" if program.is_running() else f"\n{name} is gone")
    return Column(client.name, name, transport, (name if client.name == "proa" else "", client.name), one)


def through(run, matrix, name, clients, transports):
    make, template = PROXIES[name]
    with run.program(run.proa, None, f"-behind-{name}") as ours:
        path, port, tls_port = configure(run, name, template, ours.port)
        with Program(name, make(run, path), f"{run.folder}/{name}.log", port=port) as proxy:
            for transport in transports:
                at = port if transport == "plaintext" else tls_port
                matrix.play([column(run, client, name, proxy, at, transport) for client in clients])
    if ours.exit_code != 0:
        run.add(0, 0, 1, [f"{ours.name}: exit {ours.exit_code} at SIGTERM"])


def play(run, known, cases, transports):
    names, lacking = [name for name in PROXIES if run.wants(name)], {}
    if not names:
        return
    one_file(run.certificates)
    clients = [run.proa]
    if run.reason_of("grpc-go") is None and os.access(f"{run.peers}/bin/client", os.X_OK):
        clients.append(interop_peers.grpc_go(run.peers))
    matrix = Matrix(cases, known)
    for name in names:
        reason = run.reason_of(name)
        if reason:
            lacking[name] = reason
            continue
        begin = time.monotonic()
        through(run, matrix, name, clients, transports)
        print(f"{name}: played in {time.monotonic() - begin:.0f} s", flush=True)
    run.show(matrix, "client -> proxy -> proa", lacking)
