"""A project: all contracts, sources and pipelines of one folder, agreeing with each other.

Made by the loader only. Holds no connection and never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from calve.contract.mistakes import hint, listed
from calve.contract.models import Contract, Pipeline
from calve.contract.order import in_order
from calve.contract.sources import Source
from calve.errors import ContractError

SHORT = 12


@dataclass(frozen=True)
class Project:
    """Everything that is declared in one folder.

    Attributes:
        folder: Holds `iceberg/` and `spark_apps/`.
        digest: Names exactly these declarations, transforms and views, in 64 hex digits.
    """

    folder: Path
    contracts: Mapping[str, Contract]
    sources: Mapping[str, Source]
    pipelines: Mapping[str, Pipeline]
    digest: str

    @property
    def short_digest(self) -> str:
        """Return as much of the digest as messages show."""
        return self.digest[:SHORT]

    def pipeline_order(self, names: Iterable[str] = ()) -> list[str]:
        """Return the named pipelines (all of them when none is named), each after those that it needs.

        Raises:
            ContractError: Lists the names that are no pipelines, and the ones there are.
        """
        wanted = set(names) or set(self.pipelines)
        if unknown := sorted(wanted - set(self.pipelines)):
            there = f"there are {listed(sorted(self.pipelines))}{hint(unknown[0], self.pipelines)}"
            msg = f"pipeline {listed(unknown)}: not in {self.folder / 'iceberg' / 'pipelines.yaml'}; {there}"
            raise ContractError(msg)
        ordered = in_order({name: pipeline.needs for name, pipeline in self.pipelines.items()})
        return [name for name in ordered if name in wanted]

    def contracts_of(self, pipeline: str) -> tuple[Contract, ...]:
        """Return the contracts of a pipeline, each after those that it reads."""
        members = {name: c for name, c in self.contracts.items() if c.pipeline == pipeline}
        return tuple(members[name] for name in in_order({n: c.datasets_read for n, c in members.items()}))

    def sources_of(self, pipeline: str) -> tuple[Source, ...]:
        """Return the sources that a pipeline lands, by name: what its contracts come from, look up, compare."""
        names = {name for contract in self.contracts_of(pipeline) for name in sources_named(contract)}
        return tuple(self.sources[name] for name in sorted(names))

    def dimension_key(self, dataset: str) -> str:
        """Return the single column that `refers` rules to this dataset mean."""
        (key,) = self.contracts[dataset].grain
        return key


def sources_named(contract: Contract) -> tuple[str, ...]:
    """Return the names of all sources of a contract: `from`, `lookup` and the one of its control totals."""
    sealed = (contract.control_total.source,) if contract.control_total else ()
    return tuple(dict.fromkeys((*contract.sources, *contract.lookup, *sealed)))
