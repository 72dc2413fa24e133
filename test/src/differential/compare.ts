import { createRandom, type Random } from '../oracle/random.js';
import { isInvalidSql } from './invalid-sql.js';
import { isLexed, mutated } from './mutate.js';
import { OtherParser } from './other-parser.js';
import { difference, readOther, readOurselves } from './readings.js';
import { corpusStatements, randomStatements, type Statement } from './statements.js';

/** A statement both parsers read, and read differently. */
export interface Disagreement {
  readonly group: string;
  readonly sqlText: string;
  readonly difference: string;
}

export interface GroupCounts {
  statements: number;
  /** Read by both, and so compared. */
  both: number;
  onlyWe: number;
  onlyOther: number;
  /** Read differently, but no valid SQL. */
  invalid: number;
}

export interface Comparison {
  groups: Record<string, GroupCounts>;
  disagreements: Disagreement[];
  /** Workers of the other parser that had to be replaced. */
  replaced: number;
  broken: string[];
  /** Why only one of the two read a statement. */
  onlyWe: Record<string, number>;
  onlyOther: Record<string, number>;
}

const BATCH = 200;
const MAX_DISAGREEMENTS = 40;

export function noComparison(): Comparison {
  return { groups: {}, disagreements: [], replaced: 0, broken: [], onlyWe: {}, onlyOther: {} };
}

/** Both parsers over the given statements, the corpus, random queries, and broken ones in rounds until it is over, but at least once. */
export async function compareParsers(
  seed: number,
  isOver: (rounds: number) => boolean,
  comparison: Comparison,
  given: readonly Statement[],
): Promise<void> {
  const random = createRandom(seed);
  const other = new OtherParser();
  const compareAll = async (group: string, statements: readonly Statement[]): Promise<void> => {
    await compareGroup(group, statements, other, comparison);
    comparison.replaced = other.broken;
  };
  const corpus = corpusStatements();
  await compareAll('given', given);
  await compareAll('corpus', corpus);
  let rounds = 0;
  do {
    const fresh = randomStatements(BATCH, random);
    await compareAll('random', fresh);
    await compareAll('mutated random', mutations(fresh, random));
    for (let turn = 0; turn < 3; turn += 1) await compareAll('mutated corpus', mutations(corpus, random));
    if (given.length > 0) await compareAll('mutated given', mutations(given, random));
    rounds += 1;
  } while (!isOver(rounds));
  await other.close();
}

function mutations(statements: readonly Statement[], random: Random): readonly Statement[] {
  return statements
    .map((statement) => ({
      ...statement,
      sqlText: mutated(statement.sqlText, random.pick(statements).sqlText, random),
    }))
    .filter(({ sqlText }) => isLexed(sqlText));
}

async function compareGroup(
  group: string,
  statements: readonly Statement[],
  other: OtherParser,
  comparison: Comparison,
): Promise<void> {
  const counts = comparison.groups[group] ?? { statements: 0, both: 0, onlyWe: 0, onlyOther: 0, invalid: 0 };
  comparison.groups[group] = counts;
  const parsed = await other.parse(statements.map(({ sqlText }) => sqlText));
  for (const [index, { sqlText, session, catalog }] of statements.entries()) {
    const ours = readOurselves(sqlText, session, catalog);
    const theirs = readOther(parsed[index] ?? { kind: 'broken', message: 'no answer' }, session, catalog);
    counts.statements += 1;
    if (parsed[index]?.kind === 'broken') comparison.broken.push(`${parsed[index].message}: ${sqlText.slice(0, 300)}`);
    if (ours.ok && theirs.ok) {
      counts.both += 1;
      const found = difference(ours.reading, theirs.reading);
      if (found === undefined) continue;
      if (isInvalidSql(sqlText)) counts.invalid += 1;
      else if (comparison.disagreements.length < MAX_DISAGREEMENTS) {
        comparison.disagreements.push({ group, sqlText, difference: found });
      }
    } else if (ours.ok && !theirs.ok) {
      counts.onlyWe += 1;
      count(comparison.onlyWe, theirs.why);
    } else if (!ours.ok && theirs.ok) {
      counts.onlyOther += 1;
      count(comparison.onlyOther, ours.why);
    }
  }
}

function count(counts: Record<string, number>, why: string): void {
  counts[why] = (counts[why] ?? 0) + 1;
}
