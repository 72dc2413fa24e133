import { lex } from '@piste/gateway/dist/sql/lexer.js';
import type { Random } from '../oracle/random.js';

/** Pieces that change the structure of a statement wherever they land. */
const INSERTIONS: readonly string[] = `
  ( ~ ) ~ , ~ . ~ * ~ [ ~ ] ~ { ~ } ~ : ~ :: ~ ; ~ || ~ -> ~ => ~ + ~ - ~ ? ~ @ ~ $1 ~ /* x */ ~ /* ~ */ ~
  -- x ~ -- ~ // ~ # ~ ' ~ " ~ '' ~ "" ~ $$ ~ \` ~ 'x' ~ "x" ~ "email" ~ "EMAIL" ~ AS ~ SELECT ~ FROM ~
  WHERE ~ UNION ALL ~ UNION ~ INTERSECT ~ EXCEPT ~ JOIN ~ LEFT JOIN ~ ON ~ USING (id) ~ NATURAL ~ CROSS JOIN ~
  ASOF ~ LATERAL ~ WITH ~ RECURSIVE ~ DISTINCT ~ ALL ~ ANY ~ EXISTS ~ NOT ~ IN ~ IS ~ NULL ~ LIKE ~ ILIKE ~
  BETWEEN ~ AND ~ OR ~ CASE ~ WHEN ~ THEN ~ ELSE ~ END ~ OVER () ~ OVER ~ PARTITION BY ~ ORDER BY ~ GROUP BY ~
  HAVING ~ QUALIFY ~ LIMIT 1 ~ LIMIT ~ FETCH ~ OFFSET ~ WINDOW w AS () ~ VALUES ~ EXCLUDE ~ REPLACE ~ RENAME ~
  TOP 1 ~ PIVOT ~ UNPIVOT ~ SAMPLE ~ AT ~ WITHIN GROUP ~ IGNORE NULLS ~ COLLATE ~ ESCAPE ~ (SELECT 0) ~
  (SELECT email) ~ UNION ALL SELECT email FROM customers ~ email ~ id ~ customers ~ limit ~ date ~ 1 ~
  ROLLUP (id) ~ TABLE ~ IDENTIFIER ~ FLATTEN ~ MINUS ~ BY NAME ~ FILTER ~ INTERVAL ~ DATE ~ ::int ~ (+) ~ c.*
`
  .split('~')
  .map((piece) => (piece.includes('--') ? `${piece.trim()}\n` : piece.trim()));

const PIECE =
  /'(?:[^'\\]|\\.|'')*'|"(?:[^"]|"")*"|\$\$.*?\$\$|--[^\n]*\n?|\/\*.*?\*\/|[A-Za-z_$][\w$]*|[0-9.]+|\s+|./gs;

/** A statement with some of its tokens deleted, doubled, swapped or replaced, or with something put between them. */
export function mutated(sqlText: string, donor: string, random: Random): string {
  const pieces = piecesOf(sqlText);
  const others = piecesOf(donor);
  const changes = random.pick([1, 1, 1, 2, 2, 3, 5]);
  for (let change = 0; change < changes && pieces.length > 0; change += 1) mutateOnce(pieces, others, random);
  return pieces.join('');
}

function piecesOf(sqlText: string): string[] {
  return sqlText.match(PIECE) ?? [];
}

function mutateOnce(pieces: string[], donor: readonly string[], random: Random): void {
  const at = random.below(pieces.length);
  const other = random.below(pieces.length);
  const length = 1 + random.below(4);
  const insert = (...texts: readonly string[]): void => void pieces.splice(at, 0, ...texts.map((text) => ` ${text} `));
  random.pick([
    () => pieces.splice(at, random.pick([1, 1, length])),
    () => pieces.splice(other, 0, ' ', ...pieces.slice(at, at + length), ' '),
    () => {
      [pieces[at], pieces[other]] = [pieces[other] ?? '', pieces[at] ?? ''];
    },
    () => {
      pieces[at] = random.pick(donor);
    },
    () => {
      const start = random.below(donor.length);
      pieces.splice(at, random.below(2) * length, ' ', ...donor.slice(start, start + 2 * length), ' ');
    },
    () => insert(random.pick(INSERTIONS)),
    () => insert(random.pick(INSERTIONS)),
    () => {
      pieces.splice(Math.max(at, other), 0, ' ) ');
      pieces.splice(Math.min(at, other), 0, ' ( ');
    },
  ])();
}

/** May both parsers see it? What our lexer refuses is refused whatever the other one says. */
export function isLexed(sqlText: string): boolean {
  return lex(sqlText).ok;
}
