"""Asks one nginx for several locations in turns with wrk, so that what else the machine does hits
all of them alike."""

import re
import statistics
import subprocess
import time

from harness import Failure


def wrk(server, path, arguments, *more):
    threads = min(2, arguments.connections)
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


def compare(server, paths, arguments, *more):
    """Prints for each path what it comes to beside the first one: the median of the rates, and the
    least of the costs, which what else the machine does can only add to."""
    results = {name: [] for name in paths}
    costs = {name: [] for name in paths}
    for _ in range(arguments.rounds):
        for name, path in paths.items():
            used = processor(server)
            rate, errors = wrk(server, path, arguments, *more)
            if errors:
                raise Failure(f"{path}: {errors} requests failed")
            results[name].append(rate)
            costs[name].append((processor(server) - used) / (rate * arguments.seconds) * 1e6)
    base, first = statistics.median(next(iter(results.values()))), min(next(iter(costs.values())))
    width = max(map(len, paths))
    for name, rates in results.items():
        middle, cost = statistics.median(rates), min(costs[name])
        print(f"{name:{width}} {middle:10.0f} requests/s  {100 * (middle / base - 1):+6.1f} %"
              f"  {cost:6.2f} us of a processor each  {100 * (cost / first - 1):+6.1f} %")
