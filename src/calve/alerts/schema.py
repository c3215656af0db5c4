"""The JSON Schemas of all YAML files of a project, that of the routes too. Writes nothing by itself."""

from __future__ import annotations

from calve.alerts.routes import Routes
from calve.contract import schema

SCHEMAS: schema.Schemas = {**schema.SCHEMAS, "alerts.json": ("calve alerts", Routes)}
