"""postgres.py: a PostgreSQL of a run's own, below a temporary directory, on a UNIX socket; and a desk's rows in it, read
as stage.Desk reads those in SQLite. Only Python's standard library, and psql.
"""
import glob
import json
import os
import shutil
import subprocess
import tempfile


class Cluster:
    def __init__(self, is_durable=False):
        self.is_durable = is_durable
        self.bin = os.path.dirname(sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))[-1])
        self.dir = tempfile.mkdtemp(prefix="weiyu-pg-")
        if os.geteuid() == 0:
            shutil.chown(self.dir, "postgres", "postgres")
        self.call("initdb", "-D", self.dir + "/data", "-A", "trust", "-U", "postgres", "-N")
        self.start()
        self.ask("postgres", "create database desk")

    def call(self, program, *args):
        command = [os.path.join(self.bin, program), *args]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)

    def start(self):
        # Where a crash of the server is played, not of the machine, no sync is needed.
        options = f"-c listen_addresses='' -c unix_socket_directories={self.dir} -c fsync={'on' if self.is_durable else 'off'}"
        self.call("pg_ctl", "-D", self.dir + "/data", "-w", "-l", self.dir + "/log", "-o", options, "start")

    def stop(self):
        self.call("pg_ctl", "-D", self.dir + "/data", "-w", "-m", "immediate", "stop")

    def remove(self):
        """Whether it runs at present or not."""
        try:
            self.stop()
        except subprocess.CalledProcessError:
            pass
        shutil.rmtree(self.dir)

    def conninfo(self, database="desk"):
        return f"host={self.dir} user=postgres dbname={database}"

    def ask(self, database, sql):
        command = ["psql", "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", self.conninfo(database), "-c", sql]
        return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


class PostgresDesk:
    """Like stage.Desk, once, at the end."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.events = []
        self.db = self

    def execute(self, sql):
        rows = (line.split("\t") for line in self.cluster.ask("desk", sql).splitlines())
        self.rows = [tuple(int(cell) if cell.isdigit() else cell for cell in row) for row in rows]
        return self

    def fetchall(self):
        return self.rows

    def new_events(self):
        text = self.cluster.ask("desk", "select body from inbox where seq > 0 order by epoch, seq")
        bodies = [json.loads(line) for line in text.splitlines()]
        self.events = [event for event in bodies if ".ticket." in event["type"]]
