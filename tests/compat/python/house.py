"""The house of a test module: a server of its own, and Stream's SDK for Python opened onto it."""

import os
import pathlib
import queue
import re
import subprocess
import tempfile
import threading
import uuid
from datetime import datetime, timedelta, timezone

import pytest
from getstream import AsyncStream, Stream, StreamApiException

KEY = "devkey"
SECRET = "devsecret-devsecret-devsecret-devsecret"
REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
START_SECONDS = 20
STATUS = {2: 401, 4: 400, 5: 401, 16: 404, 17: 403, 40: 401, 43: 401}


def program():
    """The program under test: `ROLECALL_BIN`, else the newest place cargo puts it."""
    candidates = [os.environ.get("ROLECALL_BIN"), REPOSITORY / "target/release/rolecall", REPOSITORY / "target/debug/rolecall"]
    found = next((path for path in candidates if path and os.path.exists(path)), None)
    if found is None:
        raise RuntimeError("no server to test: build it, or name it in ROLECALL_BIN")
    return os.path.abspath(found)


class House:
    """A server on a free port, its data in a folder that goes with it."""

    def __init__(self, **settings):
        self._home = tempfile.TemporaryDirectory(prefix="rolecall-compat-")
        # The server knows every ROLECALL_ variable and refuses others: the tests' own stay with the tests.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ROLECALL_")}
        environment |= {"ROLECALL_LISTEN": "127.0.0.1:0", "ROLECALL_DATA": os.path.join(self._home.name, "data"), **settings}
        self._noise = tempfile.TemporaryFile()
        self._child = subprocess.Popen(
            [program(), "serve"], cwd=self._home.name, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._noise, text=True
        )
        self.url = self._listening()
        self.client = Stream(api_key=KEY, api_secret=SECRET, base_url=self.url)
        minting = [program(), "token", "--hms-management"]
        minted = subprocess.run(minting, cwd=self._home.name, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        self.management_token = minted.stdout.strip()

    def _listening(self):
        lines = queue.Queue()

        def read():
            for line in self._child.stdout:
                lines.put(line)
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        end = datetime.now(timezone.utc) + timedelta(seconds=START_SECONDS)
        while True:
            left = (end - datetime.now(timezone.utc)).total_seconds()
            try:
                line = lines.get(timeout=max(left, 0.001))
            except queue.Empty:
                line = None
            if line is None:
                self._noise.seek(0)
                said = self._noise.read()[-4000:].decode(errors="replace")
                self.close()
                raise RuntimeError(f"the server does not listen\n{said}")
            if found := re.match(r"listening on (\S+)", line):
                return found[1]

    def user(self, user_id):
        """Stream's SDK speaking as a user."""
        return self.client.clone_for_token(self.client.create_token(user_id, expiration=3600))

    def asynchronous(self):
        return AsyncStream(api_key=KEY, api_secret=SECRET, base_url=self.url)

    def close(self):
        self._child.terminate()
        try:
            self._child.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()
        self._noise.close()
        self._home.cleanup()


def fresh(what="t"):
    """A name nobody has."""
    return f"{what}-{uuid.uuid4().hex[:8]}"


class refused:
    """Asserts that the block is refused the way Stream refuses: the code, its status, the operation, and what is said."""

    def __init__(self, code, operation, *says):
        self.code, self.operation, self.says = code, operation, says

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        assert kind is not None, f"{self.operation} was not refused"
        if not isinstance(error, StreamApiException):
            return False
        assert error.code == self.code, error
        assert error.status_code == STATUS[self.code], error
        assert error.message.startswith(f'{self.operation} failed with error: "'), error.message
        assert error.api_error is not None and error.api_error.status_code == error.status_code
        assert isinstance(error.details, list) and isinstance(error.exception_fields, dict)
        for part in self.says:
            assert part in error.message, f"{error.message}\nlacks {part}"
        return True


def recent(time):
    """Asserts that this is a time of the last minute, with a zone."""
    assert isinstance(time, datetime) and time.tzinfo is not None, time
    assert abs(datetime.now(timezone.utc) - time) < timedelta(minutes=1), time


@pytest.fixture(scope="module")
def house():
    opened = House()
    yield opened
    opened.close()
