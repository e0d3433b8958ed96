"""Asks one nginx for several locations in turns with wrk, so that what else the machine does hits
all of them alike."""

import argparse
import contextlib
import re
import statistics
import subprocess
import tempfile
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


# Has wrk ask for another address each time, also in its other threads and the next time it runs.
UNIQUE = """
local threads, asked = 0, 0
function setup(thread) threads = threads + 1; thread:set("id", threads) end
function request() asked = asked + 1; return wrk.format(nil, wrk.path .. "?n=SEED-" .. (id or 0) .. "-" .. asked) end
"""


@contextlib.contextmanager
def unique():
    """The arguments that make wrk ask for addresses that nobody has asked for."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(UNIQUE.replace("SEED", f"{time.time_ns():x}"))
        script.flush()
        yield ["-s", script.name]


def workers(server):
    with open(f"{server.prefix}/logs/nginx.pid") as file:
        master = file.read().strip()
    # Beside those that look after caches, one of which ends after a minute.
    command = ["pgrep", "-P", master, "-f", "nginx: worker process"]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.split()


def processor_of(pid):
    """Seconds of processor time that a process has used, all threads (see clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | 2)


def processor(server):
    """Seconds of processor time that the workers have used."""
    return sum(processor_of(int(pid)) for pid in workers(server))


def compare(server, paths, arguments, how=contextlib.nullcontext, other=None):
    """Asks for each path, one with its headers, as `how` says, and answers with the rows of a table: the medians of the rounds,
    and beside the first path the median of what came out in the same round, back and forth, since the machine
    changes from one to the next by more than what is looked for. Where there is an `other` path, the processor
    is told beside that, too."""
    found = {name: [] for name in paths}
    order = list(paths)
    for _ in range(arguments.rounds):
        for name in order:
            path, headers = paths[name]
            used = processor(server)
            with how() as more:
                rate, errors = wrk(server, path, arguments, headers, *more or [])
            if errors:
                raise Failure(f"{path}: {errors} requests failed")
            found[name].append((rate, (processor(server) - used) / (rate * arguments.seconds) * 1e6))
        order.reverse()
    rows, first = [], next(iter(found))

    def beside(name, base, at):
        pairs = zip(found[name], found[base])
        ratio = statistics.median(100 * (one[at] / another[at] - 1) for one, another in pairs)
        return f"{ratio:+.1f} %" if name != base else ""

    for name, rounds in found.items():
        rate, cost = (statistics.median(part) for part in zip(*rounds))
        rows.append([name, f"{rate:.0f}", beside(name, first, 0), f"{cost:.2f}", beside(name, first, 1)])
        if other:
            rows[-1].append(beside(name, other, 1))
    print(table(head(other), rows), flush=True)
    return rows


def head(other=None):
    return [*HEAD, f"beside {other}"] if other else HEAD


def conclude(name, title, text, rows, arguments, *more, other=None):
    """Puts a table, and what comes behind it, into the document, where that was asked for."""
    if arguments.write:
        version = subprocess.run([NGINX, "-v"], stderr=subprocess.PIPE, text=True).stderr
        how = (f"Medians of {arguments.rounds} rounds of {arguments.seconds} s, beside another row those of what "
               f"came out in the same round;\nnginx {version.strip().split('/')[-1]}, "
               f"workers: {arguments.workers}, connections: {arguments.connections}.\n")
        put(name, [f"## {title}\n\n    benches/{name}\n\n{text} {how}", table(head(other), rows), *more])
