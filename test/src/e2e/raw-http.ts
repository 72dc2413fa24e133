import { createConnection, type Socket } from 'node:net';

/** Opens a TCP connection to a server's origin. The caller ends it. */
export async function openSocket(origin: string): Promise<Socket> {
  const { hostname, port } = new URL(origin);
  const socket = createConnection(Number(port), hostname);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  // A reset is one of the answers a test may get.
  socket.on('error', () => undefined);
  return socket;
}

/** Sends bytes as they are and returns all that comes back until the server closes, or after `milliseconds`. */
export async function sendBytes(origin: string, bytes: string | Uint8Array, milliseconds = 5_000): Promise<string> {
  const socket = await openSocket(origin);
  let text = '';
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part;
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write(bytes);
  const timer = setTimeout(() => socket.destroy(), milliseconds);
  await closed;
  clearTimeout(timer);
  return text;
}
