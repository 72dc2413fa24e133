import type { Stage } from '../stage.js';
import { expectSame, expectThat, isHash, type Step } from '../step.js';

const SQL = 'SELECT b.id, b.payload, c.email FROM big b JOIN customers c ON c.id = 1 + MOD(b.id, 12) ORDER BY b.id';

/** A result in many parts: each is fetched, masked and recorded by the gateway, and handed out under its own address. */
export const largeResult: Step = {
  title: 'It reads 5,000 rows; the result comes in chunks, masked like any other',
  timeoutSeconds: 60,
  async run({ screen, agent, direct, playground, tap }) {
    screen.field('agent', SQL);
    const { chunkFetches: before } = await playground.standIn.counters();
    const seenBefore = tap.passed().length;
    const outcome = await agent.attempt(SQL);
    expectThat(outcome.ok, 'rows', outcome);
    const { rows } = outcome.result;
    const { chunkFetches: after } = await playground.standIn.counters();
    const fetched = tap
      .passed()
      .slice(seenBefore)
      .filter(({ path }) => path.startsWith('/results/'));
    const chunks = new Set(fetched.map(({ path }) => path));
    expectThat(after - before > 1, 'more than one chunk', after - before);
    expectSame('chunks handed on', chunks.size, after - before);
    screen.ok(
      `${rows.length} rows: the first part inline, ${after - before} chunks fetched by the gateway and handed on under its own address`,
    );
    const { rows: held } = await direct.execute(SQL);
    expectSame('number of rows', rows.length, held.length);
    const differs = rows.findIndex(
      (row, at) => row['ID'] !== held[at]?.['ID'] || row['PAYLOAD'] !== held[at]?.['PAYLOAD'],
    );
    expectSame('row that differs in a column without a mask', differs, -1);
    const bare = rows.find((row) => row['EMAIL'] !== null && !isHash(row['EMAIL']));
    expectThat(bare === undefined, 'every e-mail address of every chunk as a hash', bare);
    screen.ok('row by row the same as Snowflake holds, but for the hashed addresses');
    await checkWire({ playground, tap, direct });
    const bytes = tap.passed().reduce((sum, { text }) => sum + text.length, 0);
    screen.ok(
      `everything the agent's driver got so far, ${tap.passed().length} answers with ${Math.round(bytes / 1024)} kB, was searched: no address of Snowflake or its storage, no e-mail address, no social security number`,
    );
  },
};

/** Searches all that ever went to the agent for what must never go there. */
async function checkWire({ playground, tap, direct }: Pick<Stage, 'playground' | 'tap' | 'direct'>): Promise<void> {
  const { rows } = await direct.execute('SELECT email, ssn FROM customers');
  const secrets = rows
    .flatMap((row) => [row['EMAIL'], row['SSN']])
    .filter((value): value is string => typeof value === 'string');
  expectThat(secrets.length > 20, 'more than 20 values to search for', secrets.length);
  const places = [new URL(playground.standInUrl).host, `127.0.0.1:${playground.standInChunkPort}`, 'x-amz-'];
  for (const { path, headers, text } of tap.passed()) {
    const found = [...secrets, ...places].find((needle) => text.includes(needle) || headers.includes(needle));
    expectThat(
      found === undefined,
      'nothing of the kind on the wire',
      `"${found ?? ''}" in the answer of ${path.split('?')[0] ?? ''}`,
    );
  }
}
