"""Audited lakehouse pipelines: contracts in, publications out."""

__version__ = "0.1.0"
