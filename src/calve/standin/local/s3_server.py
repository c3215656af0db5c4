"""Serve moto's S3 on one address, quietly: one log line per request would cost more than the request.

Keeps all objects in memory; they are gone when it ends. Never listens on anything but the address given.
"""

from __future__ import annotations

import logging
import signal
import sys
from types import FrameType

import click
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple


@click.command()
@click.option("--host", required=True)
@click.option("--port", required=True, type=int)
def _serve(host: str, port: int) -> None:
    """Serve until SIGTERM."""
    signal.signal(signal.SIGTERM, _end)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    application = DomainDispatcherApplication(create_backend_app)
    run_simple(host, port, application, threaded=True, request_handler=MotoRequestHandler)


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    _serve()
