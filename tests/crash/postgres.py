"""postgres.py: a PostgreSQL of a run's own, below a temporary directory, on a UNIX socket. Only Python's standard library, and psql.
"""
import glob
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
        return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout

    def rows(self, sql):
        """Of the desk's database: texts, and numbers where a cell is one."""
        rows = (line.split("\t") for line in self.ask("desk", sql).splitlines())
        return [tuple(int(cell) if cell.isdigit() else cell for cell in row) for row in rows]
