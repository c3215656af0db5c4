"""A token logs in the user whose key or identity it proves, while it is fresh; every other one is refused."""

import gzip
import json
import logging
import time
import urllib.request

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from snowflake.connector.errors import DatabaseError, ProgrammingError

from calve.standin.snowflake.public_keys import fingerprint
from openid_issuer import openid_issuer
from private_keys import der, public, rsa_key

INCIDENT = r"\[[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\]"
SUBJECT = "system:serviceaccount:lake:calve"


@pytest.fixture
def reasons(caplog):
    """Why logins were refused, as the stand-in's log has it."""
    caplog.set_level(logging.INFO, logger="calve.standin.snowflake.attestation")
    return lambda: [record.getMessage().removeprefix("refused a login: ") for record in caplog.records]


@pytest.fixture
def by_key(standin, admin):
    """Log in as BOB, whose first key is `bob`, with a key."""
    admin(f"create user bob rsa_public_key = '{public(rsa_key('bob'))}' type = service")
    admin("create role reader")
    admin("grant role reader to user bob")
    return lambda key, **more: standin.connect(user="bob", authenticator="SNOWFLAKE_JWT", private_key=der(key), **more)


def who(connection):
    with connection, connection.cursor() as cursor:
        return cursor.execute("select current_user(), current_role()").fetchall()[0]


@pytest.mark.parametrize("key", [rsa_key("bob"), ec.generate_private_key(ec.SECP384R1())], ids=["RSA", "EC"])
def test_the_key_of_a_user_logs_that_user_in(by_key, admin, key):
    admin(f"alter user bob set rsa_public_key = '{public(key)}'")
    assert who(by_key(key)) == ("BOB", "READER")


def test_a_key_that_the_user_does_not_have_is_refused(by_key, admin, reasons):
    admin(f"create user eve rsa_public_key = '{public(rsa_key('eve'))}'")
    with pytest.raises(DatabaseError, match=rf"JWT token is invalid\. {INCIDENT}") as failed:
        by_key(rsa_key("eve"))
    assert failed.value.errno == 390144
    assert reasons() == ["the user has no key of this fingerprint"]


def test_a_user_that_does_not_exist_is_refused_and_not_made(standin, admin):
    with pytest.raises(DatabaseError, match="JWT token is invalid"):
        standin.connect(user="nobody", authenticator="SNOWFLAKE_JWT", private_key=der(rsa_key("bob")))
    with pytest.raises(ProgrammingError, match="User 'NOBODY' does not exist"):
        admin("describe user nobody")


def test_an_expired_token_is_refused(by_key, reasons, monkeypatch):
    monkeypatch.setenv("JWT_LIFETIME_IN_SECONDS", "-5")
    with pytest.raises(DatabaseError, match="JWT token is invalid"):
        by_key(rsa_key("bob"))
    assert reasons() == ["Signature has expired"]


def test_keys_are_rotated_without_a_moment_in_which_none_logs_in(by_key, admin):
    old, new = rsa_key("bob"), rsa_key("bob's next")
    admin(f"alter user bob set rsa_public_key_2 = '{public(new)}'")
    assert [who(by_key(key))[0] for key in (old, new)] == ["BOB", "BOB"]
    admin("alter user bob unset rsa_public_key")
    assert who(by_key(new))[0] == "BOB"
    with pytest.raises(DatabaseError, match="JWT token is invalid"):
        by_key(old)


def test_fingerprints_tell_which_slot_holds_which_key(by_key, admin):
    admin(f"alter user bob set rsa_public_key_2 = '{public(rsa_key('next'))}'")
    shown = {row[0]: row[1] for row in admin("describe user bob")}
    slots = {"RSA_PUBLIC_KEY_FP": fingerprint(public(rsa_key("bob")))}
    slots |= {"RSA_PUBLIC_KEY_2_FP": fingerprint(public(rsa_key("next")))}
    assert shown == {"NAME": "BOB", "TYPE": "SERVICE", **slots}


