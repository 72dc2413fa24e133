import { readFileSync } from 'node:fs';
import type { IssuerOptions } from './issuer.js';
import { startIssuer } from './issuer.js';

/**
 * `node main.js [options]`: starts the issuer, prints `{"url": …}` in one line when it answers, ends on SIGTERM.
 * The options are `IssuerOptions` as JSON: the text itself, or the name of a file with it.
 */
const given = process.argv[2] ?? '{}';
const options: IssuerOptions = JSON.parse(given.startsWith('{') ? given : readFileSync(given, 'utf8'));
const issuer = await startIssuer(options);
process.stdout.write(`${JSON.stringify({ url: issuer.url })}\n`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    issuer.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}
