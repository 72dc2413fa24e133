import { describe, expect, test } from '@jest/globals';
import { analyze, type Catalog, type QueryFacts } from './index.js';
import { shortColumn } from './testing/corpus.js';

/** The shape of the TPC-H schema, columns without their prefix letters' table written out. */
const TABLES: Readonly<Record<string, string>> = {
  CUSTOMER: 'C_CUSTKEY C_NAME C_ADDRESS C_NATIONKEY C_PHONE C_ACCTBAL C_MKTSEGMENT C_COMMENT',
  ORDERS:
    'O_ORDERKEY O_CUSTKEY O_ORDERSTATUS O_TOTALPRICE O_ORDERDATE O_ORDERPRIORITY O_CLERK O_SHIPPRIORITY O_COMMENT',
  LINEITEM:
    'L_ORDERKEY L_PARTKEY L_SUPPKEY L_LINENUMBER L_QUANTITY L_EXTENDEDPRICE L_DISCOUNT L_TAX L_RETURNFLAG L_LINESTATUS L_SHIPDATE L_COMMITDATE L_RECEIPTDATE L_SHIPINSTRUCT L_SHIPMODE L_COMMENT',
  SUPPLIER: 'S_SUPPKEY S_NAME S_ADDRESS S_NATIONKEY S_PHONE S_ACCTBAL S_COMMENT',
  NATION: 'N_NATIONKEY N_NAME N_REGIONKEY N_COMMENT',
  REGION: 'R_REGIONKEY R_NAME R_COMMENT',
  PART: 'P_PARTKEY P_NAME P_MFGR P_BRAND P_TYPE P_SIZE P_CONTAINER P_RETAILPRICE P_COMMENT',
  PARTSUPP: 'PS_PARTKEY PS_SUPPKEY PS_AVAILQTY PS_SUPPLYCOST PS_COMMENT',
};

const catalog: Catalog = {
  find: ({ name }) => {
    const columns = TABLES[name];
    if (columns === undefined) return 'absent';
    return { kind: 'table', columns: columns.split(' ').map((column) => ({ name: column, type: 'text' })) };
  },
};

function query(sql: string): QueryFacts {
  const analysis = analyze(sql, { database: 'TPCH', schema: 'SF1', role: undefined, warehouse: undefined }, catalog);
  if (!analysis.read || analysis.query === undefined) throw new Error(analysis.read ? 'no query' : analysis.detail);
  return analysis.query;
}

const columns = (facts: QueryFacts, output: number) => facts.outputs[output]?.sources.map(shortColumn).sort();
const predicate = (facts: QueryFacts) => facts.predicate.map(shortColumn).sort();

