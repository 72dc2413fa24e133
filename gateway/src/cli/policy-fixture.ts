import { MAX_TEXT_BYTES, type Place, parseYamlDocuments } from '@piste/crds';

/** What a case expects of the decision; absent members are not looked at. */
export interface Expectation {
  readonly verdict: 'allow' | 'block' | 'hold' | undefined;
  /** Action by output name (`#2` where Snowflake names the column). Exactly these outputs are masked. */
  readonly masked: Readonly<Record<string, string>> | undefined;
  readonly sentText: string | undefined;
  /** The kind of a reason, or part of its sentence. */
  readonly reason: string | undefined;
  readonly code: string | undefined;
  /** `Strict` where a policy or rule demands that, whatever the mode. */
  readonly recording: 'Strict' | 'none' | undefined;
}

export interface FixtureCase {
  readonly name: string;
  readonly sql: string;
  readonly as: {
    readonly groups: readonly string[];
    readonly user: string | undefined;
    readonly claims: Readonly<Record<string, string | readonly string[]>>;
  };
  readonly session: unknown;
  readonly expect: Expectation;
  readonly place: Place | undefined;
}

/** One YAML document of a fixture file. */
export interface Fixture {
  readonly file: string;
  /** A folder, or the documents themselves. */
  readonly resources: string | readonly unknown[];
  readonly connection: string | undefined;
  /** A file, or the description itself. */
  readonly catalog: unknown;
  readonly cases: readonly FixtureCase[];
}

export interface FixtureFault {
  readonly file: string;
  readonly place: Place | undefined;
  readonly field: string;
  readonly message: string;
}

export interface ReadFixtures {
  readonly fixtures: readonly Fixture[];
  readonly faults: readonly FixtureFault[];
}

/** `file:line:column: field: what is wrong`. */
export function formatFault({ file, place, field, message }: FixtureFault): string {
  const at = place === undefined ? file : `${file}:${place.line}:${place.column}`;
  return [at, field, message].filter((part) => part !== '').join(': ');
}

