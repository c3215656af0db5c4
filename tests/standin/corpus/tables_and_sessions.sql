-- page: CREATE TABLE
-- accepted
CREATE TABLE mytable (amount NUMBER);
-- accepted
CREATE OR REPLACE TABLE sales (id NUMBER(19,0) NOT NULL, note VARCHAR(20), at TIMESTAMP_LTZ(6), d DATE, f DOUBLE PRECISION, b BOOLEAN) COMMENT = 'six';
-- accepted
CREATE TABLE IF NOT EXISTS sales (x INT);
-- error: 2002
CREATE TABLE sales (x INT);
-- error: 2040
CREATE TABLE t (x NUMERO);
-- refused: VARIANT
CREATE TABLE t (x VARIANT);
-- refused: CLUSTER
CREATE TABLE t (x INT) CLUSTER BY (x);
-- refused: CREATE TEMPORARY TABLE
CREATE TEMPORARY TABLE t (x INT);
-- refused: CREATE TRANSIENT TABLE
CREATE TRANSIENT TABLE t (x INT);
-- refused: AS
CREATE TABLE t AS SELECT 1 AS one;
-- refused: CLONE
CREATE TABLE t CLONE sales;
-- refused: LIKE
CREATE TABLE t LIKE sales;
-- refused: DEFAULT
CREATE TABLE t (x INT DEFAULT 1);
-- refused: PRIMARY KEY
CREATE TABLE t (x INT, PRIMARY KEY (x));
-- error: 1003
CREATE TABLE t (x INT,);

-- page: INSERT
-- accepted
INSERT INTO sales VALUES ('2026-01-01', 1.5, 'a'), ('2026-01-02', 2, NULL);
-- accepted
INSERT INTO lake.live.sales (day, amount) SELECT day, amount * 2 FROM sales;
-- refused: OVERWRITE
INSERT OVERWRITE INTO sales VALUES ('2026-01-01', 1.5, 'a');
-- error: 91372
INSERT INTO orders VALUES (1, 'x');
-- error: 1008
INSERT INTO lake.reporting.daily VALUES (1);
-- error: 2003
INSERT INTO none_such VALUES (1);

-- page: UPDATE
-- accepted
UPDATE sales SET amount = 0 WHERE note = 'a';
-- error: 91372
UPDATE orders SET note = 'x';

-- page: DELETE
-- accepted
DELETE FROM sales WHERE amount > 1;
-- error: 91372
DELETE FROM orders;

-- page: MERGE
-- refused: MERGE
MERGE INTO sales USING orders ON sales.note = orders.note WHEN MATCHED THEN DELETE;

-- page: TRUNCATE TABLE
-- refused: TRUNCATE
TRUNCATE TABLE sales;

-- page: COPY INTO <table>
-- refused: COPY INTO
COPY INTO sales FROM @stage;

-- page: ALTER SESSION
-- accepted
ALTER SESSION SET QUERY_TAG = 'expose pub_7';
-- accepted
ALTER SESSION SET TIMEZONE = 'UTC';
-- accepted
ALTER SESSION UNSET QUERY_TAG;
-- refused: session time zone
ALTER SESSION SET TIMEZONE = 'America/New_York';
-- refused: session parameter WEEK_START
ALTER SESSION SET WEEK_START = 1;
-- refused: AUTOCOMMIT
ALTER SESSION SET AUTOCOMMIT = FALSE;
-- error: 1003
ALTER SESSION SET;

-- page: BEGIN
-- refused: BEGIN
BEGIN TRANSACTION;

-- page: COMMIT
-- accepted
COMMIT;

-- page: USE WAREHOUSE
-- accepted
USE WAREHOUSE w;

-- page: CREATE WAREHOUSE
-- refused: CREATE WAREHOUSE
CREATE WAREHOUSE w WAREHOUSE_SIZE = XSMALL;

-- page: CALL
-- refused: CALL
CALL my_procedure(1);

-- page: EXECUTE IMMEDIATE
-- refused: EXECUTE IMMEDIATE
EXECUTE IMMEDIATE 'SELECT 1';

-- page: COMMENT
-- refused: COMMENT ON
COMMENT ON TABLE sales IS 'x';

-- page: CREATE STREAM
-- refused: CREATE STREAM
CREATE STREAM s ON TABLE sales;

-- page: CREATE TASK
-- refused: CREATE TASK
CREATE TASK t SCHEDULE = '1 minute' AS SELECT 1;
