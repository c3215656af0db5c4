"""calve logs in by password, key pair or workload identity: exactly one, and no message holds a word of a secret."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from pydantic import SecretStr

from calve.doctor import examine
from calve.errors import SettingsError
from calve.redaction import redacted
from calve.settings import load_settings
from calve.standin.snowflake.public_keys import fingerprint
from calve.warehouse.connection import connect, execute
from calve.warehouse.expose import expose
from calve.warehouse.login import login_of
from openid_issuer import openid_issuer
from private_keys import der, pem, public, rsa_key

KEY, OTHER = rsa_key("calve"), rsa_key("other")
GIVEN = {"SOURCE_URL": "x", "CATALOG_URL": "x", "HASH_KEY": "k", "WAREHOUSE": "s3://b/lake", "PROFILE": "cluster"}


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """Set variables, and what no settings can do without."""
    monkeypatch.setenv("CALVE_STATE", str(tmp_path))

    def give(**variables):
        for name, value in {**GIVEN, **variables}.items():
            monkeypatch.setenv(f"CALVE_{name}", value)

    return give


def by(settings, **changes):
    """Return settings that log in by nothing else."""
    return settings.model_copy(update={"snowflake_password": SecretStr(""), **changes})


def by_key(settings, text, passphrase=None):
    secret = passphrase and SecretStr(passphrase)
    return by(settings, snowflake_private_key=SecretStr(text), snowflake_private_key_passphrase=secret)


@pytest.fixture
def key_of_calve(snowflake):
    """Give calve's user a public key; the slots are empty again afterwards."""

    def give(key, slot="RSA_PUBLIC_KEY"):
        snowflake.sql(f"alter user calve set {slot} = '{public(key)}'")

    yield give
    snowflake.sql("alter user calve unset RSA_PUBLIC_KEY, RSA_PUBLIC_KEY_2")


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        pytest.param(
            {"SNOWFLAKE_PASSWORD": "hunter2", "SNOWFLAKE_PRIVATE_KEY": "hunter2"},
            "found CALVE_SNOWFLAKE_PASSWORD and CALVE_SNOWFLAKE_PRIVATE_KEY, expected one way",
            id="password and key",
        ),
        pytest.param(
            {"SNOWFLAKE_PRIVATE_KEY": "hunter2", "SNOWFLAKE_WORKLOAD_IDENTITY": "AWS"},
            "found CALVE_SNOWFLAKE_PRIVATE_KEY and CALVE_SNOWFLAKE_WORKLOAD_IDENTITY, expected one way",
            id="key and identity",
        ),
        pytest.param(
            {"SNOWFLAKE_PASSWORD": "hunter2", "SNOWFLAKE_PRIVATE_KEY_PASSPHRASE": "hunter2"},
            "found no CALVE_SNOWFLAKE_PRIVATE_KEY, expected the key that the passphrase belongs to",
            id="passphrase without a key",
        ),
        pytest.param(
            {"SNOWFLAKE_WORKLOAD_IDENTITY": "OIDC"},
            "CALVE_SNOWFLAKE_WORKLOAD_IDENTITY=OIDC and CALVE_SNOWFLAKE_TOKEN_FILE, expected both",
            id="OIDC without a token",
        ),
        pytest.param(
            {"SNOWFLAKE_WORKLOAD_IDENTITY": "GCP", "SNOWFLAKE_TOKEN_FILE": "/token"},
            "CALVE_SNOWFLAKE_WORKLOAD_IDENTITY=OIDC and CALVE_SNOWFLAKE_TOKEN_FILE, expected both",
            id="a token without OIDC",
        ),
        pytest.param(
            {"SNOWFLAKE_WORKLOAD_IDENTITY": "HUNTER"},
            "CALVE_SNOWFLAKE_WORKLOAD_IDENTITY: Input should be 'AWS', 'AZURE', 'GCP' or 'OIDC'",
            id="a provider that there is not",
        ),
    ],
)
def test_settings_that_do_not_say_one_way_are_refused(environment, variables, told):
    environment(**variables)
    with pytest.raises(SettingsError) as raised:
        load_settings()
    assert told in str(raised.value)
    assert "hunter2" not in f"{raised.value} {raised.value.__cause__}"


