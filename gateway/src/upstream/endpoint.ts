/** Where an account is reached. */
export interface Endpoint {
  readonly connection: string;
  readonly account: string;
  /** Scheme, host and port. */
  readonly origin: string;
}

export interface EndpointFields {
  readonly identifier: string;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly transport?: 'TLS' | 'InsecurePlaintext' | undefined;
}

/** The endpoint of a connection, or why it may not be used. Plain http only where the operator allowed it by name. */
export function endpointOf(
  connection: string,
  account: EndpointFields,
  allowInsecureUpstream: boolean,
): { readonly ok: true; readonly endpoint: Endpoint } | { readonly ok: false; readonly why: string } {
  const insecure = account.transport === 'InsecurePlaintext';
  if (insecure && !allowInsecureUpstream) {
    return { ok: false, why: 'spec.account.transport InsecurePlaintext needs PISTE_ALLOW_INSECURE_UPSTREAM=true' };
  }
  const host = account.host ?? `${account.identifier.toLowerCase().replaceAll('_', '-')}.snowflakecomputing.com`;
  const port = account.port ?? 443;
  const origin = `${insecure ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return { ok: true, endpoint: { connection, account: account.identifier, origin } };
}
