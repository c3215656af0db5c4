"""Golden texts: what a contract becomes in Snowflake. Columns of served tables come from their metadata."""

from __future__ import annotations

import pytest

from calve.contract.models import Contract
from calve.errors import ContractError
from calve.warehouse import ddl
from calve.warehouse.names import DATA_QUALITY, EXPOSURE, PUBLICATION, Names, identifier, literal

NAMES = Names("CALVE", "CALVE_LAKE", "CALVE_OBJECT_STORE", "CALVE_USER")


def contract(**changes: object) -> Contract:
    declared: dict[str, object] = {
        "dataset": "fct_sale",
        "pipeline": "revenue",
        "owner": {"team": "t", "alerts": "a"},
        "doc": "d",
        "grain": ("id",),
        "from": ("sale",),
        "load": "merge",
        "touched_by": ("id",),
        "columns": (
            {"name": "id", "type": "long", "doc": "d"},
            {"name": "sold_at", "type": "timestamptz", "doc": "d"},
            {"name": "amount", "type": "decimal(12,2)", "doc": "d"},
            {"name": "account_key", "type": "string", "doc": "d", "domain": "account"},
        ),
        "audit": ({"complete": ("id",)},),
        "serve": {"readers": ("reporting",), "masking": {"account_key": "analyst_only"}},
    }
    return Contract.model_validate(declared | changes)


def test_an_administrator_gets_every_statement_in_order():
    assert ddl.account_statements(NAMES, base_url="s3://bucket/lake", role_arn="arn:aws:iam::1:role/r") == [
        "CREATE ROLE IF NOT EXISTS CALVE_OWNER",
        "CREATE ROLE IF NOT EXISTS CALVE_DEPLOYER",
        "CREATE EXTERNAL VOLUME IF NOT EXISTS CALVE_LAKE STORAGE_LOCATIONS = ((NAME = 'lake' "
        "STORAGE_PROVIDER = 'S3' STORAGE_BASE_URL = 's3://bucket/lake/' "
        "STORAGE_AWS_ROLE_ARN = 'arn:aws:iam::1:role/r')) ALLOW_WRITES = FALSE",
        "CREATE CATALOG INTEGRATION IF NOT EXISTS CALVE_OBJECT_STORE CATALOG_SOURCE = OBJECT_STORE "
        "TABLE_FORMAT = ICEBERG ENABLED = TRUE",
        "GRANT USAGE ON EXTERNAL VOLUME CALVE_LAKE TO ROLE CALVE_OWNER",
        "GRANT USAGE ON INTEGRATION CALVE_OBJECT_STORE TO ROLE CALVE_OWNER",
        "CREATE DATABASE IF NOT EXISTS CALVE",
        "GRANT USAGE ON DATABASE CALVE TO ROLE CALVE_OWNER",
        "GRANT CREATE SCHEMA ON DATABASE CALVE TO ROLE CALVE_OWNER",
        "GRANT USAGE ON DATABASE CALVE TO ROLE CALVE_DEPLOYER",
        "CREATE SCHEMA IF NOT EXISTS CALVE.REPORTING",
        "GRANT USAGE ON SCHEMA CALVE.REPORTING TO ROLE CALVE_OWNER",
        "GRANT CREATE MASKING POLICY ON SCHEMA CALVE.REPORTING TO ROLE CALVE_OWNER",
        "GRANT USAGE ON SCHEMA CALVE.REPORTING TO ROLE CALVE_DEPLOYER",
        "GRANT CREATE VIEW ON SCHEMA CALVE.REPORTING TO ROLE CALVE_DEPLOYER",
    ]


def test_readers_get_a_role_that_sees_the_views_schema():
    assert ddl.reader_statements(NAMES, {"reporting"}) == [
        "CREATE ROLE IF NOT EXISTS CALVE_REPORTING",
        "GRANT USAGE ON DATABASE CALVE TO ROLE CALVE_REPORTING",
        "GRANT USAGE ON SCHEMA CALVE.REPORTING TO ROLE CALVE_REPORTING",
    ]


def test_the_user_can_play_both_roles_only_when_everything_is_there():
    assert ddl.login_statements(NAMES) == [
        "GRANT ROLE CALVE_DEPLOYER TO USER CALVE_USER",
        "GRANT ROLE CALVE_OWNER TO USER CALVE_USER",
    ]


def test_a_table_reads_the_published_copy():
    path = "_published/curated.fct_sale/00007-a.metadata.json"
    assert ddl.create_iceberg_table(NAMES, "IDLE_E7", "fct_sale", path) == (
        "CREATE OR REPLACE ICEBERG TABLE CALVE.IDLE_E7.FCT_SALE EXTERNAL_VOLUME = 'CALVE_LAKE' "
        "CATALOG = 'CALVE_OBJECT_STORE' METADATA_FILE_PATH = '_published/curated.fct_sale/00007-a.metadata.json'"
    )
    assert ddl.refresh_iceberg_table(NAMES, "IDLE_E7", "fct_sale", path) == (
        "ALTER ICEBERG TABLE CALVE.IDLE_E7.FCT_SALE REFRESH '_published/curated.fct_sale/00007-a.metadata.json'"
    )


