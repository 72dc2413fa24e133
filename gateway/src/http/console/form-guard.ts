import { timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';

/**
 * True when a form was sent by our own page: the browser says so (Fetch Metadata, or Origin from those without it) and
 * the form holds the token of the session. A browser that says neither is refused.
 */
export function isOwnForm(request: Request, publicOrigin: string, csrfToken: string): boolean {
  const site = request.get('sec-fetch-site');
  const origin = request.get('origin');
  if (site === undefined && origin === undefined) return false;
  if (site !== undefined && site !== 'same-origin') return false;
  if (origin !== undefined && origin !== publicOrigin) return false;
  const presented = formField(request, 'csrf');
  return presented !== undefined && isSameText(presented, csrfToken);
}

/** One text field of a form; undefined when it is missing or was sent twice. */
export function formField(request: Request, name: string): string | undefined {
  const body: unknown = request.body;
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, name)) return undefined;
  const value: unknown = Reflect.get(body, name);
  return typeof value === 'string' ? value : undefined;
}

function isSameText(presented: string, expected: string): boolean {
  const a = Buffer.from(presented);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}