def test_no_way_at_all_is_told_before_anything_is_sent(environment):
    environment(SNOWFLAKE_PASSWORD="", SNOWFLAKE_PRIVATE_KEY="")
    wanted = "CALVE_SNOWFLAKE_PASSWORD, CALVE_SNOWFLAKE_PRIVATE_KEY or CALVE_SNOWFLAKE_WORKLOAD_IDENTITY"
    with pytest.raises(SettingsError, match=f"found no way to log in, expected one; set {wanted}"):
        connect(load_settings())


def test_a_key_takes_the_place_of_the_local_password(environment, tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps({"snowflake_password": "hunter2"}))
    environment(PROFILE="local", SNOWFLAKE_PRIVATE_KEY="")
    assert load_settings().snowflake_logins == ["snowflake_password"]
    environment(PROFILE="local", SNOWFLAKE_PRIVATE_KEY="key")
    assert load_settings().snowflake_logins == ["snowflake_private_key"]


@pytest.mark.parametrize(
    ("text", "passphrase", "told"),
    [
        pytest.param("hunter2", None, "found no PEM text", id="no PEM"),
        pytest.param(pem(KEY)[:300], None, "could not read it", id="cut off"),
        pytest.param(pem(KEY, "right"), None, "found it encrypted", id="encrypted"),
        pytest.param(pem(KEY, "right"), "hunter2", "could not decrypt it with", id="wrong passphrase"),
        pytest.param(pem(KEY), "hunter2", "found a key in the clear", id="passphrase for nothing"),
        pytest.param(pem(ed25519.Ed25519PrivateKey.generate()), None, "expected RSA or EC", id="neither RSA nor EC"),
    ],
)
def test_a_key_that_can_not_be_used_is_told_without_a_word_of_it(settings, text, passphrase, told):
    with pytest.raises(SettingsError) as raised:
        connect(by_key(settings, text, passphrase))
    assert str(raised.value).startswith("private key (CALVE_SNOWFLAKE_PRIVATE_KEY): ")
    assert redacted(str(raised.value)) == str(raised.value)
    assert told in str(raised.value)
    assert raised.value.__cause__ is None
    for word in ("hunter2", *text.splitlines()[1:]):
        assert word not in str(raised.value)


@pytest.mark.parametrize(
    ("key", "passphrase"),
    [
        pytest.param(KEY, None, id="RSA"),
        pytest.param(KEY, "right", id="RSA, encrypted"),
        pytest.param(ec.generate_private_key(ec.SECP256R1()), None, id="EC"),
    ],
)
def test_a_key_pair_logs_in(settings, key_of_calve, key, passphrase):
    key_of_calve(key)
    with connect(by_key(settings, pem(key, passphrase or ""), passphrase)) as conn:
        assert execute(conn, "select current_user() as name") == [{"name": "CALVE"}]


def test_a_refused_key_is_not_retryable_and_names_what_to_check(settings, key_of_calve):
    key_of_calve(OTHER)
    with pytest.raises(SettingsError, match="user calve refused, expected a login by key pair") as raised:
        connect(by_key(settings, pem(KEY)))
    assert "check CALVE_SNOWFLAKE_USER, CALVE_SNOWFLAKE_PRIVATE_KEY" in str(raised.value)
    assert fingerprint(public(KEY)) in str(raised.value)
    assert "CALVE_SNOWFLAKE_PASSWORD" not in str(raised.value)
    assert "JWT token is invalid" in str(raised.value)


