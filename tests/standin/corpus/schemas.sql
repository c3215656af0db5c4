-- page: CREATE SCHEMA
-- accepted
CREATE SCHEMA myschema;
-- accepted
CREATE SCHEMA IF NOT EXISTS lake.live;
-- accepted
CREATE OR REPLACE SCHEMA lake.idle_e1 COMMENT = 'empty again';
-- error: 2002
CREATE SCHEMA lake.live;
-- refused: CREATE TRANSIENT SCHEMA
CREATE TRANSIENT SCHEMA tschema;
-- refused: WITH of SCHEMA
CREATE SCHEMA mschema WITH MANAGED ACCESS;
-- refused: CLONE
CREATE SCHEMA mytestschema_clone CLONE live;
-- refused: DATA_RETENTION_TIME_IN_DAYS
CREATE SCHEMA s DATA_RETENTION_TIME_IN_DAYS = 10;
-- error: 2003
CREATE SCHEMA none_such.s;
-- error: 1420
CREATE SCHEMA s OWNED_BY = 'x';

-- page: ALTER SCHEMA
-- accepted
ALTER SCHEMA live SWAP WITH idle_e1;
-- accepted
ALTER SCHEMA lake.live SWAP WITH lake.idle_e1;
-- accepted
ALTER SCHEMA IF EXISTS idle_e1 RENAME TO idle_e2;
-- accepted
ALTER SCHEMA IF EXISTS none_such RENAME TO idle_e2;
-- error: 2003
ALTER SCHEMA none_such RENAME TO idle_e2;
-- error: 2003
ALTER SCHEMA live SWAP WITH none_such;
-- error: 2002
ALTER SCHEMA idle_e1 RENAME TO live;
-- error: 1003
ALTER SCHEMA live SWAP WITH idle_e1 CASCADE;
-- error: 1003
ALTER SCHEMA live RENAME TO;
-- refused: RENAME TO another database
ALTER SCHEMA live RENAME TO other.live;
-- refused: SET DATA_RETENTION
ALTER SCHEMA live SET DATA_RETENTION_TIME_IN_DAYS = 1;
-- refused: ENABLE MANAGED
ALTER SCHEMA live ENABLE MANAGED ACCESS;

-- page: DROP SCHEMA
-- accepted
DROP SCHEMA idle_e1;
-- accepted
DROP SCHEMA IF EXISTS none_such;
-- accepted
DROP SCHEMA lake.live CASCADE;
-- refused: RESTRICT
DROP SCHEMA live RESTRICT;
-- error: 2003
DROP SCHEMA none_such;

-- page: SHOW SCHEMAS
-- accepted
SHOW SCHEMAS;
-- accepted
SHOW TERSE SCHEMAS LIKE 'IDLE%' IN DATABASE lake;
-- refused: HISTORY
SHOW SCHEMAS HISTORY;

-- page: CREATE DATABASE
-- accepted
CREATE DATABASE mytestdb;
-- accepted
CREATE DATABASE IF NOT EXISTS lake;
-- error: 2002
CREATE DATABASE lake;
-- refused: CREATE OR REPLACE DATABASE
CREATE OR REPLACE DATABASE lake;
-- refused: DATA_RETENTION_TIME_IN_DAYS
CREATE DATABASE d DATA_RETENTION_TIME_IN_DAYS = 10;

-- page: USE SCHEMA
-- accepted
USE SCHEMA lake.reporting;
-- accepted
USE lake;
-- accepted
USE DATABASE lake;
-- accepted
USE lake.live;
-- error: 2003
USE SCHEMA none_such;
-- error: 2003
USE DATABASE none_such;
-- error: 1003
USE SCHEMA;
