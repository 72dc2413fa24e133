import { readFile, stat } from 'node:fs/promises';
import { errorCode, errorMessage } from '../errors.js';
import {
  type Connection,
  compileFolderOffline,
  formatResourceComplaint,
  type OfflineFolder,
} from '../resources/index.js';
import { createPalette } from './colour.js';
import { type CatalogFile, columnNamed, readCatalog, readSurroundings } from './explain-catalog.js';
import { explainColumn, renderColumn } from './explain-column.js';
import { explainLines } from './explain-lines.js';
import { renderExplanation } from './explain-render.js';
import { type Explanation, explainStatement } from './explain-statement.js';
import { describeRequester, readRequester } from './explain-who.js';
import { type CliIo, type CommandArguments, InputError, POLICY_EXIT, UsageError } from './io.js';
import { toJson, toLine } from './plain-text.js';

const EXIT_OF_VERDICT: Readonly<Record<Explanation['verdict'], number>> = {
  allow: POLICY_EXIT.ok,
  block: POLICY_EXIT.denied,
  hold: POLICY_EXIT.held,
};

/** `piste explain`: one statement or one column for people, or lines of JSON for pipelines. */
export async function explain(args: CommandArguments, io: CliIo): Promise<number> {
  const [first, second, ...rest] = args.positionals;
  if (first === undefined) return explainInput(args, io);
  if (first === 'column' && second !== undefined && rest.length === 0) return explainOneColumn(second, args, io);
  if (second !== undefined) throw new UsageError('one statement at a time; put it in quotes');
  if (first === 'column') throw new UsageError('which column? Write DB.SCHEMA.TABLE.COLUMN');
  return explainOne(first, args, io);
}

async function explainInput(args: CommandArguments, io: CliIo): Promise<number> {
  if (!wantsJson(args)) throw new UsageError('which statement? Or add --json to read them from standard input');
  const unused = args.resources ?? args.connection ?? args.as[0] ?? args.database ?? args.schema ?? args.role;
  if (unused !== undefined) throw new UsageError('statements from standard input are judged by --catalog alone');
  return explainLines(await openCatalog(args), io);
}

async function explainOne(sql: string, args: CommandArguments, io: CliIo): Promise<number> {
  const who = readRequester(args.as);
  const file = await openCatalog(args);
  const { connection, maskingKeys } = await openConnection(args, io);
  const { defaults } = connection.resource.spec;
  const session = {
    database: args.database ?? file.current.database ?? defaults?.database,
    schema: args.schema ?? file.current.schema ?? defaults?.schema,
    role: args.role ?? defaults?.role ?? connection.policy.allowedRoles[0],
    warehouse: defaults?.warehouse,
  };
  const surroundings = readSurroundings(withoutUndefined(session), file, 'the command line');
  const explanation = explainStatement({
    sql,
    who,
    surroundings,
    policy: connection.policy,
    maskingKeys,
    nowMs: io.nowMs(),
  });
  warnWhenNotAdmitted(connection, who.groups, io);
  if (wantsJson(args))
    io.out(`${toJson({ as: describeRequester(who), connection: connection.name, ...explanation })}\n`);
  else io.out(`${renderExplanation(explanation, describeRequester(who), createPalette(io.isTerminal)).join('\n')}\n`);
  return EXIT_OF_VERDICT[explanation.verdict];
}

async function explainOneColumn(name: string, args: CommandArguments, io: CliIo): Promise<number> {
  const who = readRequester(args.as);
  const named = columnNamed(name, 'the column');
  const { connection, maskingKeys } = await openConnection(args, io);
  const file = args.catalog === undefined ? undefined : await openCatalog(args);
  const explanation = explainColumn({
    named,
    who,
    policy: connection.policy,
    maskingKeys,
    file,
    nowMs: io.nowMs(),
  });
  warnWhenNotAdmitted(connection, who.groups, io);
  if (wantsJson(args))
    io.out(`${toJson({ as: describeRequester(who), connection: connection.name, ...explanation })}\n`);
  else io.out(`${renderColumn(explanation, describeRequester(who), createPalette(io.isTerminal)).join('\n')}\n`);
  return POLICY_EXIT.ok;
}

function wantsJson({ json, output }: CommandArguments): boolean {
  if (output !== undefined && output !== 'json' && output !== 'text') throw new UsageError('-o is text or json');
  return json || output === 'json';
}

function withoutUndefined(fields: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** Who is not admitted never gets as far as a statement. */
function warnWhenNotAdmitted({ name, allowedGroups }: Connection, groups: readonly string[], io: CliIo): void {
  if (groups.some((group) => allowedGroups.includes(group))) return;
  const admitted = allowedGroups.map(toLine).join(', ');
  io.err(
    `piste: note: connection ${toLine(name)} opens no session for this requester; it admits the groups ${admitted}\n`,
  );
}

async function openCatalog({ catalog }: CommandArguments): Promise<CatalogFile> {
  if (catalog === undefined)
    throw new UsageError('which objects are there? Name their description with --catalog FILE');
  return readCatalog(await readJson(catalog), catalog);
}

/** A JSON file's content. Throws `InputError`, whatever is wrong with the file. */
export async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new InputError(`${path}: cannot be read (${errorCode(error) ?? errorMessage(error)})`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(`${path}: this is not JSON: ${errorMessage(error)}`);
  }
}

async function openConnection(
  args: CommandArguments,
  io: CliIo,
): Promise<{ connection: Connection; maskingKeys: OfflineFolder['maskingKeys'] }> {
  if (args.resources === undefined) throw new UsageError('which policies? Name their folder with --resources DIR');
  const folder = await openFolder(args.resources, io.nowMs());
  for (const complaint of folder.complaints) io.err(`piste: ${toLine(formatResourceComplaint(complaint))}\n`);
  return { connection: chooseConnection(folder, args.connection), maskingKeys: folder.maskingKeys };
}

/** A folder of resources, compiled as the gateway does. Throws `InputError` when there is none. */
export async function openFolder(directory: string, nowMs: number): Promise<OfflineFolder> {
  try {
    if (!(await stat(directory)).isDirectory()) throw new InputError(`${directory}: this is not a folder`);
    return await compileFolderOffline(directory, nowMs);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${directory}: cannot be read (${errorCode(error) ?? errorMessage(error)})`);
  }
}

/** The connection of that name, or the only one. Throws `InputError` when there is none, or more than one. */
export function chooseConnection({ connections }: OfflineFolder, name: string | undefined): Connection {
  const names = [...connections.keys()];
  const chosen = name ?? (names.length === 1 ? names[0] : undefined);
  if (chosen === undefined && names.length > 1) {
    throw new InputError(`which connection? There are ${names.join(', ')}`);
  }
  const connection = chosen === undefined ? undefined : connections.get(chosen);
  if (connection !== undefined) return connection;
  const there = names.length === 0 ? 'none is served' : `there are ${names.join(', ')}`;
  throw new InputError(`${chosen === undefined ? 'there is no connection' : `no connection ${chosen}`}: ${there}`);
}
