"""The tables of the source database `shop`, and the generator's own memory beside them.

Primary keys only: no foreign key, no NOT NULL and no check, because an operational database that could not hold the
planted defects would prove nothing. Readers never see the schema `generator`.
"""

from __future__ import annotations

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from calve.effects import effect

READER = "shop_reader"

PRIMARY_KEYS = {
    "region": ("region_id",),
    "facility": ("facility_id",),
    "category": ("category_id",),
    "product": ("product_id",),
    "account": ("account_id",),
    "sales_order": ("order_id",),
    "sales_order_line": ("order_id", "line_no"),
    "payment": ("payment_id",),
    "control_total": ("business_date", "facility_id", "table_name", "version"),
}

_TABLES = """
create table if not exists public.region (
    region_id int primary key, code text, name text, parent_region_id int, updated_at timestamptz);
create table if not exists public.facility (
    facility_id int primary key, code text, name text, facility_type text, region_id int, timezone text,
    capacity int, status text, opened_on date, closed_on date, updated_at timestamptz, is_deleted boolean);
create table if not exists public.category (
    category_id int primary key, parent_category_id int, name text, level int, updated_at timestamptz);
create table if not exists public.product (
    product_id int primary key, sku text, name text, category_id int, product_type text,
    list_price numeric(12, 2), currency text, active_from date, active_to date, updated_at timestamptz);
create table if not exists public.account (
    account_id bigint primary key, account_type text, facility_id int, full_name text, birth_date date,
    email text, phone text, created_at timestamptz, updated_at timestamptz, erased_at timestamptz);
create table if not exists public.sales_order (
    order_id bigint primary key, account_id bigint, facility_id int, ordered_at timestamptz, status text,
    currency text, total_amount numeric(12, 2), updated_at timestamptz);
create table if not exists public.sales_order_line (
    order_id bigint, line_no int, product_id int, title_id int, ordered_at timestamptz, qty int,
    unit_price numeric(12, 2), discount numeric(12, 2), tax numeric(12, 2), net_amount numeric(12, 2),
    updated_at timestamptz, is_deleted boolean, primary key (order_id, line_no));
create table if not exists public.payment (
    payment_id bigint primary key, order_id bigint, type text, amount numeric(12, 2), settled_at timestamptz,
    processor_ref text, created_at timestamptz);
create table if not exists public.control_total (
    business_date date, facility_id int, table_name text, version int, row_count bigint,
    sum_amount numeric(14, 2), max_updated_at timestamptz, checksum text, is_closed boolean,
    sealed_at timestamptz, primary key (business_date, facility_id, table_name, version));
create index if not exists account_updated on public.account (updated_at);
create index if not exists sales_order_updated on public.sales_order (updated_at);
create index if not exists sales_order_line_updated on public.sales_order_line (updated_at);
create index if not exists payment_created on public.payment (created_at);
create index if not exists control_total_sealed on public.control_total (sealed_at);
create schema if not exists generator;
create table if not exists generator.generator_state (
    singleton boolean primary key default true check (singleton), seed bigint not null, scale float8 not null,
    until date not null);
create table if not exists generator.planted (
    defect text primary key, day date not null, remedy jsonb not null);
"""


def create_schema(conn: Connection[TupleRow], *, reader_password: str | None = None) -> None:
    """Create the tables and the role that may only read them, where they are absent. Changes nothing that exists.

    Args:
        reader_password: Of the role `shop_reader` if it has to be created; None lets it not log in by password.
    """
    with effect("source.create"), conn.transaction():
        conn.execute(_TABLES)
        if conn.execute("select from pg_roles where rolname = %s", [READER]).fetchone() is None:
            _create_reader(conn, reader_password)
        reader = sql.Identifier(READER)
        for grant in (
            "grant usage on schema public to {}",
            "grant select on all tables in schema public to {}",
            "alter default privileges in schema public grant select on tables to {}",
        ):
            conn.execute(sql.SQL(grant).format(reader))


def _create_reader(conn: Connection[TupleRow], password: str | None) -> None:
    statement = sql.SQL("create role {} login").format(sql.Identifier(READER))
    if password is not None:
        statement = sql.SQL("{} password {}").format(statement, sql.Literal(password))
    conn.execute(statement)
