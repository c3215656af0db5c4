"""The contract digest: two programs that hold the same digest mean the same by every name.

It covers the declarations as understood (comments and spacing don't count) and the bytes of transforms
and views. It never covers a path, a time or a setting.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from calve.contract.grammar import Declared

COVERED = ("spark_apps/transforms/*.py", "iceberg/views/*.sql")


def digest_of(folder: Path, declared: Mapping[str, Mapping[str, Declared]]) -> str:
    """Return the digest in 64 hex digits.

    Args:
        folder: Holds `iceberg/` and `spark_apps/`.
        declared: Contracts, sources and pipelines by kind and name.
    """
    models = {
        kind: {name: model.model_dump(mode="json", by_alias=True) for name, model in things.items()}
        for kind, things in declared.items()
    }
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for pattern in COVERED
        for path in folder.glob(pattern)
    }
    text = json.dumps({"models": models, "files": files}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
