import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { nodeFileOps } from './file-ops.js';
import type { ToWriter, WriterSettings } from './writer-messages.js';
import { createWriterService } from './writer-service.js';

// The thread that writes the log: it holds the key, and blocks on the disk so that nothing else has to.

const port = parentPort;
if (port === null) throw new Error('this file runs as a thread only');

const service = createWriterService({
  settings: workerData as WriterSettings,
  files: nodeFileOps,
  say: (message, transferred = []) => port.postMessage(message, transferred),
});

port.on('message', (first: ToWriter) => {
  service.take(first);
  do {
    // Everything that came while the last group was written goes into the next.
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      service.take(next.message as ToWriter);
    }
  } while (service.commitSome());
  service.rest();
  if (service.closed) port.close();
});