@pytest.mark.parametrize(
    ("claims", "signer", "reason"),
    [
        pytest.param({}, "bob", None, id="as it should be"),
        pytest.param({}, "eve", "Signature verification failed", id="signed by another key"),
        pytest.param({"iat": -90}, "bob", "the token is too old", id="kept for long"),
        pytest.param({"iss": "OTHER.BOB"}, "bob", "the issuer names another account or user", id="another account"),
        pytest.param({"iss": "LOCAL.EVE"}, "bob", "the issuer names another account or user", id="another user"),
        pytest.param({"sub": "LOCAL.EVE"}, "bob", "Invalid subject", id="another subject"),
        pytest.param({"exp": None}, "bob", 'Token is missing the "exp" claim', id="without an end"),
    ],
)
@pytest.mark.usefixtures("by_key")
def test_a_forged_token_is_refused_for_what_is_wrong_with_it(standin, reasons, claims, signer, reason):
    now = int(time.time())
    said = {"iss": "LOCAL.BOB", "sub": "LOCAL.BOB", "iat": 0, "exp": 60} | claims
    said["iss"] += f".{fingerprint(public(rsa_key('bob')))}"
    said |= {name: now + said[name] for name in ("iat", "exp") if said[name] is not None}
    token = jwt.encode({name: value for name, value in said.items() if value is not None}, rsa_key(signer), "RS256")
    answer = posted(standin, LOGIN_NAME="bob", ACCOUNT_NAME="local", AUTHENTICATOR="SNOWFLAKE_JWT", TOKEN=token)
    assert (answer["code"], reasons()) == ((None, []) if reason is None else ("390144", [reason]))


@pytest.mark.usefixtures("by_key")
def test_a_token_without_a_signature_is_refused(standin):
    said = {"iss": f"LOCAL.BOB.{fingerprint(public(rsa_key('bob')))}", "sub": "LOCAL.BOB", "iat": int(time.time())}
    token = jwt.encode({**said, "exp": said["iat"] + 60}, None, "none")
    answer = posted(standin, LOGIN_NAME="bob", ACCOUNT_NAME="local", AUTHENTICATOR="SNOWFLAKE_JWT", TOKEN=token)
    assert answer["code"] == "390144"


def posted(standin, **data):
    body = gzip.compress(json.dumps({"data": data}).encode())
    url = f"http://127.0.0.1:{standin.port}/session/v1/login-request"
    request = urllib.request.Request(url, data=body, headers={"Content-Encoding": "gzip"}, method="POST")
    with urllib.request.urlopen(request, timeout=5) as reply:
        return json.load(reply)


@pytest.mark.usefixtures("by_key")
def test_a_service_has_no_password(standin):
    with pytest.raises(DatabaseError, match="Incorrect username or password was specified"):
        standin.connect(user="bob", password="secret")


def test_a_role_that_does_not_own_a_user_may_not_give_it_a_key(by_key):
    with by_key(rsa_key("bob")) as connection, pytest.raises(ProgrammingError, match="Insufficient privileges"):
        connection.cursor().execute(f"alter user bob set rsa_public_key_2 = '{public(rsa_key('eve'))}'")


def test_keys_are_there_after_a_restart(serve, tmp_path):
    key = rsa_key("bob")
    with serve(tmp_path).connect() as connection:
        connection.cursor().execute(f"create user bob rsa_public_key = '{public(key)}'")
    serve.stop()
    assert who(serve(tmp_path).connect(user="bob", authenticator="SNOWFLAKE_JWT", private_key=der(key)))[0] == "BOB"


@pytest.fixture(scope="module")
def issuer():
    """An issuer that this module's users trust."""
    with openid_issuer() as running:
        yield running


@pytest.fixture
def by_identity(standin, admin, issuer, monkeypatch):
    """Log in with a token, where the issuer's service account is the identity of BOB."""
    identity = f"type = oidc issuer = '{issuer.url}' subject = '{SUBJECT}'"
    admin(f"create user bob type = service workload_identity = ({identity})")
    monkeypatch.setenv("SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES", "127.0.0.1")
    options = {"authenticator": "WORKLOAD_IDENTITY", "workload_identity_provider": "OIDC"}
    return lambda token, **more: standin.connect(**{"user": "", **options, "token": token, **more})


def test_the_identity_of_a_user_logs_that_user_in(by_identity, issuer):
    assert who(by_identity(issuer.token()))[0] == "BOB"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        pytest.param({"sub": "system:serviceaccount:lake:other"}, "no user has this identity", id="another workload"),
        pytest.param({"iss": "https://issuer.example.org"}, "no user has this identity", id="another issuer"),
        pytest.param({"aud": "sts.amazonaws.com"}, "Audience doesn't match", id="meant for another service"),
        pytest.param({"exp": 1}, "Signature has expired", id="expired"),
        pytest.param({"key": ec.generate_private_key(ec.SECP256R1())}, "Signature verification failed", id="forged"),
    ],
)
def test_an_identity_that_is_not_proven_is_refused(by_identity, issuer, reasons, claims, reason):
    with pytest.raises(DatabaseError, match=rf"Workload identity is not valid\. {INCIDENT}"):
        by_identity(issuer.token(**claims))
    assert reasons() == [reason]


def test_an_identity_logs_in_no_other_user(by_identity, issuer, admin):
    admin("create user eve")
    with pytest.raises(DatabaseError, match="Workload identity is not valid"):
        by_identity(issuer.token(), user="eve")
