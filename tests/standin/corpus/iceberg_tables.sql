-- page: CREATE ICEBERG TABLE (Iceberg files in object storage)
-- accepted
CREATE ICEBERG TABLE myIcebergTable EXTERNAL_VOLUME = 'calve_lake' CATALOG = 'calve_object_store' METADATA_FILE_PATH = '{path}';
-- accepted
CREATE OR REPLACE ICEBERG TABLE lake.live.orders EXTERNAL_VOLUME = 'CALVE_LAKE' CATALOG = 'CALVE_OBJECT_STORE' METADATA_FILE_PATH = '{path}' COMMENT = 'orders';
-- accepted
CREATE ICEBERG TABLE IF NOT EXISTS orders EXTERNAL_VOLUME = 'calve_lake' CATALOG = 'calve_object_store' METADATA_FILE_PATH = 'not/looked/at.metadata.json';
-- accepted
create iceberg table "Mixed Case" external_volume = calve_lake catalog = calve_object_store metadata_file_path = '{path}';
-- refused: REPLACE_INVALID_CHARACTERS
CREATE ICEBERG TABLE t EXTERNAL_VOLUME = 'calve_lake' CATALOG = 'calve_object_store' METADATA_FILE_PATH = '{path}' REPLACE_INVALID_CHARACTERS = TRUE;
-- refused: TAG
CREATE ICEBERG TABLE t EXTERNAL_VOLUME = 'calve_lake' CATALOG = 'calve_object_store' METADATA_FILE_PATH = '{path}' TAG (cost_center = 'x');
-- refused: WITH
CREATE ICEBERG TABLE t EXTERNAL_VOLUME = 'calve_lake' CATALOG = 'calve_object_store' METADATA_FILE_PATH = '{path}' WITH TAG (cost_center = 'x');
-- error: 2003
CREATE ICEBERG TABLE t EXTERNAL_VOLUME = 'none_such' CATALOG = 'calve_object_store' METADATA_FILE_PATH = '{path}';
-- error: 2003
CREATE ICEBERG TABLE t EXTERNAL_VOLUME = 'calve_lake' CATALOG = 'none_such' METADATA_FILE_PATH = '{path}';
-- error: 2029
CREATE ICEBERG TABLE t EXTERNAL_VOLUME = 'calve_lake' CATALOG = 'calve_object_store';
-- error: 91383
CREATE ICEBERG TABLE t EXTERNAL_VOLUME = 'calve_lake' CATALOG = 'calve_object_store' METADATA_FILE_PATH = '/{path}';
-- error: 100071
CREATE ICEBERG TABLE t EXTERNAL_VOLUME = 'calve_lake' CATALOG = 'calve_object_store' METADATA_FILE_PATH = 'none.metadata.json';
-- error: 2002
CREATE ICEBERG TABLE orders EXTERNAL_VOLUME = 'calve_lake' CATALOG = 'calve_object_store' METADATA_FILE_PATH = '{path}';
-- error: 1420
CREATE ICEBERG TABLE t EXTERNAL_VOLUME = 'calve_lake' CATALOG = 'calve_object_store' METADATA_PATH = '{path}';
-- error: 2003
CREATE ICEBERG TABLE none_such.t EXTERNAL_VOLUME = 'calve_lake' CATALOG = 'calve_object_store' METADATA_FILE_PATH = '{path}';
-- error: 1003
CREATE ICEBERG TABLE EXTERNAL_VOLUME = 'calve_lake';

-- page: CREATE ICEBERG TABLE (Snowflake as the Iceberg catalog)
-- refused: columns
CREATE ICEBERG TABLE t (id INT) CATALOG = 'SNOWFLAKE' EXTERNAL_VOLUME = 'calve_lake' BASE_LOCATION = 't';
-- refused: BASE_LOCATION
CREATE ICEBERG TABLE t CATALOG = 'SNOWFLAKE' EXTERNAL_VOLUME = 'calve_lake' BASE_LOCATION = 't';

-- page: CREATE ICEBERG TABLE (AWS Glue as the Iceberg catalog)
-- refused: CATALOG_TABLE_NAME
CREATE ICEBERG TABLE t EXTERNAL_VOLUME = 'calve_lake' CATALOG = 'glueInt' CATALOG_TABLE_NAME = 'x';

