import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errorCode, errorMessage } from '../errors.js';
import { type Connection, compileOffline, formatResourceComplaint, type OfflineFolder } from '../resources/index.js';
import { createPalette } from './colour.js';
import { chooseConnection, openFolder, readJson } from './explain.js';
import { type CatalogFile, readCatalog } from './explain-catalog.js';
import { type CliIo, type CommandArguments, InputError, POLICY_EXIT, UsageError } from './io.js';
import { toJson, toLine } from './plain-text.js';
import { type FixtureResult, runCase } from './policy-case.js';
import { type Fixture, formatFault, readFixtures } from './policy-fixture.js';
import { renderJUnit, renderResults } from './policy-report.js';

/** `piste policy test`: judges every case of every fixture by the gateway's own compiler and decision. */
export async function policyTest(args: CommandArguments, io: CliIo): Promise<number> {
  if (args.positionals.length === 0) throw new UsageError('which fixtures? Name files or folders');
  const files = (await Promise.all(args.positionals.map(fixtureFiles))).flat();
  const { fixtures, faults } = await readAll(files);
  if (faults.length > 0) {
    io.err(faults.map((fault) => `piste: ${toLine(fault)}\n`).join(''));
    return POLICY_EXIT.usage;
  }
  const results: FixtureResult[] = [];
  for (const fixture of fixtures) results.push(await runFixture(fixture, io.nowMs()));
  if (args.junit !== undefined) await writeFile(args.junit, renderJUnit(results));
  const passed = results.every(({ cases }) => cases.every((one) => one.differences.length === 0));
  if (args.json) io.out(`${toJson({ passed, fixtures: results })}\n`);
  else io.out(`${renderResults(results, createPalette(io.isTerminal)).join('\n')}\n`);
  return passed ? POLICY_EXIT.ok : POLICY_EXIT.failed;
}

/** The file itself, or the YAML files of a folder; other folders in it are not looked into. */
async function fixtureFiles(path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => /^[^.].*\.ya?ml$/.test(name)).sort();
    if (names.length === 0) throw new InputError(`${path}: there is no YAML file in this folder`);
    return names.map((name) => join(path, name));
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${path}: cannot be read (${errorCode(error) ?? errorMessage(error)})`);
  }
}

async function readAll(files: readonly string[]) {
  const fixtures: Fixture[] = [];
  const faults: string[] = [];
  for (const file of files) {
    const read = readFixtures(await readFile(file, 'utf8'), file);
    fixtures.push(...read.fixtures);
    faults.push(...read.faults.map(formatFault));
  }
  return { fixtures, faults };
}

async function runFixture(fixture: Fixture, nowMs: number): Promise<FixtureResult> {
  const folder = await openResources(fixture, nowMs);
  const catalog = await openCatalog(fixture);
  const connection = connectionOf(fixture, folder);
  const { policy } = connection;
  const cases = fixture.cases.map((one) =>
    runCase(one, { policy, catalog, defaults: defaultsOf(connection), source: fixture.file, nowMs }),
  );
  return { file: fixture.file, complaints: folder.complaints.map(formatResourceComplaint), cases };
}

function connectionOf(fixture: Fixture, folder: OfflineFolder): Connection {
  try {
    return chooseConnection(folder, fixture.connection);
  } catch (error) {
    const why = folder.complaints.map(formatResourceComplaint).join('; ');
    throw new InputError(`${fixture.file}: ${errorMessage(error)}${why === '' ? '' : `; ${why}`}`);
  }
}

/** Where a driver's session starts that names nothing of its own. */
function defaultsOf({ resource, policy }: Connection) {
  const { defaults } = resource.spec;
  return {
    database: defaults?.database,
    schema: defaults?.schema,
    warehouse: defaults?.warehouse,
    role: defaults?.role ?? policy.allowedRoles[0],
  };
}

function openResources({ resources, file }: Fixture, nowMs: number): Promise<OfflineFolder> {
  if (typeof resources === 'string') return openFolder(resolve(dirname(file), resources), nowMs);
  const documents = resources.map((document, index) => {
    const name = `${file} resources[${index}]`;
    return [name, { ok: true, text: JSON.stringify(document) }] as const;
  });
  return compileOffline(new Map(documents), nowMs);
}

async function openCatalog({ catalog, file }: Fixture): Promise<CatalogFile> {
  if (catalog === undefined) return readCatalog({ tables: {} }, file);
  if (typeof catalog !== 'string') return readCatalog(catalog, file);
  const path = resolve(dirname(file), catalog);
  return readCatalog(await readJson(path), path);
}
