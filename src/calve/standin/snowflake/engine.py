"""DuckDB does the work, fakesnow's transforms translate Snowflake's SQL for it.

Each session has a cursor of its own; a query in flight never waits for another session's. Iceberg files are
read from the object store each time, uncached: a file that someone removed must be missed, as Snowflake would.
"""

import contextlib
import importlib.util
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pyarrow as pa
from fakesnow.instance import FakeSnow
from sqlglot import exp

from calve.standin.snowflake import failures

DATABASE, SCHEMA = "STORE", "OBJECTS"
_TRANSLATIONS_KEPT = 1000
# A laptop runs Spark beside it, and nothing may be fetched while a statement runs.
_SETTINGS = (
    "memory_limit = '1GB'",
    "enable_external_file_cache = false",
    "http_retries = 1",
    "timezone = 'UTC'",
    "autoinstall_known_extensions = false",
)


@dataclass(frozen=True)
class ObjectStore:
    """Where external volumes really are."""

    endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str


class Engine:
    """The shared DuckDB instance."""

    def __init__(self, objects: ObjectStore, folder: Path | None) -> None:
        self._fake = FakeSnow(db_path=folder)
        self._main = self._fake.duck_conn
        for extension in ("avro", "httpfs", "iceberg"):
            self._main.execute(f"load '{_extension(extension)}'")
        self._main.execute(_secret(objects))
        for setting in (*_SETTINGS, f"temp_directory = '{folder or tempfile.gettempdir()}/duckdb-spill'"):
            self._main.execute(f"set global {setting}")
        self._translations: dict[str, str] = {}
        self._fake.connect(DATABASE, SCHEMA).close()

    def worker(self) -> "Worker":
        """Return a cursor for one session."""
        if len(self._translations) > _TRANSLATIONS_KEPT:
            self._translations.clear()
        return Worker(self._fake.connect(DATABASE, SCHEMA), self._translations)

    def sweep(self, kept: set[int]) -> None:
        """Drop the rows of native tables that no longer exist; only while no client is served."""
        names = self._main.execute("select table_name from duckdb_tables() where database_name = ?", [DATABASE])
        for (name,) in names.fetchall():
            if name.startswith("T_") and int(name.removeprefix("T_")) not in kept:
                self._main.execute(f'drop table "{DATABASE}"."{SCHEMA}"."{name}"')

    def close(self) -> None:
        """Write everything to disk and let go of the files."""
        self._main.close()


class Worker:
    """Runs the statements of one session."""

    def __init__(self, connection: Any, translations: dict[str, str]) -> None:
        self._translations = translations
        self._cursor = connection.cursor()
        self._duck: duckdb.DuckDBPyConnection = self._cursor._duck_conn

    def translate(self, tree: exp.Expr, parameters: list[Any] | None = None) -> str:
        """Turn a resolved tree of Snowflake's SQL into DuckDB's SQL."""
        key = tree.sql(dialect="snowflake")
        if parameters is None and (known := self._translations.get(key)) is not None:
            return known
        with _snowflake_errors():
            translated = self._cursor._transform(_with_casts_kept(tree), parameters)
        ready: str = _without_added_casts(translated).sql(dialect="duckdb")
        if parameters is None:
            self._translations[key] = ready
        return ready

    def table(self, sql: str, parameters: list[Any] | None = None) -> pa.Table:
        """Run DuckDB SQL and return its rows."""
        with _snowflake_errors():
            return self._duck.execute(sql, parameters).to_arrow_table()

    def rows(self, sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run DuckDB SQL and return its rows as tuples."""
        with _snowflake_errors():
            return self._duck.execute(sql, parameters).fetchall()

    @contextlib.contextmanager
    def registered(self, tables: dict[str, pa.Table]) -> Iterator[None]:
        """Make Arrow tables readable by name for the time of one statement."""
        for name, table in tables.items():
            self._duck.register(name, table)
        try:
            yield
        finally:
            for name in tables:
                self._duck.unregister(name)

    def close(self) -> None:
        """Give the cursor back."""
        self._duck.close()


def _with_casts_kept(tree: exp.Expr) -> exp.Expr:
    """Put the author's own casts inside aggregates into parentheses, to tell them from added ones."""
    for aggregate in tree.find_all(exp.AggFunc):
        if isinstance(aggregate.this, exp.Cast):
            aggregate.set("this", exp.Paren(this=aggregate.this))
    return tree


def _without_added_casts(tree: exp.Expr) -> exp.Expr:
    """Remove the casts to DOUBLE that fakesnow adds inside aggregates: a sum of decimals is a decimal."""
    for aggregate in tree.find_all(exp.AggFunc):
        added = aggregate.this
        if isinstance(added, exp.TryCast) and added.to.this == exp.DataType.Type.DOUBLE:
            aggregate.set("this", added.this)
    return tree


@contextlib.contextmanager
def _snowflake_errors() -> Iterator[None]:
    try:
        yield
    except duckdb.HTTPException as error:
        text = f"Failed to access remote file: {_line(error)}. Please check your credentials and the file."
        raise failures.SqlError(100071, "22000", text) from error
    except duckdb.BinderException as error:
        raise failures.SqlError(904, "42000", f"SQL compilation error:\n{_line(error)}") from error
    except duckdb.CatalogException as error:
        number = 2140 if "Function" in str(error) else 2003
        raise failures.SqlError(number, "42S02", f"SQL compilation error:\n{_line(error)}") from error
    except duckdb.ParserException as error:
        raise failures.SqlError(1003, "42000", f"SQL compilation error:\n{_line(error)}") from error
    except duckdb.ConstraintException as error:
        raise failures.SqlError(100072, "22000", _line(error)) from error
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        raise failures.SqlError(100038, "22018", _line(error)) from error
    except duckdb.Error as error:
        raise failures.SqlError(603, "XX000", f"SQL execution internal error:\n{_line(error)}") from error
    except NotImplementedError as error:
        raise failures.not_modelled(what=str(error)) from error


def _line(error: Exception) -> str:
    return str(error).split("\n", 1)[0].rstrip(". ")


def _extension(name: str) -> Path:
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    places = list(spec.submodule_search_locations or []) if spec else []
    found = sorted(file for place in places for file in Path(place).rglob("*.duckdb_extension"))
    if not found:
        msg = f"stand-in: the DuckDB extension {name} is not installed; run `make setup`"
        raise FileNotFoundError(msg)
    return found[0]


def _secret(objects: ObjectStore) -> str:
    address = urlsplit(objects.endpoint)
    values = {
        "key_id": objects.access_key_id,
        "secret": objects.secret_access_key,
        "region": objects.region,
        "endpoint": address.netloc,
        "url_style": "path",
    }
    options = ", ".join(f"{name} '{value.replace(chr(39), chr(39) * 2)}'" for name, value in values.items())
    return f"create secret volume (type s3, {options}, use_ssl {address.scheme == 'https'})"
