-- page: CREATE ROLE
-- accepted
CREATE ROLE myrole;
-- accepted
CREATE ROLE IF NOT EXISTS reader COMMENT = 'reads';
-- error: 2002
CREATE ROLE reader;
-- refused: CREATE DATABASE ROLE
CREATE DATABASE ROLE lake.r;

-- page: GRANT ROLE
-- accepted
GRANT ROLE reader TO USER ada;
-- accepted
GRANT ROLE reader TO ROLE deployer;
-- error: 2003
GRANT ROLE none_such TO USER ada;
-- error: 2003
GRANT ROLE reader TO USER none_such;
-- error: 1008
GRANT ROLE reader TO ROLE reader;
-- error: 1003
GRANT ROLE reader;

-- page: REVOKE ROLE
-- accepted
REVOKE ROLE reader FROM USER ada;

-- page: GRANT <privileges> ... TO ROLE
-- accepted
GRANT USAGE ON DATABASE lake TO ROLE reader;
-- accepted
GRANT USAGE, CREATE VIEW ON SCHEMA lake.reporting TO ROLE deployer;
-- accepted
GRANT SELECT ON TABLE sales TO ROLE reader;
-- accepted
GRANT SELECT ON ICEBERG TABLE orders TO reader;
-- accepted
GRANT SELECT, REFERENCES ON VIEW lake.reporting.daily TO ROLE reader;
-- accepted
GRANT ALL PRIVILEGES ON SCHEMA live TO ROLE deployer;
-- accepted
GRANT SELECT ON ALL TABLES IN SCHEMA lake.live TO ROLE reader;
-- accepted
GRANT SELECT ON ALL ICEBERG TABLES IN SCHEMA lake.live TO ROLE reader;
-- accepted
GRANT SELECT ON ALL VIEWS IN DATABASE lake TO ROLE reader;
-- accepted
GRANT SELECT ON FUTURE ICEBERG TABLES IN SCHEMA lake.live TO ROLE reader;
-- accepted
GRANT SELECT ON FUTURE VIEWS IN DATABASE lake TO ROLE reader;
-- accepted
GRANT USAGE ON EXTERNAL VOLUME calve_lake TO ROLE deployer;
-- accepted
GRANT USAGE ON INTEGRATION calve_object_store TO ROLE deployer;
-- accepted
GRANT CREATE SCHEMA ON DATABASE lake TO ROLE deployer;
-- accepted
GRANT CREATE TABLE, CREATE ICEBERG TABLE ON SCHEMA live TO ROLE deployer;
-- accepted
GRANT CREATE DATABASE ON ACCOUNT TO ROLE deployer;
-- accepted
GRANT APPLY ON MASKING POLICY lake.reporting.mask TO ROLE deployer;
-- refused: WITH GRANT OPTION
GRANT SELECT ON TABLE sales TO ROLE reader WITH GRANT OPTION;
-- refused: grants on WAREHOUSE
GRANT USAGE ON WAREHOUSE w TO ROLE reader;
-- refused: grants on FUTURE SCHEMAS
GRANT USAGE ON FUTURE SCHEMAS IN DATABASE lake TO ROLE reader;
-- refused: grants to USER
GRANT SELECT ON TABLE sales TO USER ada;
-- refused: grants to SHARE
GRANT SELECT ON TABLE sales TO SHARE s;
-- error: 3008
GRANT SELECT ON SCHEMA live TO ROLE reader;
-- error: 3008
GRANT USAGE ON TABLE sales TO ROLE reader;
-- error: 3008
GRANT INSERT ON VIEW lake.reporting.daily TO ROLE reader;
-- error: 2003
GRANT SELECT ON TABLE sales TO ROLE none_such;
-- error: 2003
GRANT SELECT ON TABLE none_such TO ROLE reader;
-- error: 2003
GRANT SELECT ON VIEW sales TO ROLE reader;
-- error: 1003
GRANT REED ON TABLE sales TO ROLE reader;
-- error: 1003
GRANT SELECT ON TABLE sales ROLE reader;

-- page: REVOKE <privileges> ... FROM ROLE
-- accepted
REVOKE SELECT ON TABLE sales FROM ROLE reader;
-- accepted
REVOKE SELECT ON ALL TABLES IN SCHEMA live FROM ROLE reader;
-- refused: REVOKE GRANT OPTION FOR
REVOKE GRANT OPTION FOR SELECT ON TABLE sales FROM ROLE reader;

-- page: GRANT OWNERSHIP
-- accepted
GRANT OWNERSHIP ON SCHEMA lake.idle_e1 TO ROLE deployer;
-- accepted
GRANT OWNERSHIP ON TABLE orders TO ROLE deployer COPY CURRENT GRANTS;
-- accepted
GRANT OWNERSHIP ON ALL TABLES IN SCHEMA live TO ROLE deployer REVOKE CURRENT GRANTS;
-- refused: FUTURE
GRANT OWNERSHIP ON FUTURE TABLES IN SCHEMA live TO ROLE deployer;
-- error: 1008
REVOKE OWNERSHIP ON TABLE orders FROM ROLE deployer;

-- page: SHOW GRANTS
-- accepted
SHOW GRANTS;
-- accepted
SHOW GRANTS ON SCHEMA lake.live;
-- accepted
SHOW GRANTS ON TABLE orders;
-- accepted
SHOW GRANTS TO ROLE reader;
-- accepted
SHOW GRANTS OF ROLE reader;
-- accepted
SHOW GRANTS TO USER ada;
-- refused: SHOW FUTURE
SHOW FUTURE GRANTS IN SCHEMA live;
-- error: 2003
SHOW GRANTS TO ROLE none_such;

-- page: USE ROLE
-- accepted
USE ROLE accountadmin;
-- error: 2043
USE ROLE none_such;
-- error: 3013
USE ROLE deployer;

-- page: USE SECONDARY ROLES
-- accepted
USE SECONDARY ROLES NONE;
-- refused: USE SECONDARY ROLES
USE SECONDARY ROLES ALL;

-- page: CREATE MASKING POLICY
-- accepted
CREATE MASKING POLICY email_mask AS (val string) RETURNS string -> CASE WHEN current_role() IN ('ANALYST') THEN val ELSE '*********' END;
-- refused: conditional columns
CREATE MASKING POLICY m AS (email varchar, visibility string) RETURNS varchar -> CASE WHEN visibility = 'PUBLIC' THEN email ELSE '***' END;
-- error: 1008
CREATE MASKING POLICY m AS (val string) RETURNS number -> 1;
-- error: 1003
CREATE MASKING POLICY m AS (val string) RETURNS string;

-- page: CREATE ROW ACCESS POLICY
-- refused: CREATE ROW ACCESS
CREATE ROW ACCESS POLICY rap AS (v varchar) RETURNS BOOLEAN -> true;
