-- page: SELECT
-- accepted
SELECT id, note FROM orders WHERE id > 0 ORDER BY id NULLS LAST LIMIT 10;
-- accepted
SELECT lake.live.orders.id FROM lake.live.orders;
-- accepted
SELECT o.id, count(*) FROM orders AS o GROUP BY ALL HAVING count(*) > 0;
-- accepted
SELECT day, sum(amount) OVER (PARTITION BY note ORDER BY day) FROM sales QUALIFY row_number() OVER (ORDER BY day) = 1;
-- accepted
SELECT ratio_to_report(amount) OVER (PARTITION BY day) FROM sales;
-- accepted
SELECT column1, column2 FROM VALUES (1, 'a'), (2, 'b');
-- accepted
SELECT dateadd(day, -7, current_date()), date_trunc('month', current_timestamp()), dayofweekiso(current_date());
-- accepted
SELECT iff(amount > 1, 'big', 'small'), zeroifnull(amount), nullif(amount, 0), coalesce(note, '-') FROM sales;
-- accepted
SELECT current_role(), current_user(), current_database(), current_schema(), current_warehouse(), current_version();
-- accepted
SELECT seq4() FROM TABLE(GENERATOR(ROWCOUNT => 3));
-- accepted
SELECT is_role_in_session('READER');
-- accepted
WITH a AS (SELECT 1 AS n UNION ALL SELECT 2) SELECT * FROM a INTERSECT SELECT 2;
-- error: 904
SELECT none_such FROM orders;
-- error: 2003
SELECT * FROM none_such;
-- error: 2003
SELECT * FROM lake.none_such.orders;
-- error: 1003
SELECT FROM WHERE;
-- error: 8
SELECT 1; SELECT 2;
-- refused: READ_PARQUET
SELECT * FROM read_parquet('s3://x/y.parquet');
-- refused: the source 's3://x/y.parquet'
SELECT * FROM 's3://x/y.parquet';
-- refused: function LIST_SORT
SELECT list_sort([3, 1]);
-- refused: the source ICEBERG_SCAN
SELECT * FROM iceberg_scan('s3://x');
-- refused: SAMPLE
SELECT * FROM orders SAMPLE (10);
-- refused: table function RESULT_SCAN
SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));

-- page: AT | BEFORE
-- refused: time travel by AT
SELECT * FROM orders AT(TIMESTAMP => '2026-01-01'::timestamp_ltz);
-- refused: time travel by BEFORE
SELECT * FROM orders BEFORE(STATEMENT => '8e5d0ca9-005e-44e6-b858-a8f5b37c5726');
-- refused: time travel by AT
SELECT * FROM orders AT(VERSION_TAG => 'pub_7');

-- page: MATCH_RECOGNIZE
-- refused: MatchRecognize
SELECT * FROM sales MATCH_RECOGNIZE(ORDER BY day MEASURES 1 AS m PATTERN (a) DEFINE a AS TRUE);

-- page: INFORMATION_SCHEMA
-- accepted
SELECT table_name, table_type, is_iceberg FROM lake.information_schema.tables WHERE table_schema = 'LIVE';
-- accepted
SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'ORDERS' ORDER BY ordinal_position;
-- accepted
SELECT schema_name FROM lake.information_schema.schemata;
-- accepted
SELECT table_name, view_definition FROM lake.information_schema.views;
-- refused: INFORMATION_SCHEMA.LOAD_HISTORY
SELECT * FROM lake.information_schema.load_history;
-- error: 2003
SELECT * FROM none_such.information_schema.tables;
