"""The reader's role sees the shop's tables, cannot change them, and sees nothing of the generator."""

import psycopg
import pytest

from calve.standin.source.schema import PRIMARY_KEYS


@pytest.fixture
def reader(filled):
    """A filled shop, read as shop_reader; tables that are made later included."""
    conn = filled(5)
    conn.execute("create table made_later ()")
    conn.execute("set role shop_reader")
    return conn


@pytest.mark.parametrize("table", [*PRIMARY_KEYS, "made_later"])
def test_the_reader_reads_every_table(reader, table):
    reader.execute(f"select * from {table} limit 1")


@pytest.mark.parametrize("statement", ["delete from payment", "update account set email = null", "drop table region"])
def test_the_reader_changes_nothing(reader, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(statement)


def test_the_reader_does_not_see_the_generator(reader):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("select * from generator.planted")
