"""Read, write, list and delete whole objects of the lake's bucket, one request each.

For metadata and for maintenance; rows are read and written by Spark and PyIceberg. Nothing is ever overwritten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from calve.errors import LakeLostError, LakeUnavailableError
from calve.settings import Settings

_BATCH = 1000
CONNECTIONS = 32


@dataclass(frozen=True)
class Found:
    """An object that was listed."""

    location: str
    size_bytes: int
    written_at: datetime


@dataclass(frozen=True)
class ObjectStore:
    """The bucket of the lake; locations are `s3://bucket/key`."""

    client: Any

    def read(self, location: str) -> bytes:
        """Return an object's content.

        Raises:
            LakeLostError: There is none.
        """
        bucket, key = _split(location)
        with _answering(location):
            content: bytes = self.client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def write(self, location: str, content: bytes) -> None:
        """Write an object under a key that was never used."""
        bucket, key = _split(location)
        with _answering(location):
            self.client.put_object(Bucket=bucket, Key=key, Body=content)

    def list(self, location: str) -> Iterator[Found]:
        """Yield the objects whose key begins like the location."""
        bucket, prefix = _split(location)
        with _answering(location):
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for item in page.get("Contents", ()):
                    yield Found(f"s3://{bucket}/{item['Key']}", item["Size"], item["LastModified"])

    def delete(self, locations: Sequence[str]) -> None:
        """Delete objects; one that is gone already is none of our business."""
        for start in range(0, len(locations), _BATCH):
            batch = [_split(location) for location in locations[start : start + _BATCH]]
            for bucket in sorted({bucket for bucket, _ in batch}):
                keys = [{"Key": key} for owner, key in batch if owner == bucket]
                with _answering(f"s3://{bucket}"):
                    answer = self.client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
                if refused := answer.get("Errors"):
                    msg = (
                        f"object store: {len(refused)} objects not deleted, first {refused[0].get('Key')} "
                        f"({refused[0].get('Code')}); check the permission to delete and run again"
                    )
                    raise LakeUnavailableError(msg)


@lru_cache(maxsize=4)
def open_store(settings: Settings) -> ObjectStore:
    """Open the object store of the settings; once per process, since a client is dear to make and safe to share."""
    key, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    client = boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=key.get_secret_value() if key and secret else None,
        aws_secret_access_key=secret.get_secret_value() if key and secret else None,
        config=Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"mode": "standard", "max_attempts": 3},
            max_pool_connections=CONNECTIONS,
            s3={"addressing_style": "path"} if settings.s3_endpoint else None,
        ),
    )
    return ObjectStore(client)


@contextmanager
def _answering(location: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in ("NoSuchKey", "404"):
            msg = (
                f"{location}: the object store has none, expected it, since the catalog or a record names it; "
                "restore the bucket, or locally: calve local down --wipe && calve local up"
            )
            raise LakeLostError(msg) from None
        msg = f"object store: {code} for {location}, expected it to be allowed; calve doctor tells what is wrong"
        raise LakeUnavailableError(msg) from None
    except BotoCoreError as error:
        msg = f"object store: {type(error).__name__} for {location}, expected an answer; check CALVE_S3_ENDPOINT"
        raise LakeUnavailableError(msg) from None


def _split(location: str) -> tuple[str, str]:
    parts = urlsplit(location)
    return parts.netloc, parts.path.lstrip("/")
