/** Queries over the tables of the lineage corpus, as reports and agents write them. */
export const TYPICAL_STATEMENTS: readonly string[] = [
  'SELECT id, name, email, city FROM customers WHERE region = 7 ORDER BY created_at DESC LIMIT 100',
  'SELECT COUNT(*) FROM orders',
  "SELECT status, COUNT(*) AS n, SUM(amount) AS total FROM orders WHERE created_at >= '2024-01-01' GROUP BY status ORDER BY total DESC",
  `SELECT c.city, o.status, COUNT(*) AS orders, SUM(o.amount) AS revenue, AVG(o.amount) AS average
     FROM orders o JOIN customers c ON c.id = o.customer_id
    WHERE o.amount BETWEEN 10 AND 5000 AND c.city IN ('Bern', 'Zürich', 'Basel') AND o.status <> 'void'
    GROUP BY c.city, o.status HAVING COUNT(*) > 10 ORDER BY revenue DESC LIMIT 50`,
  `WITH monthly AS (
     SELECT customer_id, DATE_TRUNC('month', created_at) AS month, SUM(amount) AS total FROM orders GROUP BY 1, 2
   ), ranked AS (
     SELECT customer_id, month, total, ROW_NUMBER() OVER (PARTITION BY month ORDER BY total DESC) AS place FROM monthly
   )
   SELECT c.name, r.month, r.total, r.place FROM ranked r JOIN customers c ON c.id = r.customer_id WHERE r.place <= 10`,
  `SELECT e.dept, e.name, CASE WHEN e.salary > 100000 THEN 'high' WHEN e.salary > 50000 THEN 'middle' ELSE 'low' END AS band,
          COALESCE(m.name, 'nobody') AS manager
     FROM employees e LEFT JOIN employees m ON m.id = e.manager_id WHERE e.dept IS NOT NULL`,
  `SELECT UPPER(TRIM(name)) AS name, SUBSTR(email, 1, 3) AS prefix, LENGTH(city) AS size FROM customers
    WHERE id IN (SELECT customer_id FROM orders WHERE amount > 1000) AND city LIKE 'B%'`,
  'SELECT id FROM customers UNION ALL SELECT customer_id FROM orders UNION ALL SELECT customer_id FROM accounts',
];

const conditions = Array.from({ length: 500 }, (_, index) => index * 7).join(', ');
const columns = Array.from({ length: 100 }, (_, index) => `amount * ${index} + id AS c${index}`).join(', ');
const joins = Array.from({ length: 12 }, (_, index) => `JOIN orders o${index} ON o${index}.customer_id = c.id`).join(
  ' ',
);

/** Shapes that programs write: long lists, many columns, many joins. */
export const LARGE_STATEMENTS: readonly string[] = [
  `SELECT id, status FROM orders WHERE customer_id IN (${conditions})`,
  `SELECT ${columns} FROM orders`,
  `SELECT c.id, c.city, o0.amount, o11.amount AS last FROM customers c ${joins} WHERE c.region = 3`,
];
