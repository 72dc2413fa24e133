import { writeSync } from 'node:fs';
import { openTestRegistry } from './registry-fixture.js';

// One of the processes registry-log.test.ts starts beside each other: appends and reports what it was told stands.

const [directory = '', label = '', rounds = '1'] = process.argv.slice(2);
const log = openTestRegistry(directory);

for (let round = 0; round < Number(rounds); round += 1) {
  const count = 1 + ((round * 7) % 5);
  const entries = Array.from({ length: count }, (_, at) => ({
    kind: 'tick' as const,
    fields: { label, round, at },
  }));
  const first = await log.append(entries);
  writeSync(1, `${first} ${label} ${round} ${count}\n`);
}
