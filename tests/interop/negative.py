# SPDX-License-Identifier: Apache-2.0
"""The negative HTTP/2 cases: our client against h2_negative_server.py, and the official client against it as well, which
shows that the server behaves as the description says. Both ends judge: the client's exit code, and the server's."""
import os
import sys

from matrix import Column, Matrix
from running import Program, free_port, play as play_client

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = ["goaway", "rst_after_header", "rst_during_data", "rst_after_data", "ping", "max_streams", "data_frame_padding",
         "no_df_padding", "no_trailers", "goaway_refuses"]


def column(run, name, program):
    def one(case):
        port = free_port()
        log = f"{run.folder}/negative-{name}-{case}.log"
        command = [sys.executable, f"{HERE}/h2_negative_server.py", case, str(port)]
        with Program(f"the server of {case}", command, log, port=port) as server:
            ok, said = play_client([program, "--server_host=127.0.0.1", f"--server_port={port}", f"--test_case={case}"])
        with open(log, encoding="utf-8") as file:
            return ok and server.exit_code == 0, said + file.read()
    return Column(name, "negative", "plaintext", (name,), one)


def play(run, known):
    if not run.wants("negative"):
        return
    columns = [column(run, "proa", f"{run.bin}/http2_client")]
    official = f"{run.peers}/cpp/bin/http2_client"
    lacking = {}
    if os.access(official, os.X_OK):
        columns.append(column(run, "grpc-cpp", official))
    else:
        lacking["grpc-cpp"] = run.reason_of("grpc-cpp") or "its http2_client is not built"
    matrix = Matrix(CASES, known)
    matrix.play(columns)
    run.show(matrix, "negative HTTP/2", lacking)
