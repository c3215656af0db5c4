"""Make Java trust whom SSL_CERT_FILE trusts, with no keytool and nothing installed.

Never weakens anything: the store holds exactly the certificates of that file, and lives as long as one fetch.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

PASSWORD = "changeit"  # noqa: S105  # Java's own; the store holds public certificates only
_BEGIN = b"-----BEGIN CERTIFICATE-----"


def trust_options(work: Path) -> list[list[str]]:
    """Return JVM options that trust the certificates of SSL_CERT_FILE; nothing when it isn't set.

    A trust store that the user gave to Java stays in charge.
    """
    bundle = os.environ.get("SSL_CERT_FILE")
    if not bundle or not Path(bundle).is_file() or "trustStore" in os.environ.get("JAVA_TOOL_OPTIONS", ""):
        return []
    store = work / "trust.p12"
    store.write_bytes(_java_store(Path(bundle).read_bytes()))
    return [[f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={PASSWORD}"]]


def _java_store(pem: bytes) -> bytes:
    # Java trusts a certificate of a PKCS12 file only with an attribute of its own, which this call sets.
    return pkcs12.serialize_java_truststore(list(_certificates(pem)), BestAvailableEncryption(PASSWORD.encode()))


def _certificates(pem: bytes) -> Iterator[pkcs12.PKCS12Certificate]:
    for number, block in enumerate(pem.split(_BEGIN)[1:]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old authorities with a serial number of 0 are still in every bundle
            try:
                certificate = x509.load_pem_x509_certificate(_BEGIN + block)
            except ValueError:
                continue
        yield pkcs12.PKCS12Certificate(certificate, f"authority-{number}".encode())
