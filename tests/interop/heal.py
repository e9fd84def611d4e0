# SPDX-License-Identifier: Apache-2.0
"""Servers that are killed under load and started again: each failed call is UNAVAILABLE, the next succeeds within two seconds
of the return, and nothing leaks. heal_client.c is the load; the servers are those of every peer."""
import selectors
import signal
import subprocess
import time

from running import Failed, play as play_client, tail

ROUNDS = 3
HEALED_MS = 2000
WORD_S = 60  # "it hangs"
GROWTH_BYTES = 256 * 1024  # between two quiet moments: pools that another order of events fills a little more
LEFT_BYTES = {"plaintext": 96 * 1024, "TLS": 640 * 1024}  # when all is freed: what malloc and OpenSSL keep for themselves


class Load:
    """heal_client, which answers each word with a line."""

    def __init__(self, command, log):
        self.log = log
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)

    def say(self, word, expected):
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()
        limit = time.monotonic() + WORD_S
        while not self.selector.select(limit - time.monotonic()):
            if time.monotonic() >= limit:
                raise Failed(f"no answer to `{word}` in {WORD_S} s")
        line = self.process.stdout.readline().decode().split()
        if not line or line[0] != expected:
            raise Failed(f"`{word}`: the answer is {' '.join(line) or 'none'}")
        return [int(number) for number in line[1:]]

    def end(self):
        """(exit code, the last line)"""
        try:
            said, _ = self.process.communicate(timeout=WORD_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            said, _ = self.process.communicate()
        return self.process.returncode, said.decode().strip()


def one_round(run, load, server, tls):
    load.say("load", "loaded")
    load.say("dying", "dying")
    server.end(signal.SIGKILL)
    load.say("killed", "failing")
    server.start()
    # It is back when somebody else gets an answer: a JVM listens long before it is ready to shake hands.
    ok, said = play_client(run.proa.client(server.port, "empty_unary", tls))
    if not ok:
        raise Failed(f"{server.name} does not answer after its return:\n{said}")
    took, = load.say("back", "healed")
    load.say("load", "loaded")
    return took, load.say("quiet", "quiet")


def heal(run, peer, tls):
    """One line of the table: (the times to heal, the totals)."""
    server = run.program(peer, tls, f"-heal-{'TLS' if tls else 'plaintext'}")
    command = [f"{run.bin}/heal_client", f"--server_port={server.port}", f"--use_tls={'true' if tls else 'false'}"]
    if tls:
        command += [f"--ca_file={tls}/ca.pem", "--server_host_override=foo.test.google.fr"]
    with server:
        load = Load(command, f"{run.folder}/heal-{peer.name}.log")
        try:
            rounds = [one_round(run, load, server, tls) for _ in range(ROUNDS)]
        finally:
            code, totals = load.end()
    times = [took for took, _ in rounds]
    (files, size), (last_files, last_size) = rounds[0][1], rounds[-1][1]
    if code:
        raise Failed(f"{totals}\n{tail(load.log)}")
    if max(times) > HEALED_MS:
        raise Failed(f"a call succeeded {max(times)} ms after the return")
    if last_files != files:
        raise Failed(f"{files} open files after the first round, {last_files} after the last")
    if last_size > size + GROWTH_BYTES:
        raise Failed(f"{size} bytes in use after the first round, {last_size} after the last")
    left = int(totals.split()[-3])
    if left > LEFT_BYTES["TLS" if tls else "plaintext"]:
        raise Failed(f"{left} bytes in use when all is freed")
    return times, f"{totals}, {last_files} files open, {(last_size - size) / 1024:+.0f} KiB since the first"


def play(run, known, peers, transports):
    if not run.wants("heal") and not any(run.names and peer.name in run.names for peer in peers):
        return
    print(f"\n{'a server dies and returns':<28}healed in ms, three times")
    for peer in peers:
        for transport in transports:
            tls = None if transport == "plaintext" else run.certificates_of(peer)
            label = f"{peer.name}, {transport}"
            entry = known.find("proa", peer.name, transport, "heal")
            if entry:
                print(f"{label:<28}{entry.reason}")
                run.add(0, 1, 0)
                continue
            try:
                times, totals = heal(run, peer, tls)
            except Failed as failure:
                print(f"{label:<28}FAIL", flush=True)
                run.add(0, 0, 1, [f"a server dies and returns, {label}:\n{failure}"])
                continue
            print(f"{label:<28}{' '.join(f'{took:>4}' for took in times)}   {totals}", flush=True)
            run.add(1, 0, 0)
    for name, reason in run.lacking.items():
        print(f"{name:<28}not run: {reason}")
