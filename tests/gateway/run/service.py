"""What a service manager is to the gateway: it hears what it says, and starts it again when it ends by itself."""
import os
import socket
import threading
import time

RESTART_S = 0.5  # RestartSec of deploy/weiyu.service


class Manager:
    """The notify socket, and the words that came with the instant they came at (time.monotonic())."""

    def __init__(self, path):
        self.path, self.heard = path, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                data = self.socket.recv(4096)
            except OSError:
                return
            for word in data.decode().splitlines():
                self.heard.append((time.monotonic(), word))

    def words(self):
        return [word for _, word in self.heard]

    def instants(self, word):
        return [at for at, heard in list(self.heard) if heard == word]

    def environment(self, watchdog_s):
        return {"NOTIFY_SOCKET": self.path, "WATCHDOG_USEC": str(int(watchdog_s * 1e6)), "WATCHDOG_PID": ""}

    def close(self):
        self.socket.close()


def start_gateway(building, environment, program="weiyu"):
    """With these in its environment, and in nobody else's."""
    before = {key: os.environ.get(key) for key in environment}
    for key, value in environment.items():
        if value:
            os.environ[key] = value
        else:
            os.environ.pop(key, None)
    try:
        return building.cast.start("gateway", [building.bin(program), "run", "-c", building.path("gateway.yaml")])
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value


def wait_for_end(building, process, patience_s):
    """Its exit code, and the instant at which it was seen; it is no part of the cast any more."""
    code = process.wait(timeout=patience_s)
    at = time.monotonic()
    building.cast.parts = [(name, part) for name, part in building.cast.parts if part is not process]
    return code, at
