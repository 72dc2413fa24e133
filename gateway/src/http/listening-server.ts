import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Listener, TlsFiles } from '../config/index.js';
import { errorMessage } from '../errors.js';
import type { Log } from '../telemetry/index.js';

/** How often the certificate files are compared with what is served. */
const CERTIFICATE_LOOK_MS = 30_000;

interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
}

const readCertificate = (files: TlsFiles): Certificate => ({
  cert: readFileSync(files.certificateFile),
  key: readFileSync(files.keyFile),
});

/**
 * An HTTP server that does not listen yet; with TLS 1.2 or newer where a certificate is configured. Throws when it cannot be
 * read. Requests without a host, or with an expectation nobody knows, are requests: Node would answer them by itself.
 */
export function createListeningServer(tls: TlsFiles | undefined): Server {
  const options = { requireHostHeader: false };
  const server =
    tls === undefined
      ? createServer(options)
      : createTlsServer({ ...options, ...readCertificate(tls), minVersion: 'TLSv1.2' });
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  return server;
}

/**
 * Serves a renewed certificate to new connections without a restart. A certificate that cannot be used leaves the old one in
 * place and is logged. Returns the way to stop.
 */
export function followCertificate(
  tls: TlsFiles | undefined,
  servers: readonly Server[],
  timers: { every(milliseconds: number, run: () => void): () => void },
  log: Log,
): () => void {
  if (tls === undefined) return () => undefined;
  let served = readCertificate(tls);
  return timers.every(CERTIFICATE_LOOK_MS, () => {
    try {
      const found = readCertificate(tls);
      if (found.cert.equals(served.cert) && found.key.equals(served.key)) return;
      for (const server of servers)
        if (server instanceof TlsServer) server.setSecureContext({ ...found, minVersion: 'TLSv1.2' });
      served = found;
      log.info('certificate renewed');
    } catch (error) {
      log.error('the renewed certificate cannot be used', { error: errorMessage(error) });
    }
  });
}

/** Takes no new connections and drops idle ones; resolves when those with a request under way have ended too. */
export function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

/** Resolves with the URL once the port is taken. */
export function listen(server: Server, listener: Listener): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(listener.port, listener.host, () => {
      server.off('error', reject);
      const { port } = server.address() as AddressInfo;
      const host = listener.host.includes(':') ? `[${listener.host}]` : listener.host;
      resolve(`${server instanceof TlsServer ? 'https' : 'http'}://${host}:${port}`);
    });
  });
}
