const LOOPBACK = /^(127(\.\d+){3}|::1|localhost)$/i;

/** True for the names by which only this machine reaches itself. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);

/**
 * True unless a request that came over loopback asks for a host of another name: a page in a browser of this machine does so
 * that had its own name lead here, to read what is said.
 */
export function isAskedByName(host: string | undefined, localAddress: string | undefined): boolean {
  const address = (localAddress ?? '').replace(/^::ffff:/, '');
  if (!isLoopback(address)) return true;
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/.exec(host ?? '') ?? [];
  return isLoopback(bracketed ?? plain ?? '');
}