/** Reads the fixtures of a file; all faults come together, and a file with one has no fixtures. Never throws. */
export function readFixtures(text: string, file: string): ReadFixtures {
  const whole = (message: string): ReadFixtures => ({
    fixtures: [],
    faults: [{ file, place: undefined, field: '', message }],
  });
  if (Buffer.byteLength(text) > MAX_TEXT_BYTES) return whole(`the file is larger than ${MAX_TEXT_BYTES} bytes`);
  try {
    const documents = parseYamlDocuments(text);
    if (documents.length === 0) return whole('there is no document in the file');
    const read = documents.map(({ value, faults, placeOf }): ReadFixtures => {
      if (faults.length === 0) return readDocument(value, file, placeOf);
      const told = faults.map(({ field, line, column, message, fix }) => ({
        file,
        place: line === undefined ? placeOf(field) : { line, column: column ?? 1 },
        field,
        message: `${message}; ${fix}`,
      }));
      return { fixtures: [], faults: told };
    });
    const faults = read.flatMap((one) => one.faults);
    return { fixtures: faults.length > 0 ? [] : read.flatMap((one) => one.fixtures), faults };
  } catch {
    // The YAML library recurses: brackets nested by the thousand exhaust the stack.
    return whole('the file could not be read; nest fields and lists less deeply');
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** Collects what is wrong instead of stopping at the first fault. */
class Reader {
  readonly faults: FixtureFault[] = [];
  readonly #file: string;
  readonly #placeOf: (field: string) => Place | undefined;

  constructor(file: string, placeOf: (field: string) => Place | undefined) {
    this.#file = file;
    this.#placeOf = placeOf;
  }

  placeOf(field: string): Place | undefined {
    return this.#placeOf(field);
  }

  complain(field: string, message: string): undefined {
    this.faults.push({ file: this.#file, place: this.#placeOf(field), field, message });
  }

  fields(value: unknown, at: string, known?: readonly string[]): Fields {
    if (!isFields(value)) {
      this.complain(at, 'this is not an object');
      return {};
    }
    const unknown = Object.keys(value).filter((name) => known !== undefined && !known.includes(name));
    for (const name of unknown) {
      this.complain(at === '' ? name : `${at}.${name}`, `this field does not exist; there are ${known?.join(', ')}`);
    }
    return value;
  }

  text(value: unknown, at: string): string {
    if (typeof value === 'string') return value;
    const why = value === null ? 'this is not a text; write a bare null in quotes' : 'this is not a text';
    this.complain(at, value === undefined ? 'this field is missing' : why);
    return '';
  }

  optionalText(value: unknown, at: string): string | undefined {
    return value === undefined ? undefined : this.text(value, at);
  }

  list(value: unknown, at: string): readonly unknown[] {
    if (Array.isArray(value)) return value;
    this.complain(at, value === undefined ? 'this field is missing' : 'this is not a list');
    return [];
  }

  texts(value: unknown, at: string): readonly string[] {
    return this.list(value, at).map((entry, index) => this.text(entry, `${at}[${index}]`));
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readDocument(value: unknown, file: string, placeOf: (field: string) => Place | undefined): ReadFixtures {
  const reader = new Reader(file, placeOf);
  const root = reader.fields(value, '', ['resources', 'connection', 'catalog', 'cases']);
  const { resources } = root;
  if (resources !== undefined && typeof resources !== 'string' && !Array.isArray(resources)) {
    reader.complain('resources', 'this is neither a folder nor a list of documents');
  }
  if (resources === undefined) reader.complain('resources', 'this field is missing');
  const { catalog } = root;
  if (catalog !== undefined && typeof catalog !== 'string' && !isFields(catalog)) {
    reader.complain('catalog', 'this is neither a file nor a description');
  }
  const cases = reader.list(root['cases'], 'cases').map((one, index) => readCase(reader, one, `cases[${index}]`));
  if (cases.length === 0 && reader.faults.length === 0) reader.complain('cases', 'there is no case');
  const seen = new Set<string>();
  for (const [index, { name }] of cases.entries()) {
    if (seen.has(name)) reader.complain(`cases[${index}].name`, 'another case has this name');
    seen.add(name);
  }
  const fixture: Fixture = {
    file,
    resources: Array.isArray(resources) ? resources : typeof resources === 'string' ? resources : '',
    connection: reader.optionalText(root['connection'], 'connection'),
    catalog,
    cases,
  };
  return { fixtures: reader.faults.length > 0 ? [] : [fixture], faults: reader.faults };
}

function readCase(reader: Reader, value: unknown, at: string): FixtureCase {
  const fields = reader.fields(value, at, ['name', 'sql', 'as', 'session', 'expect']);
  const as = reader.fields(fields['as'] ?? {}, `${at}.as`, ['groups', 'user', 'claims']);
  return {
    name: reader.text(fields['name'], `${at}.name`),
    sql: reader.text(fields['sql'], `${at}.sql`),
    as: {
      groups: reader.texts(as['groups'] ?? [], `${at}.as.groups`),
      user: reader.optionalText(as['user'], `${at}.as.user`),
      claims: readClaims(reader, as['claims'] ?? {}, `${at}.as.claims`),
    },
    session: fields['session'],
    expect: readExpectation(reader, fields['expect'], `${at}.expect`),
    place: reader.placeOf(at),
  };
}

function readClaims(reader: Reader, value: unknown, at: string): FixtureCase['as']['claims'] {
  const entries = Object.entries(reader.fields(value, at));
  return Object.fromEntries(
    entries.map(([name, claim]) => [
      name,
      Array.isArray(claim) ? reader.texts(claim, `${at}.${name}`) : reader.text(claim, `${at}.${name}`),
    ]),
  );
}

const VERDICTS = ['allow', 'block', 'hold'] as const;
const RECORDINGS = ['Strict', 'none'] as const;

function readExpectation(reader: Reader, value: unknown, at: string): Expectation {
  if (value === undefined) reader.complain(at, 'this field is missing');
  const fields = reader.fields(value ?? {}, at, ['verdict', 'masked', 'sentText', 'reason', 'code', 'recording']);
  if (value !== undefined && isFields(value) && Object.keys(value).length === 0) {
    reader.complain(at, 'nothing is expected, so the case could not fail');
  }
  const oneOf = <T extends string>(known: readonly T[], name: string): T | undefined => {
    const found = known.find((word) => word === fields[name]);
    if (fields[name] !== undefined && found === undefined) {
      reader.complain(`${at}.${name}`, `this is not one of ${known.join(', ')}`);
    }
    return found;
  };
  const masked =
    fields['masked'] === undefined
      ? undefined
      : Object.entries(reader.fields(fields['masked'], `${at}.masked`)).map(
          ([name, action]) => [name, reader.text(action, `${at}.masked.${name}`)] as const,
        );
  return {
    verdict: oneOf(VERDICTS, 'verdict'),
    masked: masked === undefined ? undefined : Object.fromEntries(masked),
    sentText: reader.optionalText(fields['sentText'], `${at}.sentText`),
    reason: reader.optionalText(fields['reason'], `${at}.reason`),
    code: reader.optionalText(fields['code'], `${at}.code`),
    recording: oneOf(RECORDINGS, 'recording'),
  };
}
