"""Walks every operation that `/openapi.json` describes with requests that schemathesis makes up, as the backend and as a user.

No answer may be a server error, and each must have a status, a type and a body that the description names.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

from getstream.models import CallRequest, MemberRequest, UserRequest
from house import KEY, House

SEED = 20_260_101
EXAMPLES = 20
SECONDS = 150
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"

# What is really there is asked for more often than not: made-up names alone would meet nothing but 404.
CONFIG = """
[dictionaries]
types = {{ values = ["default", "livestream", "custom-type"] }}
calls = {{ values = ["call-1", "call-2"] }}
cids = {{ values = ["default:call-1", "livestream:call-2"] }}
rooms = {{ values = ["room-1", "room-2"] }}
users = {{ values = ["ann", "bo", "cy"] }}
roles = {{ values = ["user", "admin", "custom-role"] }}

[parameters]
"path.type" = {{ dictionary = "types", probability = 0.8 }}
"path.id" = {{ dictionary = "calls", probability = 0.8 }}
"path.name" = {{ dictionary = "types", probability = 0.7 }}
"path.cid" = {{ dictionary = "cids", probability = 0.8 }}
"path.room" = {{ dictionary = "rooms", probability = 0.8 }}
"path.user_id" = {{ dictionary = "users", probability = 0.8 }}
"body.user_id" = {{ dictionary = "users", probability = 0.8 }}
"body.data.created_by_id" = {{ dictionary = "users", probability = 0.8 }}

[auth.openapi.api_key]
api_key = "{key}"

[auth.openapi.token]
api_key = "{token}"

[auth.openapi.server_token]
bearer = "{token}"

[auth.openapi.management_token]
bearer = "{management}"
"""


def furnish(client):
    """Calls, users and a call type, so that there is something to meet."""
    client.upsert_users(*(UserRequest(id=name) for name in ("ann", "bo", "cy")))
    client.create_role("custom-role")
    client.video.create_call_type(name="custom-type", grants={"custom-role": ["read-call"]})
    calls = (("default", "call-1"), ("livestream", "call-2"), ("custom-type", "call-1"), ("daily", "room-1"), ("daily", "room-2"))
    for call_type, call_id in calls:
        data = CallRequest(created_by_id="ann", members=[MemberRequest(user_id="bo", role="admin")])
        client.video.call(call_type, call_id).get_or_create(data=data)


def walk(who, tokens_of, folder):
    """One walk over a fresh server; how many operations were asked, and what was wrong."""
    house = House(ROLECALL_LIMITS_REST_PER_MINUTE_SERVER="1000000", ROLECALL_LIMITS_REST_PER_MINUTE_USER="1000000")
    try:
        furnish(house.client)
        config = folder / f"{who}.toml"
        token, management = tokens_of(house)
        config.write_text(CONFIG.format(key=KEY, token=token, management=management))
        report = folder / f"{who}.json"
        words = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", f"{house.url}/openapi.json"),
            *("--checks", CHECKS, "--phases", "examples,fuzzing", "--max-examples", str(EXAMPLES), "--seed", str(SEED)),
            *("--generation-database", "none", "--generation-with-security-parameters", "false", "--request-timeout", "10"),
            *("--continue-on-failure", "--no-shrink", "--workers", "1", "--no-color", "--report-json-path", str(report)),
        ]
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, cwd=folder)
        described = json.load(urllib.request.urlopen(f"{house.url}/openapi.json"))
        operations = sum(method in ("get", "put", "post", "patch", "delete") for path in described["paths"].values() for method in path)
        return operations, done, report
    finally:
        house.close()


def main():
    failed = 0
    walks = {
        "backend": lambda house: (house.client.token, house.management_token),
        "user": lambda house: (house.client.create_token("ann", expiration=3600),) * 2,
    }
    with tempfile.TemporaryDirectory(prefix="rolecall-schema-") as folder:
        for who, tokens_of in walks.items():
            begun = time.monotonic()
            try:
                operations, done, _ = walk(who, tokens_of, pathlib.Path(folder))
            except subprocess.TimeoutExpired as late:
                print((late.stdout or b"").decode(errors="replace")[-4000:])
                print(f"{who}: not done within {SECONDS} s")
                failed += 1
                continue
            if done.returncode != 0 or os.environ.get("ROLECALL_SCHEMA_TALK"):
                print("\n".join(line[:400] for line in (done.stdout + done.stderr).splitlines()))
            failed += done.returncode != 0
            print(f"{who}: {operations} operations walked in {time.monotonic() - begun:.0f} s, {'wrong' if done.returncode else 'as described'}")
    print(f"{len(walks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
