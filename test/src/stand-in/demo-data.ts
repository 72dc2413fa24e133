import type { Catalog } from './catalog.js';

/** Hand-written, fictional people; the mail domains are reserved for examples and the numbers belong to nobody. */
const customers = `
(1, 'Ada Brandt', 'ada.brandt@example.com', '900-11-2233', 'Hamburg', 'EMEA', '2024-01-15 09:30:00', 1250.50),
(2, 'Bruno Keller', 'bruno.keller@example.org', '900-22-3344', 'Zurich', 'EMEA', '2024-02-03 14:05:12', 89.99),
(3, 'Carla Jimenez', 'carla.jimenez@example.com', '900-33-4455', 'Madrid', 'EMEA', '2024-02-20 08:00:00', 0.00),
(4, 'Dev Patel', 'dev.patel@example.org', '900-44-5566', 'Pune', 'APAC', '2024-03-11 23:59:59', 15200.00),
(5, 'Elif Demir', 'elif.demir@example.com', '900-55-6677', 'Izmir', 'EMEA', '2024-04-01 12:00:00.250', 432.10),
(6, 'Finn O''Connor', 'finn.oconnor@example.org', '900-66-7788', 'Cork', 'EMEA', '2024-04-18 07:45:30', -35.75),
(7, 'Grace Lim', 'grace.lim@example.com', '900-77-8899', 'Singapore', 'APAC', '2024-05-09 16:20:00', 7810.00),
(8, 'Hugo Martins', 'hugo.martins@example.org', '900-88-9900', 'Porto Alegre', 'AMER', '2024-06-21 10:10:10', 640.00),
(9, 'Inès Moreau', 'ines.moreau@example.com', '900-99-0011', 'Lyon', 'EMEA', '2024-07-07 07:07:07', 2199.95),
(10, 'Jonas Lind', 'jonas.lind@example.org', NULL, 'Uppsala', 'EMEA', '2024-08-30 18:00:00', 310.00),
(11, 'Keiko Arai', 'keiko.arai@example.com', '901-10-2030', 'Osaka', 'APAC', '2024-09-12 03:15:00', 98.00),
(12, 'Liam Walker', NULL, '901-20-3040', 'Denver', 'AMER', '2024-10-05 21:30:00', 5600.25)`;

const database = '"CRM"."PUBLIC"';

const orderStatuses = `['OPEN', 'PAID', 'SHIPPED', 'RETURNED']`;
const orderNotes = `['call before delivery', 'gift', 'reach me at ' || lower(replace(c."NAME", ' ', '.')) || '@example.com', NULL, 'leave with a neighbour']`;

/** Rows of CRM.PUBLIC.BIG: at the default part size its result needs several external chunks. */
const bigRows = 5000;

/**
 * Loads the demo account: database CRM with the schemas PUBLIC and HR, customers, orders, a view over customers, a table
 * large enough for chunks and an empty stage. Existing demo data is replaced.
 */
export async function loadDemoData(catalog: Catalog): Promise<void> {
  await catalog.createDatabase('CRM', 'or-replace');
  await catalog.createSchema('CRM', 'HR', 'if-not-exists');
  const connection = await catalog.connect();
  try {
    for (const statement of demoStatements) await connection.run(statement);
  } finally {
    connection.closeSync();
  }
  for (const name of ['CUSTOMERS', 'ORDERS', 'BIG', 'V_CUSTOMER_CONTACT']) {
    catalog.noteCreated({ database: 'CRM', schema: 'PUBLIC', name });
  }
  catalog.noteCreated({ database: 'CRM', schema: 'HR', name: 'EMPLOYEES' });
  catalog.createStage({ database: 'CRM', schema: 'PUBLIC', name: 'EXPORTS' });
  catalog.views.set('CRM.PUBLIC.V_CUSTOMER_CONTACT', { text: contactView, isSecure: false, comment: '' });
}

const contactView =
  'CREATE VIEW V_CUSTOMER_CONTACT (ID, CONTACT, CITY) AS SELECT ID, EMAIL, CITY FROM CRM.PUBLIC.CUSTOMERS';

const demoStatements: readonly string[] = [
  `CREATE TABLE ${database}."CUSTOMERS" ("ID" DECIMAL(38, 0), "NAME" VARCHAR, "EMAIL" VARCHAR, "SSN" VARCHAR, "CITY" VARCHAR,
    "REGION" VARCHAR, "CREATED_AT" TIMESTAMP, "BALANCE" DECIMAL(12, 2))`,
  `INSERT INTO ${database}."CUSTOMERS" VALUES ${customers}`,
  `CREATE TABLE ${database}."ORDERS" ("ID" DECIMAL(38, 0), "CUSTOMER_ID" DECIMAL(38, 0), "AMOUNT" DECIMAL(12, 2), "STATUS" VARCHAR,
    "NOTE" VARCHAR, "CREATED_AT" TIMESTAMP)`,
  `INSERT INTO ${database}."ORDERS" SELECT 1000 + n, c."ID", CAST((n * 37 % 500) + n * 0.25 AS DECIMAL(12, 2)),
    (${orderStatuses})[1 + n % 4], (${orderNotes})[1 + n % 5], c."CREATED_AT" + to_days(CAST(n AS INTEGER))
    FROM range(1, 41) AS r(n) JOIN ${database}."CUSTOMERS" AS c ON c."ID" = 1 + (n * 7) % 12 ORDER BY n`,
  `CREATE VIEW ${database}."V_CUSTOMER_CONTACT" ("ID", "CONTACT", "CITY") AS SELECT "ID", "EMAIL", "CITY" FROM ${database}."CUSTOMERS"`,
  `CREATE TABLE ${database}."BIG" ("ID" DECIMAL(38, 0), "PAYLOAD" VARCHAR)`,
  `INSERT INTO ${database}."BIG" SELECT n, 'row ' || n || ' ' || repeat(chr(CAST(97 + n % 26 AS INTEGER)), 90) FROM range(1, ${bigRows + 1}) AS r(n)`,
  `CREATE TABLE "CRM"."HR"."EMPLOYEES" ("ID" DECIMAL(38, 0), "NAME" VARCHAR, "EMAIL" VARCHAR, "SALARY" DECIMAL(12, 2))`,
  `INSERT INTO "CRM"."HR"."EMPLOYEES" VALUES (1, 'Mara Stein', 'mara.stein@example.org', 71000.00), (2, 'Noah Berg', 'noah.berg@example.org', 64500.00)`,
];
