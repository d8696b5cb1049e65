"""Fetches wheels and lays out from them what linking with libtorch needs.

`cargo xtask setup` calls it and says what to fetch. A download that broke off goes on where it
stopped, in this run or a later one. Nothing is unpacked before its hash is the one that the
repository has written down. The folders that programs use are put in place whole, and the file
`torch/build-version` comes with the last of them: where it stands, all is there.

pip chooses the wheels and brings its own settings: index, proxies, certificates, passwords. Its
commands cannot say what they would choose without fetching it, and cannot go on with a download
that broke off, so the few internals used here, which pip 20 to 26 have in common, do both.
"""

import argparse
import contextlib
import fcntl
import fnmatch
import hashlib
import logging
import shutil
import sys
import time
import zipfile
from pathlib import Path

CHUNK = 1 << 20
TRIES = 5


class Failure(Exception):
    """What went wrong and what to do about it, in a line."""


try:
    import pip
except ImportError:
    sys.exit(
        "error: this Python has no pip; install it (Debian and Ubuntu: apt install python3-pip; "
        "others: python3 -m ensurepip) and run the command again"
    )
UNKNOWN_PIP = (
    f"pip {pip.__version__} is not one that the set-up knows ({{}}); "
    "bring pip 20 to 26, or set LIBTORCH to a libtorch of yours"
)
try:
    from pip._internal.cli.cmdoptions import make_target_python
    from pip._internal.commands import create_command
    from pip._internal.utils.misc import redact_auth_from_url
    from pip._vendor.packaging.specifiers import SpecifierSet
    from pip._vendor.requests.exceptions import RequestException
except ImportError as error:
    sys.exit("error: " + UNKNOWN_PIP.format(error))


class Index:
    """The package index, asked as pip asks it."""

    def __init__(self, stack):
        # pip's log would tell of every try; what fails is told once, as the error.
        logging.getLogger("pip").addHandler(logging.NullHandler())
        logging.getLogger("pip").propagate = False
        command = create_command("download")
        # No Python here will run what the wheels hold, so which version they are for is all one.
        # Few retries, since `download` tries again by itself, and from where it stopped.
        options, _ = command.parse_args(
            ["--only-binary=:all:", "--python-version=3.12", "--no-cache-dir", "--retries=2"]
        )
        stack.enter_context(command.main_context())
        self.session = command.get_default_session(options)
        self.finder = command._build_package_finder(
            options=options,
            session=self.session,
            target_python=make_target_python(options),
            ignore_requires_python=True,
        )

    def find(self, requirement):
        """The link to the wheel of `name==version` that fits this machine."""
        name, version = requirement.split("==")
        found = self.finder.find_best_candidate(name, SpecifierSet(f"=={version}")).best_candidate
        if found is None:
            raise Failure(self.why_not(name, requirement))
        return found.link

    def why_not(self, name, requirement):
        """pip's finder passes over an index that does not answer; this one says so."""
        for index in self.finder.index_urls:
            try:
                self.session.get(f"{index.rstrip('/')}/{name}/").raise_for_status()
            except RequestException as error:
                return (
                    f"{redact_auth_from_url(index)} cannot be asked for {name} ({cause(error)}); "
                    "check the network, the proxy and pip's index, and run the command again"
                )
        return (
            f"there is no wheel of {requirement} for this machine; "
            "install libtorch yourself and set LIBTORCH to its folder"
        )


class Progress:
    """How far a download is: a line that is drawn again, or on no terminal one line each tenth."""

    def __init__(self, name, start, total):
        self.name, self.start, self.total = name, start, total
        self.begun = time.monotonic()
        self.live = sys.stderr.isatty()
        self.drawn = 0.0
        self.tenth = -1

    def at(self, done):
        now = time.monotonic()
        tenth = 10 * done // self.total if self.total else 0
        soon = now - self.drawn < (0.2 if self.live else 2)
        if done != self.total and (soon or not self.live and tenth == self.tenth):
            return
        self.drawn, self.tenth = now, tenth
        speed = (done - self.start) / max(now - self.begun, 0.001)
        percent = 100 * done // self.total if self.total else 0
        line = f"{percent:4} %  {size(done)} of {size(self.total)}, {size(speed)}/s  {self.name}"
        sys.stderr.write(f"\r\033[K{line}" if self.live else f"{line}\n")
        sys.stderr.flush()

    def end(self):
        if self.live:
            sys.stderr.write("\n")


def download(session, link, part):
    """Adds to `part` what it still lacks of the file behind `link`."""
    tries = 0
    while True:
        before = length(part)
        try:
            stream(session, link, part)
            return
        except RequestException as error:
            if error.response is not None and error.response.status_code in (401, 403, 404, 410):
                raise Failure(f"{link.filename} cannot be fetched: {cause(error)}")
            tries = 1 if length(part) > before else tries + 1
            if tries > TRIES:
                raise Failure(
                    f"the network fails ({cause(error)}); "
                    f"run the command again to go on at {size(length(part))}"
                )
            say(f"the connection broke ({cause(error)}); going on at {size(length(part))}")
            time.sleep(2 ** (tries - 1))


