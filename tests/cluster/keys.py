"""A key and a certificate that it signed itself, good for a day."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

LOCALHOST = "127.0.0.1"


def write_pair(
    folder: Path, name: str, addresses: Sequence[str] = (LOCALHOST,), hosts: Sequence[str] = ()
) -> tuple[Path, Path]:
    """Write `NAME.key` and `NAME.crt`, for these addresses and host names, and return their paths."""
    # Spark's client reads no elliptic ones.
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    good_for = [*(x509.IPAddress(ip_address(each)) for each in addresses), *map(x509.DNSName, hosts)]
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(good_for), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{name}.key", folder / f"{name}.crt"
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    files[0].write_bytes(encoded)
    files[1].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    return files
