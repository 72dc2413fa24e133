import type { HistorySession } from './history-query.js';

/** What the account says about who else could use the service user. */
export interface ServiceUser {
  readonly name: string | undefined;
  readonly type: string | undefined;
  readonly networkPolicy: string | undefined;
  /** `guarded`: a SERVICE user under a network policy, without password and access tokens. */
  readonly verdict: 'guarded' | 'others-could' | 'not-checked';
  readonly reasons: readonly string[];
}

/** Asks with the service user's own rights; what it may not see is not checked, and said so. */
export async function checkServiceUser(session: HistorySession): Promise<ServiceUser> {
  const [named] = (await session.ask('SELECT CURRENT_USER() AS NAME', 'SELECT')) ?? [];
  const name = named?.get('NAME');
  if (name === undefined) return judge({ name: undefined, properties: undefined, networkPolicy: undefined });
  const quoted = `"${name.replaceAll('"', '""')}"`;
  const described = await session.ask(`DESCRIBE USER ${quoted}`, 'DESCRIBE');
  const properties =
    described &&
    new Map(described.map((row) => [row.get('property') ?? '', row.get('property_value') ?? row.get('value') ?? '']));
  const parameters = await session.ask(`SHOW PARAMETERS LIKE 'NETWORK_POLICY' FOR USER ${quoted}`, 'SHOW');
  return judge({ name, properties, networkPolicy: parameters && (parameters[0]?.get('value') ?? '') });
}

interface Known {
  readonly name: string | undefined;
  readonly properties: ReadonlyMap<string, string> | undefined;
  /** Empty: none. Undefined: not seen. */
  readonly networkPolicy: string | undefined;
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== '' && value !== 'null';

function judge({ name, properties, networkPolicy }: Known): ServiceUser {
  const type = properties?.get('TYPE');
  const reasons: string[] = [];
  if (properties !== undefined && type !== 'SERVICE')
    reasons.push('its TYPE is not SERVICE: a person can log in with it');
  if (isSet(properties?.get('PASSWORD'))) reasons.push('it has a password');
  if (properties?.get('HAS_PAT') === 'true') reasons.push('it has programmatic access tokens, which others may hold');
  if (networkPolicy === '') reasons.push('no network policy limits where it logs in from');
  const isKnown = properties !== undefined && networkPolicy !== undefined;
  const verdict = reasons.length > 0 ? 'others-could' : isKnown ? 'guarded' : 'not-checked';
  if (properties === undefined) reasons.push('DESCRIBE USER was not answered: type and password are not checked');
  if (networkPolicy === undefined) reasons.push('the network policy is not checked');
  if (isSet(networkPolicy))
    reasons.push("whether its network policy admits only the gateway's addresses is not checked");
  return {
    name,
    type: isSet(type) ? type : undefined,
    networkPolicy: isSet(networkPolicy) ? networkPolicy : undefined,
    verdict,
    reasons,
  };
}
