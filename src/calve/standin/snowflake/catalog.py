"""What the stand-in knows: databases, schemas, tables, views, volumes, roles, grants.

Objects are frozen and have an id of their own; names live in the dictionaries of what contains them, and grants
hold ids. Renaming or swapping schemas therefore moves names only, and contents and grants follow, as in
Snowflake. A `State` that is published is never changed again: a statement reads one state throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

ACCOUNT_ID = 0
ADMIN = "ACCOUNTADMIN"
SYSTEM_ROLES = (ADMIN, "SECURITYADMIN", "USERADMIN", "SYSADMIN", "PUBLIC")


@dataclass(frozen=True)
class Column:
    """A column as Snowflake shows it; `field` is its name in the Iceberg schema."""

    name: str
    type: str
    nullable: bool = True
    field: str = ""
    policy_id: int | None = None


@dataclass(frozen=True)
class Refresh:
    """One time that an Iceberg table was pointed at a metadata file."""

    refreshed_at: float
    metadata_uri: str
    snapshot_id: str | None
    sequence_number: str | None
    schema_id: str
    query_id: str
    summary: str | None
    snapshot_at: float | None


@dataclass(frozen=True)
class IcebergTable:
    """An externally managed Iceberg table and the metadata file that it serves."""

    id: int
    owner: str
    created_at: float
    volume: str
    integration: str
    metadata_path: str
    metadata_uri: str
    table_uuid: str
    columns: tuple[Column, ...]
    refreshes: tuple[Refresh, ...]
    comment: str = ""
    kind: Literal["ICEBERG TABLE"] = "ICEBERG TABLE"


@dataclass(frozen=True)
class NativeTable:
    """A table whose rows the stand-in keeps itself."""

    id: int
    owner: str
    created_at: float
    columns: tuple[Column, ...]
    comment: str = ""
    kind: Literal["TABLE"] = "TABLE"


@dataclass(frozen=True)
class View:
    """A query that is resolved by name each time it is read."""

    id: int
    owner: str
    created_at: float
    text: str
    query: str
    columns: tuple[Column, ...]
    secure: bool = False
    comment: str = ""
    kind: Literal["VIEW"] = "VIEW"


@dataclass(frozen=True)
class MaskingPolicy:
    """What a role sees of a column."""

    id: int
    owner: str
    created_at: float
    argument: str
    argument_type: str
    return_type: str
    body: str


Item = IcebergTable | NativeTable | View


@dataclass
class Schema:
    """Named objects of one schema."""

    id: int
    owner: str
    created_at: float
    items: dict[str, Item] = field(default_factory=dict)
    policies: dict[str, MaskingPolicy] = field(default_factory=dict)
    comment: str = ""


@dataclass
class Database:
    """Named schemas of one database."""

    id: int
    owner: str
    created_at: float
    schemas: dict[str, Schema] = field(default_factory=dict)
    comment: str = ""


@dataclass(frozen=True)
class Volume:
    """An external volume with its active storage location."""

    id: int
    owner: str
    created_at: float
    location: str
    base_url: str
    role_arn: str
    allow_writes: bool
    comment: str = ""


@dataclass(frozen=True)
class Integration:
    """A catalog integration for files in object storage."""

    id: int
    owner: str
    created_at: float
    enabled: bool
    comment: str = ""


@dataclass(frozen=True)
class Role:
    """A role; what it may do is in the grants."""

    id: int
    owner: str
    created_at: float
    comment: str = ""


@dataclass(frozen=True)
class Identity:
    """A workload that an OpenID provider vouches for."""

    issuer: str
    subject: str
    audiences: tuple[str, ...]


@dataclass(frozen=True)
class Login:
    """How a user logs in; a password is the server's, for all.

    Attributes:
        keys: Public keys in base64 DER, by the property that holds them: two slots, so that keys can be rotated.
        is_service: Such a user has no password.
    """

    owner: str = ADMIN
    keys: dict[str, str] = field(default_factory=dict)
    is_service: bool = False
    identity: Identity | None = None


@dataclass(frozen=True)
class Grant:
    """A privilege of a role on one object, or on future objects of a schema or database."""

    privilege: str
    kind: str
    target: int
    role: str
    future: bool = False


@dataclass
class State:
    """Everything the stand-in knows at one moment."""

    id: str = ""
    version: int = 0
    next_id: int = 1
    databases: dict[str, Database] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    integrations: dict[str, Integration] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    users: dict[str, frozenset[str]] = field(default_factory=dict)
    logins: dict[str, Login] = field(default_factory=dict)
    grants: frozenset[Grant] = frozenset()

    def take_id(self) -> int:
        """Return an id that no object ever had."""
        self.next_id += 1
        return self.next_id - 1

    def copy(self) -> State:
        """Return a state that can be changed without touching this one."""
        databases = {
            name: replace(
                database,
                schemas={
                    key: replace(schema, items=dict(schema.items), policies=dict(schema.policies))
                    for key, schema in database.schemas.items()
                },
            )
            for name, database in self.databases.items()
        }
        return replace(
            self,
            version=self.version + 1,
            databases=databases,
            volumes=dict(self.volumes),
            integrations=dict(self.integrations),
            roles=dict(self.roles),
            users=dict(self.users),
            logins=dict(self.logins),
        )

    def native_ids(self) -> set[int]:
        """Return the ids of the tables whose rows the stand-in keeps."""
        schemas = (schema for database in self.databases.values() for schema in database.schemas.values())
        return {item.id for schema in schemas for item in schema.items.values() if isinstance(item, NativeTable)}

    def forget(self, *ids: int) -> None:
        """Drop the grants on objects that are gone."""
        self.grants = frozenset(grant for grant in self.grants if grant.target not in ids)
