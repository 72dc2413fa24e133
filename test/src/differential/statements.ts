import type { Catalog, SessionContext } from '@piste/gateway/dist/sql/index.js';
import { catalogOf as corpusCatalog, lineageCases, sessionOf } from '@piste/gateway/dist/sql/testing/corpus.js';
import { QueryGenerator } from '../oracle/queries.js';
import type { Random } from '../oracle/random.js';
import { catalogOf as oracleCatalog } from '../oracle/world.js';

/** A statement with the objects it is about. */
export interface Statement {
  readonly sqlText: string;
  readonly session: SessionContext;
  readonly catalog: Catalog;
}

const SESSION: SessionContext = { database: 'APP', schema: 'PUBLIC', role: 'R', warehouse: 'W' };

/** Queries of the corpus, attacks included. */
export function corpusStatements(): readonly Statement[] {
  return lineageCases
    .filter((test) => test.outcome !== 'classify')
    .map((test) => ({ sqlText: test.sql, session: sessionOf(test), catalog: corpusCatalog(test) }));
}

/** Queries of the oracle's generator. */
export function randomStatements(count: number, random: Random): readonly Statement[] {
  const generator = new QueryGenerator(random, []);
  const catalog = oracleCatalog([]);
  return Array.from({ length: count }, () => ({
    sqlText: generator.query(random.pick([1, 2, 2, 3])).sql,
    session: SESSION,
    catalog,
  }));
}
