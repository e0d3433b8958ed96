"""Asks one nginx for several locations in turns with wrk, so that what else the machine does hits
all of them alike."""

import argparse
import re
import statistics
import subprocess
import time

from document import put, table
from harness import NGINX, Failure

HEAD = ["", "requests a second", "beside the first", "us of a processor each", "beside the first"]


def arguments(**defaults):
    """What the command line says, numbers all of them but --write."""
    parser = argparse.ArgumentParser()
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    return parser.parse_args()


def wrk(server, path, arguments, headers={}, *more):
    threads = min(2, arguments.connections)
    more += tuple(part for name, value in headers.items() for part in ("-H", f"{name}: {value}"))
    command = ["wrk", f"-t{threads}", f"-c{arguments.connections}", f"-d{arguments.seconds}s",
               *more, server.base() + path]
    out = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    answers, seconds = re.search(r"(\d+) requests in ([\d.]+)s", out).groups()
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    # By the time that was asked for: the clock of wrk ends when it has closed its connections.
    return int(answers) / arguments.seconds, int(errors[1]) if errors else 0


def workers(server):
    with open(f"{server.prefix}/logs/nginx.pid") as file:
        master = file.read().strip()
    return subprocess.run(["pgrep", "-P", master], stdout=subprocess.PIPE, text=True).stdout.split()


def processor_of(pid):
    """Seconds of processor time that a process has used, all threads (see clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | 2)


def processor(server):
    """Seconds of processor time that the workers have used."""
    return sum(processor_of(int(pid)) for pid in workers(server))


def compare(server, paths, arguments):
    """Asks for each path, one with its headers, and answers with the rows of a table: the medians of the rounds,
    and beside the first path the median of what came out in the same round, back and forth, since the machine
    changes from one to the next by more than what is looked for."""
    found = {name: [] for name in paths}
    order = list(paths)
    for _ in range(arguments.rounds):
        for name in order:
            path, headers = paths[name]
            used = processor(server)
            rate, errors = wrk(server, path, arguments, headers)
            if errors:
                raise Failure(f"{path}: {errors} requests failed")
            found[name].append((rate, (processor(server) - used) / (rate * arguments.seconds) * 1e6))
        order.reverse()
    rows, first = [], next(iter(found.values()))
    for name, rounds in found.items():
        rate, cost = (statistics.median(part) for part in zip(*rounds))
        beside = [statistics.median(100 * (one[at] / other[at] - 1) for one, other in zip(rounds, first)) for at in (0, 1)]
        beside = [f"{ratio:+.1f} %" if rows else "" for ratio in beside]
        rows.append([name, f"{rate:.0f}", beside[0], f"{cost:.2f}", beside[1]])
    print(table(HEAD, rows), flush=True)
    return rows


def conclude(name, title, text, rows, arguments):
    """Puts a table into the document, where that was asked for."""
    if arguments.write:
        version = subprocess.run([NGINX, "-v"], stderr=subprocess.PIPE, text=True).stderr
        how = (f"Medians of {arguments.rounds} rounds of {arguments.seconds} s, beside another row those of what "
               f"came out in the same round;\nnginx {version.strip().split('/')[-1]}, "
               f"workers: {arguments.workers}, connections: {arguments.connections}.\n")
        put(name, [f"## {title}\n\n    benches/{name}\n\n{text} {how}", table(HEAD, rows)])
