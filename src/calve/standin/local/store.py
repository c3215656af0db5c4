"""The object store of the local engine: moto's S3, in memory, or one that is given.

Promises a bucket with a marker that says which engine it belongs to, so that a store that lost its objects is
noticed before anything reads or writes the lake. Never removes an object from a bucket that has another's marker.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from calve.effects import effect
from calve.standin.local.processes import HOST, Part

MARKER = "_calve/instance"
_ABSENT = {"404", "NoSuchKey", "NoSuchBucket"}
_QUICK = Config(
    connect_timeout=3,
    read_timeout=20,
    retries={"max_attempts": 2, "mode": "standard"},
    s3={"addressing_style": "path"},
)


def part(port: int) -> Part:
    """Return how to start moto's S3."""
    command = [sys.executable, "-m", "calve.standin.local.s3_server", "--host", HOST, "--port", str(port)]
    return Part(name="s3", port=port, command=command, variable="CALVE_LOCAL_PORT_S3")


def client(settings: Mapping[str, object]) -> Any:
    """Return a client of the store that these settings name; it gives up soon."""
    return boto3.client(
        "s3",
        endpoint_url=settings["s3_endpoint"],
        region_name=settings["s3_region"],
        aws_access_key_id=settings["s3_access_key_id"],
        aws_secret_access_key=settings["s3_secret_access_key"],
        config=_QUICK,
    )


def answers(endpoint: str) -> bool:
    """Tell whether anything speaks HTTP at the endpoint."""
    try:
        urllib.request.urlopen(endpoint, timeout=3).close()  # noqa: S310  # our own address
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
    return True


def read_marker(s3: Any, bucket: str) -> str | None:
    """Return the engine that the bucket belongs to; None when bucket or marker are absent."""
    try:
        body: bytes = s3.get_object(Bucket=bucket, Key=MARKER)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return None
        raise
    return body.decode()


def make_bucket(s3: Any, bucket: str, instance: str) -> None:
    """Make the bucket if it is absent, and write the marker into it."""
    with effect("local.bucket"):
        try:
            s3.head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _ABSENT:
                raise
            s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=MARKER, Body=instance.encode())


def empty_bucket(s3: Any, bucket: str, *, prefix: str, instance: str) -> bool:
    """Remove lake and marker of this engine from a bucket; tell whether they were its own."""
    if read_marker(s3, bucket) != instance:
        return False
    # The marker goes last: a removal that was cut short is taken up again.
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
        for entry in page.get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=entry["Key"])
    s3.delete_object(Bucket=bucket, Key=MARKER)
    return True


STORE_ERRORS = (BotoCoreError, ClientError)
