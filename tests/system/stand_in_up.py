"""A `kap up` whose services are small stand-ins, for what is proved about the supervisor alone.

`stand_in_up.py up DATA OPTIONS`, with `kap up`'s options as a JSON object (ports: any free one unless given),
or `stand_in_up.py service`.
"""

import asyncio
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from kap_local.cli import failing_in_a_sentence
from kap_local.services import Service, nothing_more, rows
from kap_local.up import Options, serve

STAND_IN = (sys.executable, __file__, "service")


class Ready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()


def up(data: str, options: str) -> None:
    wanted = [Service("intake", STAND_IN, nothing_more), Service("read-models", STAND_IN, rows)]
    ports = dict.fromkeys(("http_port", "feed_port", "mllp_port", "nats_port"), 0)
    asyncio.run(serve(Options(Path(data), **(ports | json.loads(options))), wanted))


def service() -> None:
    HTTPServer((os.environ["KAP_BIND"], int(os.environ["KAP_PORT"])), Ready).serve_forever()


if __name__ == "__main__":
    failing_in_a_sentence(lambda: up(*sys.argv[2:]) if sys.argv[1] == "up" else service())
