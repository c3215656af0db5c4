"""What the tests of the stand-in play with: Iceberg tables on S3, logins with the real connector, set-up SQL."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import snowflake.connector
from pyiceberg.catalog.sql import SqlCatalog

BUCKET = "calve-standin"
KEYS = ("test", "testing-secret")


@dataclass(frozen=True)
class Running:
    """A stand-in that listens; `connect` logs in with the real connector."""

    port: int

    def connect(self, **options: Any) -> snowflake.connector.SnowflakeConnection:
        """Log in; `role=` chooses another role than ACCOUNTADMIN."""
        chosen = {"user": "ada", "password": "secret", "account": "local", "login_timeout": 5, **options}
        return snowflake.connector.connect(host="127.0.0.1", port=self.port, protocol="http", **chosen)


@dataclass
class Lake:
    """Iceberg tables on S3; `publish` copies a table's metadata to where Snowflake reads it."""

    catalog: SqlCatalog
    s3: Any
    bucket: str
    copies: list[str] = field(default_factory=list)

    def write(self, name: str, rows: pa.Table) -> str:
        """Let a table hold exactly these rows and return the path of its published metadata."""
        table = self.catalog.create_table_if_not_exists(f"curated.{name}", schema=rows.schema)
        table.overwrite(rows)
        return self.publish(name)

    def publish(self, name: str) -> str:
        """Copy a table's newest metadata to where Snowflake reads it and return that path."""
        location = self.catalog.load_table(f"curated.{name}").metadata_location
        relative = f"_published/{len(self.copies):05d}/{name}.metadata.json"
        source = location.removeprefix(f"s3://{self.bucket}/")
        self.s3.copy_object(
            Bucket=self.bucket, Key=f"lake/{relative}", CopySource={"Bucket": self.bucket, "Key": source}
        )
        self.copies.append(relative)
        return relative

    def snapshot(self, name: str) -> str:
        """Return the id of a table's current snapshot."""
        return str(self.catalog.load_table(f"curated.{name}").current_snapshot().snapshot_id)


def new_lake(endpoint: str, folder: Path, bucket: str) -> Lake:
    """Return an empty lake in an emptied bucket."""
    access, secret = KEYS
    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id=access, aws_secret_access_key=secret, region_name="us-east-1"
    )
    client.create_bucket(Bucket=bucket)
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            client.delete_object(Bucket=bucket, Key=entry["Key"])
    options = {"s3.endpoint": endpoint, "s3.access-key-id": access, "s3.secret-access-key": secret}
    catalog = SqlCatalog(
        "lake",
        uri=f"sqlite:///{folder}/catalog.db",
        warehouse=f"s3://{bucket}/lake",
        **options,
        **{"s3.region": "us-east-1"},
    )
    catalog.create_namespace("curated")
    return Lake(catalog, client, bucket)


SETUP = (
    "create database lake",
    "create schema lake.live",
    "create schema lake.idle_e1",
    "create schema lake.reporting",
    f"""create external volume calve_lake
        storage_locations = ((
            name = 'main' storage_provider = 'S3' storage_base_url = 's3://{BUCKET}/lake/'
            storage_aws_role_arn = 'arn:aws:iam::000000000000:role/calve'
        ))
        allow_writes = false""",
    "create catalog integration calve_object_store catalog_source = object_store table_format = iceberg enabled = true",
)


def iceberg_table(name: str, path: str) -> str:
    """Return the statement that makes an external Iceberg table."""
    return (
        f"create iceberg table {name} external_volume = 'calve_lake' catalog = 'calve_object_store' "
        f"metadata_file_path = '{path}'"
    )
