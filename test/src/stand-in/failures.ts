/** A statement or request that Snowflake answers with `success: false` and HTTP 200 (protocol notes 8.1). */
export class SnowflakeFailure extends Error {
  readonly code: string;
  readonly sqlState: string;

  constructor(code: string, sqlState: string, message: string) {
    super(message);
    this.name = 'SnowflakeFailure';
    this.code = code;
    this.sqlState = sqlState;
  }
}

const compile = 'SQL compilation error:';

/** 002003: the object is missing, or the role may not see it; Snowflake does not tell which. */
export function missingObject(kind: string, name: string): SnowflakeFailure {
  const sqlState = kind === 'Database' || kind === 'Schema' ? '02000' : '42S02';
  return new SnowflakeFailure('002003', sqlState, `${compile}\n${kind} '${name}' does not exist or not authorized.`);
}

/** 002002: the name is taken. */
export function objectExists(name: string): SnowflakeFailure {
  return new SnowflakeFailure('002002', '42710', `${compile}\nObject '${name}' already exists.`);
}

/** 001003: the text is not SQL. */
export function syntaxError(near: string): SnowflakeFailure {
  return new SnowflakeFailure('001003', '42000', `${compile}\nsyntax error line 1 at position 0 unexpected '${near}'.`);
}

/** 000002: Snowflake knows the feature, the stand-in does not. */
export function unsupported(feature: string): SnowflakeFailure {
  return new SnowflakeFailure('000002', '0A000', `Unsupported feature '${feature}'.`);
}

/** 000604: ended by an abort request. */
export function canceled(): SnowflakeFailure {
  return new SnowflakeFailure('000604', '57014', 'SQL execution canceled');
}

/** 090105: an unqualified name without a current database. */
export function noCurrentDatabase(): SnowflakeFailure {
  return new SnowflakeFailure(
    '090105',
    '22000',
    "Cannot perform operation. This session does not have a current database. Call 'USE DATABASE', or use a qualified name.",
  );
}

type Rule = readonly [RegExp, (match: RegExpMatchArray) => SnowflakeFailure];

function conversion(code: string, sqlState: string, kind: string): (match: RegExpMatchArray) => SnowflakeFailure {
  return (match) => new SnowflakeFailure(code, sqlState, `${kind} '${match[1] ?? ''}' is not recognized`);
}

/** The order matters: a more general pattern stands below the special ones. */
const rules: readonly Rule[] = [
  [/INTERRUPT|Interrupted/, canceled],
  [/Could not convert string ['"]([\s\S]*?)['"] to BOOL/, conversion('100037', '22018', 'Boolean value')],
  [/Could not convert string ['"]([\s\S]*?)['"] to [A-Z]/, conversion('100038', '22018', 'Numeric value')],
  [/invalid date field format: "([\s\S]*?)"/, conversion('100040', '22007', 'Date')],
  [/date field value out of range: "([\s\S]*?)"/, conversion('100040', '22007', 'Date')],
  [/invalid timestamp field format: "([\s\S]*?)"/, conversion('100035', '22007', 'Timestamp')],
  [/time field value out of range: "([\s\S]*?)"/, conversion('100108', '22007', 'Time')],
  [/Could not parse string "([\s\S]*?)" according to/, conversion('100096', '22007', "Can't parse")],
  [/Malformed JSON/, (match) => new SnowflakeFailure('100069', '22P02', `Error parsing JSON: ${match.input ?? ''}`)],
  [
    /(?:Referenced column|column named|Column with name) "?([^" ]+)"? (?:not found|does not exist|was not found)/,
    (match) =>
      new SnowflakeFailure(
        '000904',
        '42000',
        `SQL compilation error: error line 1 at position 0\ninvalid identifier '${match[1] ?? ''}'`,
      ),
  ],
  [
    /(?:Values list|Referenced table) "(.+?)" (?:does not have a column named|not found)/,
    (match) =>
      new SnowflakeFailure(
        '000904',
        '42000',
        `SQL compilation error: error line 1 at position 0\ninvalid identifier '${match[1] ?? ''}'`,
      ),
  ],
  [/(?:Table|View) with name "?([^"!\n]+?)"? already exists/, (match) => objectExists(match[1] ?? '')],
  [/(?:Table|View) with name "?([^"!\n]+?)"? does not exist/, (match) => missingObject('Object', match[1] ?? '')],
  [/Catalog "([^"]+)" does not exist/, (match) => missingObject('Database', match[1] ?? '')],
  [/Schema with name "?([^"!\n]+?)"? does not exist/, (match) => missingObject('Schema', match[1] ?? '')],
  [
    /Function with name "?([^"!\n]+?)"? does not exist/,
    (match) =>
      new SnowflakeFailure('002140', '42601', `${compile}\nUnknown function ${(match[1] ?? '').toUpperCase()}`),
  ],
  [
    /has (\d+) columns but (\d+) values were supplied/,
    (match) =>
      new SnowflakeFailure(
        '002020',
        '21S01',
        `${compile}\nInsert value list does not match column list expecting ${match[1] ?? ''} but got ${match[2] ?? ''}`,
      ),
  ],
  [
    /NOT NULL constraint failed: (?:.*\.)?(\S+)/,
    (match) => new SnowflakeFailure('100072', '22000', `NULL result in a non-nullable column '${match[1] ?? ''}'`),
  ],
  [/out of range|overflow/i, (match) => new SnowflakeFailure('100039', '22003', match.input?.split('\n')[0] ?? '')],
  [/syntax error at or near "([\s\S]*?)"/, (match) => syntaxError(match[1] ?? '')],
  [/syntax error at end of input|Parser Error/, () => syntaxError('<EOF>')],
  [/Binder Error: ([^\n]*)/, (match) => new SnowflakeFailure('001065', '22023', `${compile}\n${match[1] ?? ''}`)],
];

/** Puts an error of DuckDB into Snowflake's words and codes; what no rule knows becomes 000603, an internal error. */
export function toFailure(error: unknown): SnowflakeFailure {
  if (error instanceof SnowflakeFailure) return error;
  const message = error instanceof Error ? error.message : String(error);
  for (const [pattern, make] of rules) {
    const match = message.match(pattern);
    if (match !== null) return make(match);
  }
  return new SnowflakeFailure('000603', 'XX000', `SQL execution internal error:\n${message}`);
}