describe('queries of reporting tools', () => {
  test('a pricing summary', () => {
    const facts = query(`
      select l_returnflag, l_linestatus, sum(l_quantity) as sum_qty,
             sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) as sum_charge, count(*) as count_order
      from lineitem
      where l_shipdate <= dateadd(day, -90, to_date('1998-12-01'))
      group by l_returnflag, l_linestatus
      order by l_returnflag, l_linestatus;`);
    expect(facts.outputs.map((output) => output.name)).toEqual([
      'L_RETURNFLAG',
      'L_LINESTATUS',
      'SUM_QTY',
      'SUM_CHARGE',
      'COUNT_ORDER',
    ]);
    expect(columns(facts, 3)).toEqual(['LINEITEM.L_DISCOUNT', 'LINEITEM.L_EXTENDEDPRICE', 'LINEITEM.L_TAX']);
    expect(predicate(facts)).toEqual(['LINEITEM.L_LINESTATUS', 'LINEITEM.L_RETURNFLAG', 'LINEITEM.L_SHIPDATE']);
  });

  test('the cheapest supplier, with a correlated minimum', () => {
    const facts = query(`
      select s_acctbal, s_name, p_partkey
      from part, supplier, partsupp, nation
      where p_partkey = ps_partkey and s_suppkey = ps_suppkey and p_size = 15 and p_type like '%BRASS'
        and s_nationkey = n_nationkey
        and ps_supplycost = (select min(ps_supplycost) from partsupp, supplier, nation, region
                             where p_partkey = ps_partkey and s_suppkey = ps_suppkey and n_regionkey = r_regionkey
                               and r_name = 'EUROPE')
      order by s_acctbal desc, n_name limit 100`);
    expect(facts.outputs.map((output) => output.direct?.column)).toEqual(['S_ACCTBAL', 'S_NAME', 'P_PARTKEY']);
    expect(predicate(facts)).toEqual(
      expect.arrayContaining(['REGION.R_NAME', 'PARTSUPP.PS_SUPPLYCOST', 'NATION.N_NAME']),
    );
    expect(predicate(facts)).not.toContain('SUPPLIER.S_NAME');
  });

  test('shipping volume by year, over a derived table', () => {
    const facts = query(`
      select supp_nation, cust_nation, l_year, sum(volume) as revenue
      from (select n1.n_name as supp_nation, n2.n_name as cust_nation, extract(year from l_shipdate) as l_year,
                   l_extendedprice * (1 - l_discount) as volume
            from supplier join lineitem on s_suppkey = l_suppkey join orders on o_orderkey = l_orderkey
                 join customer on c_custkey = o_custkey
                 join nation n1 on s_nationkey = n1.n_nationkey left outer join nation n2 on c_nationkey = n2.n_nationkey
            where (n1.n_name = 'FRANCE' and n2.n_name = 'GERMANY' or n1.n_name = 'GERMANY' and n2.n_name = 'FRANCE')
              and l_shipdate between date '1995-01-01' and date '1996-12-31') as shipping
      group by 1, 2, 3 order by 1, 2, 3`);
    expect(columns(facts, 2)).toEqual(['LINEITEM.L_SHIPDATE']);
    expect(columns(facts, 3)).toEqual(['LINEITEM.L_DISCOUNT', 'LINEITEM.L_EXTENDEDPRICE']);
    expect(facts.outputs[0]?.direct?.column).toBe('N_NAME');
  });

  test('a promotion share with CASE', () => {
    const facts = query(`
      select 100.00 * sum(case when p_type like 'PROMO%' then l_extendedprice * (1 - l_discount) else 0 end)
             / nullif(sum(l_extendedprice), 0) as promo_revenue
      from lineitem inner join part on l_partkey = p_partkey
      where l_shipdate >= '1995-09-01' and l_shipdate < dateadd(month, 1, '1995-09-01'::date)`);
    expect(columns(facts, 0)).toEqual(['LINEITEM.L_DISCOUNT', 'LINEITEM.L_EXTENDEDPRICE', 'PART.P_TYPE']);
  });

  test('customers without orders, ranked', () => {
    const facts = query(`
      with candidates as (
        select substring(c_phone, 1, 2) as cntrycode, c_acctbal, c_custkey from customer
        where left(c_phone, 2) in ('13', '31') and c_acctbal > (select avg(c_acctbal) from customer where c_acctbal > 0.00)
      ), ranked as (
        select cntrycode, c_acctbal,
               row_number() over (partition by cntrycode order by c_acctbal desc nulls last) as rn
        from candidates c where not exists (select * from orders o where o.o_custkey = c.c_custkey)
      )
      select cntrycode, count(*) as numcust, sum(c_acctbal) as totacctbal, max(rn) from ranked
      where rn <= 10 group by cntrycode having count(*) > 1 order by numcust desc, 1`);
    expect(columns(facts, 0)).toEqual(['CUSTOMER.C_PHONE']);
    expect(columns(facts, 3)).toEqual(['CUSTOMER.C_ACCTBAL', 'CUSTOMER.C_PHONE']);
    expect(predicate(facts)).toEqual(
      expect.arrayContaining(['CUSTOMER.C_ACCTBAL', 'CUSTOMER.C_PHONE', 'ORDERS.O_CUSTKEY', 'ORDERS.O_COMMENT']),
    );
  });

  test('what a tool sends to look at a table', () => {
    const facts = query('SELECT * FROM "TPCH"."SF1"."CUSTOMER" LIMIT 1000 OFFSET 0');
    expect(facts.outputs.every((output) => output.direct?.column === output.name)).toBe(true);
    expect(facts.predicate).toEqual([]);
    expect(query('SELECT 1').outputs).toHaveLength(1);
    expect(query('select current_version(), current_role(), current_warehouse()').outputs).toHaveLength(3);
  });
});
