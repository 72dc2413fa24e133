import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Log } from '../telemetry/index.js';
import { createListeningServer, followCertificate } from './listening-server.js';

function portOf(server: Server | undefined): number {
  const address = server?.address() as AddressInfo | null | undefined;
  return address?.port ?? 0;
}

describe('a listening server', () => {
  let directory = '';
  let server: Server | undefined;
  const lines: string[] = [];
  const log: Log = {
    info: (line) => void lines.push(line),
    warn: (line) => void lines.push(line),
    error: (line) => void lines.push(line),
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'piste-tls-'));
    lines.length = 0;
  });

  afterEach(() => {
    server?.close();
    server = undefined;
    rmSync(directory, { recursive: true, force: true });
  });

  const files = () => ({ certificateFile: join(directory, 'tls.crt'), keyFile: join(directory, 'tls.key') });

  function makeCertificate(name: string): void {
    const subject = ['-subj', `/CN=${name}`, '-days', '2', '-keyout', files().keyFile, '-out', files().certificateFile];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject], { stdio: 'ignore' });
  }

  async function served(): Promise<string> {
    const socket = connect({ port: portOf(server), host: '127.0.0.1', rejectUnauthorized: false });
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    const name = String(socket.getPeerCertificate().subject.CN);
    socket.destroy();
    return name;
  }

  test('takes a renewed certificate without a restart, and keeps the old one when the new one is broken', async () => {
    makeCertificate('first');
    server = createListeningServer(files());
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    let look = (): void => undefined;
    const timers = {
      every: (_milliseconds: number, run: () => void) => {
        look = run;
        return () => undefined;
      },
    };
    followCertificate(files(), [server], timers, log);
    expect(await served()).toBe('first');
    makeCertificate('second');
    look();
    expect(await served()).toBe('second');
    writeFileSync(files().certificateFile, 'not a certificate');
    look();
    expect(await served()).toBe('second');
    expect(lines).toEqual(['certificate renewed', 'the renewed certificate cannot be used']);
  });

  test('refuses protocol versions older than TLS 1.2', async () => {
    makeCertificate('first');
    server = createListeningServer(files());
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const port = portOf(server);
    const socket = connect({
      port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const code = await new Promise<string>((resolve) => {
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
      socket.once('secureConnect', () => resolve('connected'));
    });
    socket.destroy();
    expect(code).not.toBe('connected');
  });

  test('does not start with a certificate that cannot be read', () => {
    expect(() => createListeningServer(files())).toThrow();
    writeFileSync(files().certificateFile, 'not a certificate');
    writeFileSync(files().keyFile, 'not a key');
    expect(() => createListeningServer(files())).toThrow();
  });
});