def test_an_expose_goes_on_while_the_key_is_rotated(settings, conn, lake, snowflake, key_of_calve):
    key_of_calve(OTHER)
    lake.publish_both()
    expose(by_key(settings, pem(OTHER)), conn, lake.project)
    key_of_calve(KEY, "RSA_PUBLIC_KEY_2")
    lake.publish("revenue")
    expose(by_key(settings, pem(KEY)), conn, lake.project)
    snowflake.sql("alter user calve unset RSA_PUBLIC_KEY")
    lake.publish("revenue")
    expose(by_key(settings, pem(KEY)), conn, lake.project)
    assert snowflake.served()["FCT_SALE"] == 4
    with pytest.raises(SettingsError, match="JWT token is invalid"):
        connect(by_key(settings, pem(OTHER)))


def test_the_doctor_says_which_way_is_used(settings, key_of_calve):
    key_of_calve(KEY)
    found = {each.check: each for each in examine(lambda: by_key(settings, pem(KEY)))}["snowflake"]
    assert found.is_well
    assert found.found.startswith(f"connected by key pair {fingerprint(public(KEY))} as CALVE")


@pytest.mark.parametrize("provider", ["AWS", "AZURE", "GCP"])
def test_a_cloud_is_asked_for_the_identity_and_no_user_is_named(settings, provider):
    options = login_of(by(settings, snowflake_workload_identity=provider)).options
    assert options == {"authenticator": "WORKLOAD_IDENTITY", "workload_identity_provider": provider}


def test_the_key_reaches_the_connector_decrypted(settings):
    options = login_of(by_key(settings, pem(KEY, "right"), "right")).options
    assert options == {"user": "calve", "authenticator": "SNOWFLAKE_JWT", "private_key": der(KEY)}


def test_the_connector_sends_an_identity_to_no_other_host_than_snowflakes(settings):
    with pytest.raises(SettingsError, match="requires a recognized Snowflake host") as raised:
        connect(by(settings, snowflake_workload_identity="AWS"))
    assert "check CALVE_SNOWFLAKE_WORKLOAD_IDENTITY" in str(raised.value)


def test_the_identity_of_aws_is_really_sent(settings, monkeypatch):
    monkeypatch.setenv("SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES", "127.0.0.1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with pytest.raises(SettingsError, match="stand-in does not model workload identity of AWS"):
        connect(by(settings, snowflake_workload_identity="AWS"))


@pytest.fixture
def by_token(settings, snowflake, monkeypatch, tmp_path):
    """Log in by the token in a file, an issuer's service account being the identity of the user POD."""
    monkeypatch.setenv("SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES", "127.0.0.1")
    file = tmp_path / "token"
    with openid_issuer() as issuer:
        identity = f"type = oidc issuer = '{issuer.url}' subject = 'system:serviceaccount:lake:calve'"
        snowflake.sql("create user if not exists pod type = service")
        snowflake.sql(f"alter user pod set workload_identity = ({identity})")
        changes = {"snowflake_workload_identity": "OIDC", "snowflake_token_file": file, "snowflake_user": "pod"}
        yield issuer, file, by(settings, **changes)


def test_a_projected_token_logs_in_and_is_read_anew_each_time(by_token):
    issuer, file, settings = by_token
    for text, expected in ((issuer.token(exp=1), None), (issuer.token(), "POD")):
        file.write_text(text)
        if expected is None:
            with pytest.raises(SettingsError, match="issuer, subject and audience of the token") as raised:
                connect(settings)
            assert text not in str(raised.value)
        else:
            with connect(settings) as conn:
                assert execute(conn, "select current_user() as name") == [{"name": expected}]


@pytest.mark.parametrize("content", [None, b"", b"\xff"], ids=["absent", "empty", "not text"])
def test_a_token_that_can_not_be_read_is_told_with_its_file(by_token, content):
    _, file, settings = by_token
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=f"CALVE_SNOWFLAKE_TOKEN_FILE {file}: found .*, expected a token"):
        connect(settings)


def test_the_doctor_notices_the_identity_of_another_user(by_token):
    issuer, file, settings = by_token
    file.write_text(issuer.token())
    other = settings.model_copy(update={"snowflake_user": "calve"})
    found = {each.check: each for each in examine(lambda: other)}["snowflake"]
    assert not found.is_well
    assert "found user POD by workload identity OIDC, expected calve" in found.found
