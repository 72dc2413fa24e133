import { createServer, type IncomingMessage } from 'node:http';
import { errorMessage } from '@piste/gateway/dist/errors.js';
import { type DownloadLoad, download, type StatementLoad, sendStatements } from './load.js';

/**
 * `node load-main.js`: makes load in a process of its own, so that making it takes nothing from who orders it. `POST
 * /statements` and `POST /download` take a load as JSON and answer with the sample. Prints `{"url": …}`, ends on SIGTERM.
 */
const server = createServer((request, response) => {
  serve(request).then(
    (sample) => response.end(JSON.stringify(sample)),
    (error: unknown) => response.writeHead(500).end(errorMessage(error)),
  );
});

async function serve(request: IncomingMessage): Promise<object> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const load: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'));
  return request.url === '/download' ? download(load as DownloadLoad) : sendStatements(load as StatementLoad);
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(
    `${JSON.stringify({ url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}` })}\n`,
  );
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0));
