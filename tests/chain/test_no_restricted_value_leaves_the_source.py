"""I10: what is restricted in the shop is in no file, record, log, plan or page, nor is an unkeyed hash of it."""

from __future__ import annotations

import io
import re
import zlib

import boto3
import psycopg
import pyarrow.parquet as pq
import pytest

from calve.standin.source import canaries

pytestmark = [pytest.mark.spark, pytest.mark.local]

TOKEN = re.compile(rb"CANARY")
SHAPED = re.compile(
    rb"(?<![0-9a-zA-Z])(?:7\d{9}|19[01]\d-\d\d-\d\d|[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})(?![0-9a-zA-Z])"
)


@pytest.fixture(scope="module")
def ambiguous(story):
    """Account ids that are payment ids, too: the generator's ranges meet on 2025-03-11.

    Their hashes stay restricted.
    """
    rows = story.lake.shop.execute(
        "select account_id::text from public.account intersect select payment_id::text from public.payment"
    )
    return {account.encode() for (account,) in rows}


@pytest.fixture(scope="module")
def restricted(story, ambiguous):
    """Every restricted value of the shop, and its unkeyed hashes."""
    return set(canaries(story.lake.shop, limit=20_000)) - ambiguous


@pytest.fixture(scope="module")
def found_in(restricted):
    """Return a function that says how many restricted values a text holds."""

    def count(text):
        return len(TOKEN.findall(text)) + len(restricted.intersection(SHAPED.findall(text)))

    return count


def test_the_scanner_finds_restricted_values_in_the_shop(story, found_in):
    copies = {table: dumped(story.lake.shop, f"public.{table}") for table in ("account", "payment", "sales_order")}
    assert {table: found_in(text) > 1_000 for table, text in copies.items()} == dict.fromkeys(copies, True)


def test_few_account_ids_can_be_mistaken(story, ambiguous, restricted):
    (accounts,) = story.lake.shop.execute("select count(*) from public.account").fetchone()
    assert len(ambiguous) < accounts / 20
    plain = {value for value in restricted if value.isdigit() and len(value) == 10}
    assert len(plain) == accounts - len(ambiguous)


def test_ambiguous_ids_are_in_the_lake_as_payments_only(story, ambiguous):
    for dataset in ("fct_payment", "fct_order_line", "dim_account"):
        rows = story.lake.rows(f"curated.{dataset}")
        found = {name for row in rows for name, value in row.items() if str(value).encode() in ambiguous}
        assert found == ({"payment_id"} if dataset == "fct_payment" else set()), dataset


def test_the_scanner_knows_unkeyed_hashes_and_compressed_files(restricted, found_in):
    hashed = next(value for value in sorted(restricted) if len(value) == 64)
    packed = zlib.compressobj(wbits=-15)
    body = packed.compress(b'{"x": "' + hashed + b'"}') + packed.flush()
    block = _long(1) + _long(len(body)) + body + b"s" * 16
    avro = b"Obj\x01" + _long(0) + b"s" * 16 + block
    assert found_in(text_of("m.avro", avro)) == 1


def test_no_object_of_the_lake_holds_one(story, found_in):
    settings = story.lake.settings
    store = boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key_id.get_secret_value(),
        aws_secret_access_key=settings.s3_secret_access_key.get_secret_value(),
    )
    names = [
        entry["Key"]
        for page in store.get_paginator("list_objects_v2").paginate(Bucket=settings.bucket)
        for entry in page.get("Contents", [])
    ]
    bodies = {name: store.get_object(Bucket=settings.bucket, Key=name)["Body"].read() for name in names}
    assert [name for name, body in bodies.items() if found_in(body) or found_in(text_of(name, body))] == []
    for kind in (".parquet", ".avro", ".metadata.json"):
        assert any(name.endswith(kind) for name in names), kind


def test_no_record_holds_one(story, found_in):
    with psycopg.connect(story.lake.settings.catalog_url.get_secret_value()) as conn:
        tables = conn.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('calve', 'public')"
        ).fetchall()
        assert len(tables) > 8
        assert [table for (table,) in tables if found_in(dumped(conn, table))] == []


def test_nothing_that_snowflake_serves_holds_one(story, found_in):
    shown = story.lake.read("select table_schema, table_name from information_schema.tables")
    served = [
        f"{row['table_schema']}.{row['table_name']}" for row in shown if row["table_schema"] in ("LIVE", "REPORTING")
    ]
    assert len(served) > 15
    texts = {name: repr(story.lake.read(f"select * from {name}")).encode() for name in served}
    assert [name for name, text in texts.items() if found_in(text)] == []


def test_the_page_holds_none(story, found_in, tmp_path):
    from calve.report.page import write_page

    page = write_page(story.lake.settings, tmp_path / "index.html")
    assert found_in(page.read_bytes()) == 0


def test_no_log_or_plan_holds_one_or_the_key_that_hashes(story, chain, found_in):
    secret = story.lake.settings.hash_key.get_secret_value().encode()
    pads = [bytes(b ^ pad for b in secret.ljust(64, b"\0")) for pad in (0x36, 0x5C)]
    spellings = [secret, secret.hex().encode(), *pads, *(pad.hex().encode() for pad in pads)]
    files = [*chain.state.log("postgres").parent.iterdir(), *chain.events.iterdir()]
    assert any(b"SparkListenerSQLExecutionStart" in file.read_bytes() for file in files)
    for file in files:
        text = file.read_bytes()
        assert found_in(text) == 0, file.name
        assert [n for n, spelling in enumerate(spellings) if spelling.lower() in text.lower()] == [], file.name


def dumped(conn, table):
    """Return a table's rows as text."""
    with conn.cursor().copy(f"copy {table} to stdout".encode()) as copy:
        return b"".join(bytes(block) for block in copy)


def text_of(name, body):
    """Return what a compressed file says."""
    if name.endswith(".parquet"):
        table = pq.read_table(io.BytesIO(body))
        return repr(table.to_pydict()).encode()
    if name.endswith(".avro"):
        return b"\n".join(blocks_of_avro(body))
    return body


def blocks_of_avro(body):
    """Yield the blocks of an Avro file, inflated; its layout is that of the Avro specification 1.11."""
    place = 4
    count, place = number(body, place)
    while count:
        for _ in range(2 * abs(count)):
            size, place = number(body, place)
            place += size
        count, place = number(body, place)
    place += 16
    while place < len(body):
        _, place = number(body, place)
        size, place = number(body, place)
        block = body[place : place + size]
        yield inflated(block)
        place += size + 16


def inflated(block):
    try:
        return zlib.decompress(block, -15)
    except zlib.error:
        return block


def number(body, place):
    """Read a zig-zag coded number."""
    shift = value = 0
    while True:
        byte = body[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if not byte & 0x80:
            return (value >> 1) ^ -(value & 1), place


def _long(value):
    """Write a zig-zag coded number that is not negative."""
    value <<= 1
    coded = bytearray()
    while value > 0x7F:
        coded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*coded, value])
