"""The lines of README.md that say how to use the server from Stream's SDK for Python, run as they stand there."""

import subprocess
import sys

from house import REPOSITORY

HEADING = "## Use it from Stream's SDKs"


def test_its_lines_for_python_make_a_user_a_call_and_a_token(house, client, tmp_path):
    readme = (REPOSITORY / "README.md").read_text()
    assert f"\n{HEADING}\n" in readme, f"README.md has no section `{HEADING}`"
    section = readme.split(f"\n{HEADING}\n")[1].split("\n## ")[0]
    snippets = [rest.split("```")[0] for rest in section.split("```python\n")[1:]]
    assert len(snippets) == 1 and "http://127.0.0.1:7400" in snippets[0]
    file = tmp_path / "snippet.py"
    file.write_text(snippets[0].replace("http://127.0.0.1:7400", house.url))
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    token = done.stdout.strip().splitlines()[-1]
    mine = client.clone_for_token(token).video.call("default", "standup").get().data
    assert mine.call.created_by.id == "ann" and "mute-users" in mine.own_capabilities
