-- page: CREATE VIEW
-- accepted
CREATE VIEW myview COMMENT='Test view' AS SELECT day, amount FROM sales;
-- accepted
CREATE OR REPLACE SECURE VIEW lake.reporting.daily COPY GRANTS AS SELECT * FROM lake.live.sales;
-- accepted
CREATE VIEW IF NOT EXISTS lake.reporting.daily AS SELECT nothing FROM nowhere;
-- accepted
CREATE OR REPLACE VIEW v (a, b) COPY GRANTS COMMENT = 'two' AS SELECT day, sum(amount) FROM sales GROUP BY day;
-- accepted
CREATE VIEW v AS WITH s AS (SELECT * FROM sales) SELECT count(*) AS n FROM s;
-- accepted
CREATE VIEW v AS SELECT o.id, s.amount FROM orders o LEFT JOIN sales s ON s.note = o.note;
-- refused: CREATE RECURSIVE VIEW
CREATE RECURSIVE VIEW v (n) AS SELECT 1;
-- refused: CREATE TEMPORARY VIEW
CREATE TEMPORARY VIEW v AS SELECT 1 AS one;
-- refused: CREATE MATERIALIZED VIEW
CREATE MATERIALIZED VIEW mv AS SELECT day FROM sales;
-- refused: CREATE OR ALTER
CREATE OR ALTER VIEW v AS SELECT 1 AS one;
-- refused: ROW ACCESS
CREATE VIEW v ROW ACCESS POLICY rap ON (day) AS SELECT day FROM sales;
-- refused: WITH ROW
CREATE VIEW v WITH ROW ACCESS POLICY rap ON (day) AS SELECT day FROM sales;
-- refused: CHANGE_TRACKING
CREATE VIEW v CHANGE_TRACKING = TRUE AS SELECT day FROM sales;
-- refused: COMMENT
CREATE VIEW v (a COMMENT 'first') AS SELECT day FROM sales;
-- refused: MASKING POLICY
CREATE VIEW v (a MASKING POLICY lake.reporting.mask) AS SELECT note FROM sales;
-- refused: time travel by AT
CREATE VIEW v AS SELECT * FROM orders AT(VERSION_TAG => 'pub_1');
-- error: 2002
CREATE VIEW lake.reporting.daily AS SELECT 1 AS one;
-- error: 904
CREATE VIEW v AS SELECT none_such FROM sales;
-- error: 2003
CREATE VIEW v AS SELECT * FROM none_such;
-- error: 1003
CREATE VIEW v SELECT 1;
-- error: 1003
CREATE VIEW v AS;
-- error: 1008
CREATE VIEW v COPY GRANTS AS SELECT 1 AS one;
-- error: 1008
CREATE OR REPLACE VIEW sales AS SELECT 1 AS one;

-- page: DROP VIEW
-- accepted
DROP VIEW lake.reporting.daily;
-- accepted
DROP VIEW IF EXISTS none_such;
-- error: 2043
DROP VIEW sales;

-- page: SHOW VIEWS
-- accepted
SHOW VIEWS IN SCHEMA lake.reporting;
-- accepted
SHOW VIEWS LIKE 'd%' IN DATABASE lake;

-- page: DESCRIBE VIEW
-- accepted
DESCRIBE VIEW lake.reporting.daily;
-- error: 2003
DESCRIBE VIEW none_such;

-- page: GET_DDL
-- accepted
SELECT GET_DDL('VIEW', 'lake.reporting.daily');
-- accepted
SELECT get_ddl('view', 'LAKE.REPORTING.DAILY') AS ddl;
-- refused: GET_DDL
SELECT GET_DDL('TABLE', 'sales');
-- error: 2003
SELECT GET_DDL('VIEW', 'none_such');

-- page: ALTER VIEW
-- refused: ALTER VIEW
ALTER VIEW lake.reporting.daily SET SECURE;

-- page: CREATE DYNAMIC TABLE
-- refused: CREATE DYNAMIC TABLE
CREATE DYNAMIC TABLE d TARGET_LAG = '1 minute' WAREHOUSE = w AS SELECT 1 AS one;