-- page: ALTER ICEBERG TABLE ... REFRESH
-- accepted
ALTER ICEBERG TABLE orders REFRESH '{path}';
-- accepted
ALTER ICEBERG TABLE IF EXISTS lake.live.orders REFRESH '{path}';
-- accepted
ALTER ICEBERG TABLE IF EXISTS none_such REFRESH 'metadata/v1.metadata.json';
-- refused: REFRESH without a metadata file path
ALTER ICEBERG TABLE orders REFRESH;
-- error: 91383
ALTER ICEBERG TABLE orders REFRESH '/metadata/v1.metadata.json';
-- error: 91383
ALTER ICEBERG TABLE orders REFRESH 's3://mybucket/metadata/v1.metadata.json';
-- error: 100071
ALTER ICEBERG TABLE orders REFRESH 'metadata/v1.metadata.json';
-- error: 2003
ALTER ICEBERG TABLE none_such REFRESH '{path}';
-- error: 1003
ALTER ICEBERG TABLE orders REFRESH '{path}' FORCE;
-- error: 1003
ALTER ICEBERG TABLE orders REFRESH metadata;
-- error: 1008
ALTER ICEBERG TABLE sales REFRESH '{path}';

-- page: ALTER ICEBERG TABLE
-- refused: CONVERT TO
ALTER ICEBERG TABLE orders CONVERT TO MANAGED BASE_LOCATION = 'x';
-- refused: CLUSTER BY
ALTER ICEBERG TABLE orders CLUSTER BY (id);
-- refused: SET
ALTER ICEBERG TABLE orders SET AUTO_REFRESH = TRUE;
-- refused: SET TAG
ALTER ICEBERG TABLE orders SET TAG cost_center = 'x';
-- refused: SET DATA TYPE
ALTER ICEBERG TABLE orders ALTER COLUMN id SET DATA TYPE NUMBER(20,0);
-- accepted
ALTER ICEBERG TABLE orders MODIFY COLUMN note SET MASKING POLICY lake.reporting.mask;
-- accepted
ALTER ICEBERG TABLE orders ALTER COLUMN note SET MASKING POLICY lake.reporting.mask FORCE;
-- error: 904
ALTER ICEBERG TABLE orders MODIFY COLUMN none_such SET MASKING POLICY lake.reporting.mask;
-- error: 1008
ALTER ICEBERG TABLE orders MODIFY COLUMN id SET MASKING POLICY lake.reporting.mask;
-- error: 2003
ALTER ICEBERG TABLE orders MODIFY COLUMN note SET MASKING POLICY lake.reporting.none_such;
-- refused: ALTER TABLE
ALTER TABLE sales ADD COLUMN x NUMBER;

-- page: DROP ICEBERG TABLE
-- accepted
DROP ICEBERG TABLE orders;
-- accepted
DROP TABLE IF EXISTS orders;
-- accepted
DROP ICEBERG TABLE IF EXISTS none_such;
-- error: 2003
DROP ICEBERG TABLE none_such;
-- error: 2043
DROP ICEBERG TABLE sales;
-- error: 2043
DROP VIEW orders;
-- refused: UNDROP
UNDROP ICEBERG TABLE orders;

-- page: SHOW ICEBERG TABLES
-- accepted
SHOW ICEBERG TABLES;
-- accepted
SHOW TERSE ICEBERG TABLES LIKE 'ord%' IN SCHEMA lake.live STARTS WITH 'O' LIMIT 5;
-- accepted
SHOW ICEBERG TABLES IN ACCOUNT;
-- refused: FROM
SHOW ICEBERG TABLES LIMIT 5 FROM 'A';
-- error: 2003
SHOW ICEBERG TABLES IN SCHEMA lake.none_such;

-- page: DESCRIBE ICEBERG TABLE
-- accepted
DESCRIBE ICEBERG TABLE orders;
-- accepted
DESC TABLE lake.live.orders TYPE = COLUMNS;
-- error: 2003
DESC ICEBERG TABLE sales;

-- page: SYSTEM$AUTO_REFRESH_STATUS
-- accepted
SELECT SYSTEM$AUTO_REFRESH_STATUS('lake.live.orders');
-- accepted
SELECT SYSTEM$AUTO_REFRESH_STATUS('"LAKE"."LIVE"."ORDERS"') AS state;
-- error: 1008
SELECT SYSTEM$AUTO_REFRESH_STATUS('sales');
-- error: 2003
SELECT SYSTEM$AUTO_REFRESH_STATUS('none_such');
-- refused: SYSTEM$GET_ICEBERG_TABLE_INFORMATION
SELECT SYSTEM$GET_ICEBERG_TABLE_INFORMATION('orders');

-- page: ICEBERG_TABLE_SNAPSHOT_REFRESH_HISTORY
-- accepted
SELECT * FROM TABLE(INFORMATION_SCHEMA.ICEBERG_TABLE_SNAPSHOT_REFRESH_HISTORY(TABLE_NAME => 'orders'));
-- error: 1008
SELECT * FROM TABLE(INFORMATION_SCHEMA.ICEBERG_TABLE_SNAPSHOT_REFRESH_HISTORY(TABLE_NAME => 'sales'));
-- refused: ICEBERG_TABLE_FILES
SELECT * FROM TABLE(INFORMATION_SCHEMA.ICEBERG_TABLE_FILES(TABLE_NAME => 'orders'));
