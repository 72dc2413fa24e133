/**
 * Ways to get at protected values. What a gateway makes of them depends on what its policy says of predicates; that no value
 * comes out does not.
 */

type Evasion = readonly [what: string, sqlText: string];

/** Protected values in expressions of the output. */
export const EXPRESSIONS: readonly Evasion[] = [
  ['an expression', "SELECT email || '' AS e FROM customers"],
  ['a function', 'SELECT UPPER(email) AS e FROM customers'],
  ['parts of it', 'SELECT SUBSTR(ssn, 1, 3) AS s FROM customers'],
  ['a cast', 'SELECT email::varchar(10) AS e FROM customers'],
  ['a cast that may fail', 'SELECT TRY_TO_NUMBER(ssn) AS e FROM customers'],
  ['its length', 'SELECT LENGTH(name) AS n FROM customers'],
  ['another hash', 'SELECT MD5(email) AS e FROM customers'],
  ['an aggregate', 'SELECT MAX(email) AS e FROM customers'],
  ['a list of all', "SELECT LISTAGG(email, ',') AS e FROM customers"],
  ['an array of all', 'SELECT ARRAY_AGG(name) AS e FROM customers'],
  ['a sum', 'SELECT SUM(balance) AS s FROM customers'],
  ['a window', 'SELECT FIRST_VALUE(email) OVER (ORDER BY id) AS e FROM customers'],
  ['a case', "SELECT CASE WHEN id = 1 THEN email ELSE 'x' END AS e FROM customers"],
  ['a comparison as a value', "SELECT email = 'ada.brandt@example.com' AS e FROM customers"],
  ['COUNT DISTINCT', 'SELECT COUNT(DISTINCT ssn) AS n FROM customers'],
];

/** Protected values that decide which rows come, and in which order. */
export const PREDICATES: readonly Evasion[] = [
  ['a filter', "SELECT id FROM customers WHERE email = 'ada.brandt@example.com'"],
  ['a LIKE filter', "SELECT id FROM customers WHERE ssn LIKE '900-11%'"],
  ['a range filter', 'SELECT id FROM customers WHERE balance > 1000'],
  ['a filter on a view', "SELECT id FROM v_customer_contact WHERE contact LIKE 'a%'"],
  ['a filter in a subquery', "SELECT COUNT(*) AS n FROM (SELECT id FROM customers WHERE name = 'Ada Brandt') AS s"],
  ['a filter by IN', 'SELECT id FROM customers WHERE email IN (SELECT email FROM hr.employees)'],
  [
    'EXISTS',
    "SELECT id FROM orders o WHERE EXISTS (SELECT 1 FROM customers c WHERE c.id = o.customer_id AND c.ssn > '900-5')",
  ],
  ['a join condition', "SELECT c.id FROM customers c JOIN (SELECT 'Ada Brandt' AS n) AS x ON c.name = x.n"],
  ['a join USING', 'SELECT COUNT(*) AS n FROM customers JOIN hr.employees USING (email)'],
  ['an order', 'SELECT id FROM customers ORDER BY ssn'],
  ['an order by position', 'SELECT ssn, id FROM customers ORDER BY 1'],
  ['an order by alias', 'SELECT ssn AS s, id FROM customers ORDER BY s'],
  ['a group', 'SELECT COUNT(*) AS n FROM customers GROUP BY name'],
];

