"""Ivy is the real one, the repository a folder or a TLS server of this test."""

import datetime
import hashlib
import http.server
import ipaddress
import ssl
import threading
from functools import partial

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from calve.errors import LocalEngineError
from calve.standin.local.jars import LOCK, fetch_jars, jar_cache, jar_paths, locked_jars
from calve.standin.local.java import java_home

CONTENT = b"not really a jar, but the same bytes every time"
SETTINGS = """
<ivysettings>
  <settings defaultResolver="here"/>
  <resolvers>
    <url name="here" m2compatible="true">
      <artifact pattern="{root}/[organisation]/[module]/[revision]/[artifact]-[revision].[ext]"/>
    </url>
  </resolvers>
</ivysettings>
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def lock(tmp_path):
    path = tmp_path / "jars.lock"
    path.write_text(f"# a comment\n{hashlib.sha256(CONTENT).hexdigest()}  org.example:thing:1.0\n")
    return path


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository in a folder, with the jar in it."""
    folder = tmp_path / "repository"
    (folder / "org/example/thing/1.0").mkdir(parents=True)
    (folder / "org/example/thing/1.0/thing-1.0.jar").write_bytes(CONTENT)
    use(folder.as_uri(), tmp_path, monkeypatch)
    return folder


def use(root, tmp_path, monkeypatch):
    settings = tmp_path / "ivysettings.xml"
    settings.write_text(SETTINGS.format(root=root))
    monkeypatch.setenv("CALVE_IVY_SETTINGS", str(settings))


def cached():
    return [path.name for path in jar_cache().glob("*")]


def test_a_fetched_jar_is_used_from_the_cache_afterwards(repository, lock, tmp_path):
    assert [path.read_bytes() for path in fetch_jars(java_home(), lock)] == [CONTENT]
    assert fetch_jars(tmp_path / "no java is needed", lock) == jar_paths(lock)


def test_a_jar_with_other_bytes_than_the_locks_never_reaches_the_cache(repository, lock):
    (repository / "org/example/thing/1.0/thing-1.0.jar").write_bytes(CONTENT + b"!")
    with pytest.raises(LocalEngineError, match=r"thing-1\.0\.jar: .* has sha256 \w+, expected"):
        fetch_jars(java_home(), lock)
    assert cached() == []


def test_a_jar_that_was_damaged_later_is_refused_and_fetched_anew(repository, lock):
    (path,) = fetch_jars(java_home(), lock)
    path.write_bytes(b"damaged")
    with pytest.raises(LocalEngineError, match=r"thing-1\.0\.jar: .*expected .* of jars.lock; run `make setup`"):
        jar_paths(lock)
    fetch_jars(java_home(), lock)
    assert path.read_bytes() == CONTENT


def test_an_absent_jar_says_how_to_get_it(lock):
    with pytest.raises(LocalEngineError, match=r"thing-1\.0\.jar: absent from .*run `make setup`"):
        jar_paths(lock)


def test_a_repository_without_the_jar_is_told_with_what_ivy_said(repository, lock):
    (repository / "org/example/thing/1.0/thing-1.0.jar").unlink()
    with pytest.raises(LocalEngineError, match=r"did not get org\.example:thing:1\.0(.|\n)*UNRESOLVED"):
        fetch_jars(java_home(), lock)


@pytest.mark.parametrize("line", ["thing-1.0.jar", "abc  org.example:thing:1.0", f"{'a' * 64}  org.example:thing"])
def test_a_broken_lock_names_its_line(lock, line):
    lock.write_text(f"# jars\n{line}\n")
    with pytest.raises(LocalEngineError, match=r"jars\.lock:2: found"):
        jar_paths(lock)


def test_the_lock_of_the_repository_has_names_and_no_addresses():
    assert [jar.name for jar in locked_jars()] == [
        "iceberg-spark-runtime-3.5_2.12",
        "iceberg-aws-bundle",
        "deequ",
        "postgresql",
    ]
    assert "//" not in LOCK.read_text()


def certificate(tmp_path):
    """Make a certificate for 127.0.0.1 that nobody in the world trusts; return the files of it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a company's authority")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    shown, kept = tmp_path / "authority.pem", tmp_path / "key.pem"
    shown.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    kept.write_bytes(key.private_bytes(*plain))
    return shown, kept


@pytest.fixture
def behind_a_company(repository, tmp_path, monkeypatch):
    """Serve the repository over TLS; return the file of the authority that vouches for it."""
    shown, kept = certificate(tmp_path)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(repository))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown, kept)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.delenv("JAVA_TOOL_OPTIONS", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    use(f"https://127.0.0.1:{server.server_port}", tmp_path, monkeypatch)
    yield shown
    server.shutdown()
    thread.join()
    server.server_close()


def test_java_trusts_the_authority_that_ssl_cert_file_names(behind_a_company, lock, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(behind_a_company))
    assert [path.read_bytes() for path in fetch_jars(java_home(), lock)] == [CONTENT]


def test_an_authority_that_nobody_named_is_not_trusted(behind_a_company, lock, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(LocalEngineError, match="did not get org"):
        fetch_jars(java_home(), lock)