def stream(session, link, part):
    have = length(part)
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with session.get(link.url_without_fragment, headers=headers, stream=True) as response:
        if response.status_code == 416:  # nothing comes after what is there
            return
        response.raise_for_status()
        if response.status_code != 206:
            have = 0
        total = have + int(response.headers.get("Content-Length", 0))
        progress = Progress(link.filename, have, total)
        with part.open("ab" if have else "wb") as file:
            try:
                for chunk in response.iter_content(CHUNK):
                    file.write(chunk)
                    have += len(chunk)
                    progress.at(have)
            finally:
                progress.end()
        if have < total:
            raise RequestException("it ended early")


def fetch(session, link, sha256, part):
    """Completes `part` and holds it against the hash that it must have."""
    for _ in range(2):
        download(session, link, part)
        if digest(part) == sha256:
            return
        part.unlink()
        say(f"{link.filename} has a wrong hash and is thrown away")
    raise Failure(
        f"{link.filename} came twice with another hash than wheels.sha256 has; "
        "something between here and the index alters it"
    )


def unpack(wheel, tree, keep, skip):
    def wanted(name):
        def fits(patterns):
            return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)

        return fits(keep) and not fits(skip)

    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if wanted(member.filename) and not member.is_dir():
                archive.extract(member, tree)


def put_in_place(tree, version, into, partial):
    """The folders of `tree` take the place of the old ones."""
    (tree / "torch" / "build-version").write_text(version + "\n")
    # `torch` goes first and comes last, since its build-version speaks for both.
    for name in ("torch", "nvidia"):
        if (into / name).exists():
            (into / name).rename(partial / f"old-{name}-{time.time_ns()}")
    for name in ("nvidia", "torch"):
        if (tree / name).exists():
            (tree / name).rename(into / name)
    shutil.rmtree(partial)


def expected(sums, link):
    """The hash that the file behind `link` must have."""
    for line in sums.read_text().splitlines():
        if not line.startswith("#") and line.split()[1:] == [link.filename]:
            return line.split()[0]
    raise Failure(f"{link.filename} is not among the wheels that {sums.name} lists")


def set_up(options):
    into = Path(options.into)
    stamp = into / "torch" / "build-version"
    partial = into / "partial"
    staging = partial / options.version
    tree = staging / "tree"
    with contextlib.ExitStack() as stack:
        try:
            index = Index(stack)
            links = [index.find(wheel) for wheel in options.wheels]
        except (AttributeError, TypeError) as error:
            raise Failure(UNKNOWN_PIP.format(error))
        wheels = [(link, expected(options.sums, link)) for link in links]
        if options.dry_run:
            return listing(index.session, wheels)
        into.mkdir(parents=True, exist_ok=True)
        stack.enter_context(alone(into / "lock"))
        if stamp.exists() and stamp.read_text().strip() == options.version:
            return
        tree.mkdir(parents=True, exist_ok=True)
        for link, sha256 in wheels:
            done = staging / (link.filename + ".done")
            if done.exists():
                continue
            part = partial / (link.filename + ".part")
            fetch(index.session, link, sha256, part)
            say(f"unpacking {link.filename}")
            unpack(part, tree, options.keep, options.skip)
            done.touch()
            part.unlink()
        put_in_place(tree, options.version, into, partial)


def listing(session, wheels):
    total = 0
    for link, _ in wheels:
        response = session.head(link.url_without_fragment, headers={"Accept-Encoding": "identity"})
        length = int(response.headers.get("Content-Length", 0))
        total += length
        print(f"{size(length):>8}  {link.filename}")
    print(f"{size(total):>8}  in all")


@contextlib.contextmanager
def alone(path):
    """One set-up at a time: a second waits, and then finds the work done."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up is at work here; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def digest(path):
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            sha256.update(chunk)
    return sha256.hexdigest()


def length(path):
    return path.stat().st_size if path.exists() else 0


def size(count):
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"


def cause(error):
    """The innermost of an error's causes: requests wraps urllib3's, which wraps the socket's."""
    for inner in (getattr(error, "reason", None), *error.args):
        if isinstance(inner, Exception):
            return cause(inner)
    # urllib3 begins some with its connection: `<… object at 0x7f…>: Connection refused`.
    return str(error).split(">: ")[-1].split("\n")[0]


def say(line):
    print(line, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description="Fetches libtorch; called by cargo xtask setup.")
    parser.add_argument("--into", required=True, help="the folder for torch/ and nvidia/")
    parser.add_argument("--version", required=True, help="what build-version will say")
    parser.add_argument("--sums", required=True, type=Path, help="the hashes, as sha256sum's")
    parser.add_argument("--keep", action="append", default=[], help="files to unpack")
    parser.add_argument("--skip", action="append", default=[], help="and not to unpack")
    parser.add_argument("--dry-run", action="store_true", help="list the wheels, fetch nothing")
    parser.add_argument("wheels", nargs="+", metavar="NAME==VERSION")
    try:
        set_up(parser.parse_args())
    except (Failure, OSError, zipfile.BadZipFile) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on from here")


if __name__ == "__main__":
    main()