/** Forms that hide where a value comes from. */
export const DISGUISES: readonly Evasion[] = [
  ['RESULT_SCAN', 'SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))'],
  ['a cast that fails', 'SELECT email::number AS e FROM customers'],
  ['an object of the row', 'SELECT OBJECT_CONSTRUCT(*) AS o FROM customers'],
  ['QUALIFY', 'SELECT id FROM customers QUALIFY ROW_NUMBER() OVER (ORDER BY ssn) = 1'],
  ['a natural join', 'SELECT COUNT(*) AS n FROM customers NATURAL JOIN hr.employees'],
  ['DISTINCT', 'SELECT DISTINCT name FROM customers'],
  ['a union with a text', 'SELECT city FROM customers UNION SELECT email FROM customers'],
  ['a union of all', 'SELECT email AS v FROM customers UNION ALL SELECT city FROM customers'],
  ['except', 'SELECT email AS v FROM customers EXCEPT SELECT city FROM customers'],
  ['a scalar subquery', 'SELECT (SELECT email FROM customers WHERE id = 1) AS e'],
  ['a lateral join', 'SELECT x.e FROM customers c, LATERAL (SELECT UPPER(c.email) AS e) AS x'],
  ['flatten', "SELECT f.value FROM customers c, LATERAL FLATTEN(INPUT => SPLIT(c.email, '@')) f"],
  ['pivot', "SELECT * FROM customers PIVOT (MAX(email) FOR region IN ('EMEA'))"],
  ['unpivot', 'SELECT * FROM customers UNPIVOT (v FOR k IN (email, name))'],
  ['sample with a seed', 'SELECT UPPER(name) AS n FROM customers SAMPLE (50) SEED (1)'],
  ['IDENTIFIER of a column', "SELECT IDENTIFIER('email') FROM customers"],
  ['IDENTIFIER of a table', "SELECT UPPER(email) AS e FROM IDENTIFIER('customers')"],
  ['EXPLAIN', 'EXPLAIN SELECT UPPER(email) FROM customers'],
  ['a comment that hides', "SELECT '--' /*/ AS x, UPPER(email) */ || email AS y FROM customers"],
  ['slashes as a comment', 'SELECT 1 AS a // FROM orders\n, UPPER(email) AS e FROM customers'],
];

/** What no policy answers, with the code it is refused by. */
export const ALWAYS_REFUSED: readonly (readonly [what: string, sqlText: string, code: RegExp])[] = [
  ['the pipe operator', 'SHOW TABLES ->> SELECT * FROM $1', /^861205$/],
  ['a pipe from a query', 'SELECT email FROM customers ->> SELECT UPPER($1.email) FROM $1', /^861205$/],
  ['EXECUTE IMMEDIATE', "EXECUTE IMMEDIATE 'SELECT email FROM customers'", /^861205$/],
  ['EXECUTE IMMEDIATE of dollars', 'EXECUTE IMMEDIATE $$SELECT email FROM customers$$', /^861205$/],
  ['a table by variable', 'SELECT * FROM TABLE($t)', /^861205$/],
  ['a variable', 'SET v = (SELECT email FROM customers WHERE id = 1)', /^86(1205|1403|1406)$/],
  ['two statements', 'SELECT 1; SELECT UPPER(email) FROM customers', /^861205$/],
  ['a block', 'BEGIN RETURN (SELECT MAX(email) FROM customers); END', /^86(1205|1201)$/],
  ['CALL', "CALL leak('customers')", /^86(1201|1205)$/],
  ['letters that look alike', 'SELECT еmail FROM customers', /^861205$/],
  ['an invisible letter in the name', 'SELECT ema\u200bil FROM customers', /^861205$/],
  ['an odd blank', 'SELECT\u00a0UPPER(email) FROM customers', /^86(1205|1403)$/],
  ['an open comment', 'SELECT 1 /* SELECT email FROM customers', /^861205$/],
  ['a nested comment', 'SELECT /* /* */ UPPER(email) AS e FROM customers /* */ */', /^86(1205|1403)$/],
  ['a system function', 'SELECT SYSTEM$TYPEOF(email) FROM customers', /^861205$/],
  ['GET_DDL', "SELECT GET_DDL('table', 'customers')", /^861205$/],
  ['query history', 'SELECT query_text FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY())', /^861205$/],
  ['history of the account', 'SELECT * FROM snowflake.account_usage.query_history', /^86(1205|1201)$/],
  ['a template of Jinja', 'SELECT {{ email }} FROM customers', /^861205$/],
  ['nothing', '', /^86(1205|1103)$/],
  ['a lone semicolon', ';', /^86(1205|1103)$/],
];
