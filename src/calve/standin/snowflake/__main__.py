"""`python -m calve.standin.snowflake`: serve until stopped. Secrets come from the environment only."""

import argparse
import logging
import os
from pathlib import Path

from calve.standin.snowflake.engine import Engine, ObjectStore
from calve.standin.snowflake.server import Server
from calve.standin.snowflake.serving import uvicorn_server
from calve.standin.snowflake.store import Store


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m calve.standin.snowflake", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--s3-endpoint", required=True, help="where s3:// addresses really are")
    parser.add_argument("--s3-region", default="us-east-1")
    parser.add_argument("--state-dir", type=Path, help="keep the state here; without it, in memory only")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if given.state_dir is not None:
        given.state_dir.mkdir(parents=True, exist_ok=True)
    objects = ObjectStore(
        endpoint=given.s3_endpoint,
        region=given.s3_region,
        access_key_id=os.environ.get("CALVE_S3_ACCESS_KEY_ID", ""),
        secret_access_key=os.environ.get("CALVE_S3_SECRET_ACCESS_KEY", ""),
    )
    store = Store(given.state_dir)
    engine = Engine(objects, given.state_dir)
    engine.sweep(store.current.native_ids())
    server = Server(store, engine, os.environ.get("CALVE_SNOWFLAKE_PASSWORD") or None)
    try:
        uvicorn_server(server, given.host, given.port).run()
    finally:
        engine.close()


if __name__ == "__main__":
    main()
