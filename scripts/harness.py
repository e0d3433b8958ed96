"""Starts nginx with an example configuration, and looks at what it answers.

Every server gets a prefix of its own under a temporary directory, free ports
on the loopback in place of those in the file, and is gone, files and all, when
the `with` block ends.
"""

import base64
import collections
import ctypes
import glob
import hashlib
import hmac
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MODULE = f"{ROOT}/build/ngx_http_image_gate_module.so"
PHOTOS = f"{ROOT}/build/photos/demo"
NGINX = os.environ.get("NGINX_BINARY", "/usr/sbin/nginx")

LISTEN = re.compile(r"listen\s+127\.0\.0\.1:(\d+)")


class Failure(Exception):
    """What went wrong, in one line."""


def free_ports(n):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class Nginx:
    """nginx running `conf`, its `images` being a copy of the demo's photos.

    `ports` maps a port as written in the file to the one in use, which is a free
    one unless it is given; `edit` is applied to the text of the file first; `under`
    is a command to run it with.
    """

    def __init__(self, conf, edit=lambda text: text, photos=PHOTOS, under=(), ports={}):
        self.conf, self.edit, self.photos, self.under, self.ports = conf, edit, photos, under, ports
        self.process = None

    def __enter__(self):
        if not os.path.exists(MODULE):
            raise Failure(f"{MODULE} is not there: run make first")
        self.prefix = tempfile.mkdtemp(prefix="image-gate-")
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        os.chmod(self.prefix, 0o755)  # workers of root are nobody
        os.makedirs(f"{self.prefix}/logs")
        os.makedirs(f"{self.prefix}/modules")
        os.symlink(MODULE, f"{self.prefix}/modules/{os.path.basename(MODULE)}")
        shutil.copytree(self.photos, f"{self.prefix}/images")

        with open(self.conf) as file:
            text = self.edit(file.read())
        written = [int(port) for port in LISTEN.findall(text)]
        self.ports = dict(zip(written, free_ports(len(written)))) | self.ports
        text = re.sub(r":(\d+)\b", lambda m: f":{self.ports.get(int(m[1]), m[1])}", text)
        for kind in ("keys", "users"):
            for beside in glob.glob(f"{os.path.dirname(self.conf)}/*.{kind}"):
                shutil.copy(beside, self.prefix)
        if os.path.exists(params := f"{os.path.dirname(self.conf)}/s3_params"):
            shutil.copy(params, self.prefix)
        for beside in glob.glob(f"{os.path.dirname(self.conf)}/*.credentials"):
            # git keeps no such permissions.
            os.chmod(shutil.copy(beside, self.prefix), 0o600)
        shutil.copytree(f"{ROOT}/examples/marks", f"{self.prefix}/marks")
        path = f"{self.prefix}/nginx.conf"
        with open(path, "w") as file:
            file.write(text)

        log = f"{self.prefix}/logs/start.log"
        self.process = subprocess.Popen(
            [*self.under, NGINX, "-p", self.prefix, "-c", path, "-e", "stderr", "-g",
             "daemon off; pid logs/nginx.pid; error_log logs/error.log info;"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(log, "w"),
            start_new_session=True, preexec_fn=_die_with_parent)
        for port in self.ports.values():
            self._await(port, log)
        with open(log) as file:
            if warnings := [line.strip() for line in file if "[warn]" in line]:
                raise Failure(f"{self.conf} is not read without a word: {warnings[0]}")

    def _await(self, port, log):
        deadline = time.monotonic() + (60 if self.under else 10)
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    with open(log) as file:
                        lines = [line for line in file if "[emerg]" in line] or ["no reason given\n"]
                    raise Failure(f"nginx does not start: {lines[-1].strip()}") from None
                time.sleep(0.02)

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
            try:  # the whole process group, should a worker have outlived its master
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()
        shutil.rmtree(self.prefix, ignore_errors=True)

    def _workers(self):
        """The workers that accept, by process id: one that is to end has another title."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
            children = file.read().split()
        workers = set()
        for child in children:
            try:
                with open(f"/proc/{child}/cmdline") as file:
                    if file.read().rstrip("\0 ") == "nginx: worker process":
                        workers.add(child)
            except OSError:
                pass  # it has ended since
        return workers

    def rewrite(self, edit):
        """Edits the configuration as it is in use, and has nginx read it again.

        For a while old workers accept beside the new ones; after this only the new ones do.
        """
        before = self._workers()
        path = f"{self.prefix}/nginx.conf"
        with open(path) as file:
            text = edit(file.read())
        with open(path, "w") as file:
            file.write(text)
        self.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 15
        while not (now := self._workers()) or now & before:
            if time.monotonic() > deadline:
                raise Failure(f"nginx does not read {path} again")
            time.sleep(0.02)

    def left_behind(self):
        """What is still there after the end, which should be nothing."""
        found = []
        try:
            os.killpg(self.process.pid, 0)
            found.append(f"processes of group {self.process.pid}")
        except ProcessLookupError:
            pass
        if os.path.exists(self.prefix):
            found.append(self.prefix)
        return found

    def base(self, port=8080):
        return f"http://127.0.0.1:{self.ports[port]}"

    def log(self, name="error.log"):
        with open(f"{self.prefix}/logs/{name}", errors="replace") as file:
            return file.read()

    def alerts(self):
        return [line for line in self.log().splitlines()
                if re.search(r"\[(alert|emerg|crit)\]|signal 11|panicked", line)]


Answer = collections.namedtuple("Answer", "status headers body")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def fetch(url, headers={}, method="GET", body=None):
    request = urllib.request.Request(url, headers=headers, method=method, data=body)
    try:
        with _opener.open(request, timeout=60) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as answer:
        return Answer(answer.code, answer.headers, answer.read())
    except OSError as error:
        raise Failure(f"{url}: {error}") from None


def sign(uri, secret, expires):
    """A link for secure_link_hash: base64url of HMAC-SHA256 over URI and expiry."""
    digest = hmac.new(secret.encode(), f"{uri}|{expires}".encode(), hashlib.sha256).digest()
    token = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return f"{uri}?token={token}&expires={expires}"


def _imagemagick(tool, *arguments, body=None):
    # By full name: what else is called `convert` on a machine is anyone's guess.
    return subprocess.run([f"/usr/bin/{tool}", *arguments], input=body,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def identify(body):
    """(format, "WIDTHxHEIGHT") of a picture, decoded in full."""
    result = _imagemagick("identify", "-regard-warnings", "-format", "%m %wx%h", "-[0]", body=body)
    if result.returncode:
        raise Failure("the answer does not decode: " + result.stderr.decode().strip()[:200])
    kind, size = result.stdout.decode().split()[:2]
    return kind.lower(), size


def psnr(body, reference):
    """PSNR in dB of a picture against ImageMagick's `reference`, arguments of convert."""
    with tempfile.TemporaryDirectory(prefix="image-gate-") as scratch:
        theirs, ours = f"{scratch}/reference.png", f"{scratch}/answer"
        made = _imagemagick("convert", *reference, "-strip", "-depth", "8", theirs)
        if made.returncode:
            raise Failure("no reference: " + made.stderr.decode().strip()[:200])
        with open(ours, "wb") as file:
            file.write(body)
        result = _imagemagick("compare", "-metric", "PSNR", theirs, ours + "[0]", "null:")
    words = result.stderr.decode().split()
    try:
        return float(words[0])
    except (IndexError, ValueError):
        raise Failure("not comparable: " + " ".join(words)[:200]) from None


class Checks:
    """Prints one line for each check and remembers the failures."""

    def __init__(self):
        self.passed = self.failed = 0

    def __call__(self, name, wrong):
        """`wrong` is what is wrong, or nothing."""
        if wrong:
            self.failed += 1
            print(f"not ok  {name}: {wrong}")
        else:
            self.passed += 1
            print(f"ok      {name}")

    def expect(self, name, found, expected):
        self(name, None if found == expected else f"{found!r:.80}, not {expected!r:.80}")

    def finish(self):
        print(f"{self.passed + self.failed} checks, {self.failed} failed")
        return 1 if self.failed else 0


def main(function):
    """Runs `function`; a signal ends it as Ctrl-C does, a Failure is one line."""
    def stop(*_):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
    try:
        sys.exit(function())
    except Failure as failure:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
