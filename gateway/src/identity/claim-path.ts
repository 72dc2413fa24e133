const MAX_PATH_CHARACTERS = 256;

/**
 * The claim a `SnowflakeConnection` names, or undefined.
 *
 * A name beginning with `/` is a JSON pointer (RFC 6901) into nested claims: `/kubernetes.io/namespace` reads `namespace`
 * inside `kubernetes.io`. Anything else is the name of a top-level claim, dots and slashes included. Only own members of
 * objects are read; arrays are not entered.
 */
export function readClaim(claims: unknown, path: string): unknown {
  if (path.length === 0 || path.length > MAX_PATH_CHARACTERS) return undefined;
  const names = path.startsWith('/') ? path.slice(1).split('/').map(unescapeName) : [path];
  let here: unknown = claims;
  for (const name of names) {
    if (typeof here !== 'object' || here === null || Array.isArray(here) || !Object.hasOwn(here, name))
      return undefined;
    here = Reflect.get(here, name);
  }
  return here;
}

function unescapeName(name: string): string {
  return name.replaceAll('~1', '/').replaceAll('~0', '~');
}
