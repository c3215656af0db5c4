"""Every line of a script of .gitlab-ci.yml is a make target of this repository, which anybody can type."""

import os
import re
import shlex
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest
from ruamel.yaml import YAML
from tree import ROOT, text

JOBS = YAML(typ="safe").load(text(".gitlab-ci.yml"))
LINES = [
    (name, line)
    for name, job in JOBS.items()
    if isinstance(job, dict)
    for part in ("before_script", "script", "after_script")
    for line in job.get(part, ())
]
TARGETS = {
    found[1]: found[2] for found in re.finditer(r"^([a-z][a-z0-9-]*):.*## (.*)$", text("Makefile"), re.MULTILINE)
}


@pytest.mark.parametrize(("job", "line"), LINES, ids=[f"{job}-{line.split()[1]}" for job, line in LINES])
def test_a_line_is_one_make_target_with_variables_that_its_help_names(job, line):
    command, target, *given = shlex.split(line)
    assert command == "make"
    assert target in TARGETS
    named = {word.partition("=")[0] for word in given}
    asked = set(re.findall(r"\$\(([A-Z]+)\)", recipe(target)))
    assert named <= asked, f"{target} asks for {asked}"


def test_production_is_deployed_by_hand_from_a_protected_branch_after_all_else():
    [rule] = JOBS["deploy prod"]["rules"]
    assert rule["when"] == "manual"
    assert '$CI_COMMIT_REF_PROTECTED == "true"' in rule["if"]
    assert JOBS["deploy prod"]["needs"] == ["e2e", "deploy dev"]


def test_a_comment_is_sent_to_the_merge_request_of_the_job(tmp_path):
    said = []

    class GitLab(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            said.append((self.path, self.headers["PRIVATE-TOKEN"], parse_qs(body)["body"]))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    table = tmp_path / "contract-diff.md"
    table.write_text("| what | & more |\n|---|---|\n")
    server = HTTPServer(("127.0.0.1", 0), GitLab)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    job = {
        "CALVE_REVIEW_TOKEN": "token",
        "CI_API_V4_URL": f"http://127.0.0.1:{server.server_port}/api/v4",
        "CI_PROJECT_ID": "7",
        "CI_MERGE_REQUEST_IID": "12",
        "NO_PROXY": "127.0.0.1",
    }
    try:
        subprocess.run(["make", "comment", f"FILE={table}"], cwd=ROOT, env=os.environ | job, check=True)
    finally:
        server.shutdown()
        server.server_close()
    assert said == [("/api/v4/projects/7/merge_requests/12/notes", "token", ["| what | & more |\n|---|---|\n"])]


def recipe(target):
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)*)", text("Makefile"), re.MULTILINE)
    return found[1]