def test_readers_are_switched_by_one_statement():
    assert ddl.swap(NAMES, "IDLE_E7") == "ALTER SCHEMA CALVE.LIVE SWAP WITH CALVE.IDLE_E7"
    assert ddl.rename_schema(NAMES, "IDLE_E6", "IDLE_E7") == "ALTER SCHEMA CALVE.IDLE_E6 RENAME TO CALVE.IDLE_E7"


def test_native_tables_have_the_columns_that_views_read():
    assert ddl.create_native_table(NAMES, "IDLE_E7", PUBLICATION) == (
        "CREATE OR REPLACE TABLE CALVE.IDLE_E7.PUBLICATION (PIPELINE VARCHAR, DATASET VARCHAR, "
        "PUBLICATION NUMBER(19,0), RUN_KEY VARCHAR, SINCE TIMESTAMP_LTZ(6), UNTIL TIMESTAMP_LTZ(6), "
        "GENERATION NUMBER(10,0), PUBLISHED_AT TIMESTAMP_LTZ(6), SNAPSHOT_ID NUMBER(19,0), "
        "ROW_COUNT NUMBER(19,0), VERIFIED_THROUGH DATE, CONTRACT_DIGEST VARCHAR, IS_SERVED BOOLEAN)"
    )
    assert ddl.create_native_table(NAMES, "IDLE_E7", DATA_QUALITY) == (
        "CREATE OR REPLACE TABLE CALVE.IDLE_E7.DATA_QUALITY (PIPELINE VARCHAR, DATASET VARCHAR, RUN_KEY VARCHAR, "
        "PUBLICATION NUMBER(19,0), RULE VARCHAR, SEVERITY VARCHAR, OUTCOME VARCHAR, CHECKED_ROWS NUMBER(19,0), "
        "BROKEN_ROWS NUMBER(19,0), ALLOWED_ROWS NUMBER(19,0), DECIDED_AT TIMESTAMP_LTZ(6), DETAIL VARCHAR)"
    )


def test_rows_of_native_tables_are_one_literal():
    assert ddl.insert_rows(NAMES, "IDLE_E7", EXPOSURE, [(7, "it's"), (8, None)]) == (
        "INSERT INTO CALVE.IDLE_E7.EXPOSURE (EPOCH, RECORDS_DIGEST) SELECT F.VALUE[0]::NUMBER(19,0), "
        "F.VALUE[1]::VARCHAR FROM TABLE(FLATTEN(INPUT => PARSE_JSON('[[7,\"it''s\"],[8,null]]'))) AS F"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("a'; drop table x; --", "'a''; drop table x; --'", id="a quote"),
        pytest.param("\\' or 1", "'\\\\'' or 1'", id="a backslash before a quote"),
    ],
)
def test_a_text_does_not_break_out(value, text):
    assert literal(value) == text


def test_a_masked_column_is_shown_to_the_role_of_its_policy_only():
    assert ddl.masking_policies(NAMES, [contract()]) == [
        "CREATE MASKING POLICY IF NOT EXISTS CALVE.REPORTING.ANALYST_ONLY AS (VAL VARCHAR) RETURNS VARCHAR -> "
        "CASE WHEN IS_ROLE_IN_SESSION('CALVE_ANALYST_ONLY') THEN VAL ELSE '***' END"
    ]
    assert ddl.set_masking(NAMES, "IDLE_E7", "fct_sale", "account_key", "CALVE.REPORTING.ANALYST_ONLY") == (
        "ALTER ICEBERG TABLE CALVE.IDLE_E7.FCT_SALE MODIFY COLUMN ACCOUNT_KEY "
        "SET MASKING POLICY CALVE.REPORTING.ANALYST_ONLY FORCE"
    )
    assert ddl.unset_masking(NAMES, "IDLE_E7", "fct_sale", "account_key") == (
        "ALTER ICEBERG TABLE CALVE.IDLE_E7.FCT_SALE MODIFY COLUMN ACCOUNT_KEY UNSET MASKING POLICY"
    )


def test_one_policy_has_one_type():
    other = contract(dataset="dim_x", serve={"masking": {"id": "analyst_only"}})
    with pytest.raises(ContractError, match=r"analyst_only: dim_x\.id is NUMBER, expected VARCHAR"):
        ddl.masking_policies(NAMES, [contract(), other])


def test_snowflake_shows_the_columns_of_the_contract_and_of_the_engine():
    assert ddl.expected_columns(contract()) == {
        "ID": "NUMBER(19,0)",
        "SOLD_AT": "TIMESTAMP_LTZ(6)",
        "AMOUNT": "NUMBER(12,2)",
        "ACCOUNT_KEY": "VARCHAR(134217728)",
        "_RUN_KEY": "VARCHAR(134217728)",
        "_SOURCE_AT": "TIMESTAMP_LTZ(6)",
        "_INGESTED_AT": "TIMESTAMP_LTZ(6)",
        "_ROW_HASH": "VARCHAR(134217728)",
    }


@pytest.mark.parametrize("name", ["order", "a b", 'x"; drop schema live', "1st", "größe"])
def test_a_name_that_would_need_quotes_is_refused(name):
    with pytest.raises(ContractError, match="rename the dataset"):
        identifier(name)


@pytest.mark.parametrize("path", ["s3://bucket/lake/x.json", "/x.json", "../x.json"])
def test_a_path_outside_the_volume_is_refused(path):
    with pytest.raises(ContractError, match="relative to the external volume"):
        ddl.refresh_iceberg_table(NAMES, "LIVE", "fct_sale", path)
