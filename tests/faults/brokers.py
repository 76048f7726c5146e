"""brokers.py: brokers of others in front of the same gateway and desk: RabbitMQ's MQTT plugin and nats-server, both on
MQTT 3.1.1 with TLS and client certificates, and mosquitto with settings that lose messages. Each has start() and stop(how),
keeps its state in a directory of its own below the run directory, and listens on the building's port."""
import glob
import json
import os
import shutil
import signal

from stage import GATEWAY, free_port, is_listening, wait_for

RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"


class Broker:
    """name: of the part in the cast. Subclasses give command() and environment()."""

    name = "broker"

    def __init__(self, building):
        self.building, self.port = building, building.ports["MQTT"]
        self.home = building.path(self.name)
        os.makedirs(self.home, exist_ok=True)
        self.prepare()

    def prepare(self):
        """Writes settings; once."""

    def environment(self):
        return {}

    def command(self):
        raise NotImplementedError

    def start(self):
        env = [f"{key}={value}" for key, value in self.environment().items()]
        self.building.cast.start(self.name, ["/usr/bin/env", *env, *self.command()])
        wait_for(self.name, self.building.cast, lambda: is_listening(self.port), 120)

    def stop(self, how=signal.SIGTERM):
        self.building.cast.end(self.name, how)

    def forget(self):
        """Everything it ever kept. Stopped."""
        shutil.rmtree(self.home)
        os.makedirs(self.home)
        self.prepare()

    def file(self, name, text):
        path = os.path.join(self.home, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def pki(self, name):
        return self.building.path("pki/" + name)


class Nats(Broker):
    """The user is the subject of the client certificate (verify_and_map). What is not in JetStream is in memory."""

    name = "nats"

    def prepare(self):
        users = "".join(f'{{user: "CN={name},O=Weiyu throw-away PKI"}}, ' for name in (GATEWAY, "sink"))
        self.conf = self.file("nats.conf", f"""
server_name: wy
listen: "127.0.0.1:{free_port()}"
jetstream {{store_dir: "{self.home}/jetstream"}}
authorization {{users: [{users}]}}
mqtt {{
  listen: "127.0.0.1:{self.port}"
  tls {{cert_file: "{self.pki('server.crt')}", key_file: "{self.pki('server.key')}", ca_file: "{self.pki('ca.crt')}",
        verify_and_map: true, timeout: 30}}
}}
""")

    def command(self):
        return [shutil.which("nats-server") or "/usr/sbin/nats-server", "-c", self.conf]


class Rabbit(Broker):
    """A node of its own: name, mnesia, log, cookie, epmd and distribution port, all on the loopback."""

    name = "rabbitmq"

    def prepare(self):
        users = [GATEWAY, "sink"]
        definitions = self.file("definitions.json", json.dumps({
            "vhosts": [{"name": "/"}],
            "users": [{"name": user, "password_hash": "", "tags": ""} for user in users],
            "permissions": [{"user": user, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"} for user in users],
            "topic_permissions": [
                {"user": GATEWAY, "vhost": "/", "exchange": "amq.topic",
                 "write": rf"^weiyu\.v1\.up\.[0-9a-f]{{2}}\.{GATEWAY}\..*", "read": rf"^weiyu\.v1\.down\.{GATEWAY}\..*"},
                {"user": "sink", "vhost": "/", "exchange": "amq.topic", "write": r"^weiyu\.v1\.down\..*",
                 "read": r"^weiyu\.v1\.up\..*"}]}))
        self.file("enabled_plugins", "[rabbitmq_mqtt,rabbitmq_auth_mechanism_ssl].\n")
        self.file("rabbitmq.conf", f"""listeners.tcp = none
load_definitions = {definitions}
mqtt.listeners.tcp = none
mqtt.listeners.ssl.default = 127.0.0.1:{self.port}
mqtt.allow_anonymous = false
mqtt.ssl_cert_login = true
ssl_cert_login_from = common_name
ssl_options.cacertfile = {self.pki('ca.crt')}
ssl_options.certfile = {self.pki('server.crt')}
ssl_options.keyfile = {self.pki('server.key')}
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
log.console = true
log.console.level = warning
""")
        self.env = {"HOME": self.home, "RABBITMQ_NODENAME": "wy@localhost", "RABBITMQ_MNESIA_BASE": self.home + "/mnesia",
                    "RABBITMQ_LOG_BASE": self.home + "/log", "RABBITMQ_CONFIG_FILE": self.home + "/rabbitmq.conf",
                    "RABBITMQ_ENABLED_PLUGINS_FILE": self.home + "/enabled_plugins", "ERL_EPMD_PORT": str(free_port()),
                    "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_DIST_PORT": str(free_port()),
                    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
                    "RABBITMQ_PID_FILE": self.home + "/pid"}

    def environment(self):
        return self.env

    def command(self):
        return [RABBITMQ]

    def start(self):
        """epmd is a part of its own: started by Erlang it would outlive the test."""
        self.building.cast.start("epmd", [shutil.which("epmd") or glob.glob("/usr/lib/erlang/erts-*/bin/epmd")[0],
                                          "-port", self.env["ERL_EPMD_PORT"], "-address", "127.0.0.1"])
        wait_for("epmd", self.building.cast, lambda: is_listening(int(self.env["ERL_EPMD_PORT"])))
        super().start()

    def stop(self, how=signal.SIGTERM):
        """The script and the node it has started: killed alone, the script leaves it running, with all that it remembers."""
        script = next(p for name, p in reversed(self.building.cast.parts) if name == self.name)
        os.killpg(script.pid, how)
        super().stop(how)
        wait_for("the end of RabbitMQ", self.building.cast, lambda: not is_listening(self.port))
        self.building.cast.end("epmd", signal.SIGKILL)
