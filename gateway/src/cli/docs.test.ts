import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { withDirectory } from '../recording/recording-fixture.js';
import { recordRoaming } from './roaming-fixture.js';
import { REPOSITORY, run, UPDATE } from './run-fixture.js';

/** One command of a `console` block, with what the page says it prints. */
interface Example {
  readonly command: string;
  readonly code: number;
  readonly printed: string;
}

const WORD = /'([^']*)'|"([^"]*)"|([^\s'"\\]+)|\\\n/g;

/** A command ends with the first line that does not go on in quotes or behind a backslash. */
function examplesIn(page: string): readonly Example[] {
  const blocks = [...page.matchAll(/^```console(?: exit=(\d))?\n\$ ([\s\S]*?)^```$/gm)];
  return blocks.map(([, code = '0', body = '']) => {
    const command = /^(?:'[^']*'|\\\n|[^\n'])*/.exec(body)?.[0] ?? '';
    return { command, code: Number(code), printed: body.slice(command.length + 1) };
  });
}

/** Words of a command that stand for something a test made, and what they stand for. */
type Places = Readonly<Record<string, string>>;

async function runExample(command: string, places: Places) {
  const words = [...command.matchAll(WORD)]
    .filter(([whole]) => whole !== '\\\n')
    .map(([, single, double, bare]) => single ?? double ?? bare ?? '')
    .map((word) => places[word] ?? word);
  const [npx, piste, ...argv] = words;
  expect([npx, piste]).toEqual(['npx', 'piste']);
  const from = argv.indexOf('<');
  if (from === -1) return run(argv, { environment: { HOME: places['~'] } });
  const input = readFileSync(join(REPOSITORY, argv[from + 1] ?? ''));
  return run(argv.slice(0, from), { input: Readable.from([input]) });
}

async function expectPage(name: string, places: Places): Promise<void> {
  const path = join(REPOSITORY, 'docs', name);
  // The pages name files from the root of the repository.
  expect(join(process.cwd(), '/')).toBe(REPOSITORY);
  const page = await readFile(path, 'utf8');
  const examples = examplesIn(page);
  expect(examples.length).toBeGreaterThan(1);
  let now = page;
  for (const { command, code, printed } of examples) {
    const result = await runExample(command, places);
    expect([command, result.code]).toEqual([command, code]);
    const said = result.err + result.out;
    if (UPDATE) now = now.replace(`$ ${command}\n${printed}\`\`\``, () => `$ ${command}\n${said}\`\`\``);
    else expect(said).toBe(printed);
  }
  if (UPDATE) await writeFile(path, now);
}

describe.each(['explain.md', 'policy-testing.md'])('docs/%s', (name) => {
  test('shows what its commands print', () => expectPage(name, {}));
});

describe('docs/sessions.md', () => {
  test('shows what its commands print', () =>
    withDirectory(async (parent) => {
      const { directory, trust } = await recordRoaming(parent);
      await expectPage('sessions.md', { recording: directory, 'trust.json': trust, '~': parent });
    }));
});
