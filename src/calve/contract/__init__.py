"""Contracts: what a curated dataset promises, and the sources and pipelines it comes from."""
