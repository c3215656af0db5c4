"""The grammar that all declarations share: closed, frozen, without coercion."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Identifier = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
Scalar = int | float | str


class Declared(BaseModel):
    """Base of everything that is read from YAML: frozen, closed, no coercion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)
