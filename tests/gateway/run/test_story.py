"""The demo's story through the binaries under test: exactly its tickets, exactly cleared."""
import os
import subprocess
import sys

from conftest import BUILD, SOURCE


def test_the_whole_story_gives_exactly_its_tickets(tmp_path):
    """The conductor exits 0 only if every fault gave its ticket, every removal cleared it, and nothing else came."""
    build = tmp_path / "build"
    build.mkdir()
    os.symlink(os.path.join(BUILD, "bin"), build / "bin")
    done = subprocess.run([sys.executable, "-B", os.path.join(SOURCE, "deploy/demo/play.py"), SOURCE, str(build)],
                          capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 of 8 faults gave exactly their ticket" in done.stdout
