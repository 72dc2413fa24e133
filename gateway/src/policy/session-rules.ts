import type { Denial } from '../errors.js';
import { deny } from '../errors.js';
import type { Facts, SessionEffect } from '../sql/facts.js';
import type { ConnectionPolicy } from './compiled.js';
import type { ReasonKind } from './decision.js';
import { showName } from './patterns.js';

/**
 * Session parameters a caller may change: they alter how values are shown or how long a statement may take, never what
 * is read, how names resolve, or how results travel.
 */
export const ALLOWED_SESSION_PARAMETERS: readonly string[] = [
  'AUTOCOMMIT',
  'BINARY_INPUT_FORMAT',
  'BINARY_OUTPUT_FORMAT',
  'DATE_INPUT_FORMAT',
  'DATE_OUTPUT_FORMAT',
  'ERROR_ON_NONDETERMINISTIC_MERGE',
  'ERROR_ON_NONDETERMINISTIC_UPDATE',
  'GEOGRAPHY_OUTPUT_FORMAT',
  'GEOMETRY_OUTPUT_FORMAT',
  'LOCK_TIMEOUT',
  'QUERY_TAG',
  'ROWS_PER_RESULTSET',
  'STATEMENT_QUEUED_TIMEOUT_IN_SECONDS',
  'STATEMENT_TIMEOUT_IN_SECONDS',
  'TIMESTAMP_DAY_IS_ALWAYS_24H',
  'TIMESTAMP_INPUT_FORMAT',
  'TIMESTAMP_LTZ_OUTPUT_FORMAT',
  'TIMESTAMP_NTZ_OUTPUT_FORMAT',
  'TIMESTAMP_OUTPUT_FORMAT',
  'TIMESTAMP_TYPE_MAPPING',
  'TIMESTAMP_TZ_OUTPUT_FORMAT',
  'TIMEZONE',
  'TIME_INPUT_FORMAT',
  'TIME_OUTPUT_FORMAT',
  'TRANSACTION_ABORT_ON_ERROR',
  'TRANSACTION_DEFAULT_ISOLATION_LEVEL',
  'TWO_DIGIT_CENTURY_START',
  'WEEK_OF_YEAR_POLICY',
  'WEEK_START',
];

const allowedParameters: ReadonlySet<string> = new Set(ALLOWED_SESSION_PARAMETERS);

/** True for a parameter that a caller may set by ALTER SESSION, at log-in or with a statement. Upper case expected. */
export function isAllowedParameter(name: string): boolean {
  return allowedParameters.has(name);
}

/** Why a statement on the session is refused; undefined when it is fine. */
export interface SessionRefusal {
  readonly kind: ReasonKind;
  readonly denial: Denial;
}

/**
 * The built-in limits of USE, ALTER SESSION, SET and transactions. No rule lifts them. A class whose effect was not
 * read is refused.
 */
export function checkSessionEffect(facts: Facts, policy: ConnectionPolicy): SessionRefusal | undefined {
  const effect = facts.effect;
  if (effect === undefined) {
    return facts.verb === 'UNSET' || facts.class === 'TRANSACTION'
      ? undefined
      : unprovable('its effect on the session');
  }
  switch (effect.kind) {
    case 'use':
      return checkUse(effect, policy);
    case 'alter-session':
      return checkAlterSession(effect);
    case 'variable':
      // What a value that is not a literal depends on is judged like everything that moves.
      return effect.literal || isTraced(effect)
        ? undefined
        : unprovable(`SET: ${facts.unreadBecause ?? 'what the value depends on could not be traced'}`);
    case 'transaction':
      return undefined;
  }
}

function isTraced({ variables }: SessionEffect & { kind: 'variable' }): boolean {
  return variables.length > 0 && variables.every((variable) => variable.sources !== undefined);
}

function checkUse(effect: SessionEffect & { kind: 'use' }, policy: ConnectionPolicy): SessionRefusal | undefined {
  if (effect.name === undefined) return unprovable('the name in USE is computed');
  const name = effect.name.join('.');
  switch (effect.what) {
    case 'database':
    case 'schema':
    case 'warehouse':
      return undefined;
    case 'role':
      return effect.name.length === 1 && policy.allowedRoles.includes(name) ? undefined : roleRefusal(name, policy);
    case 'secondary-roles':
      return name === 'NONE' ? undefined : roleRefusal(`SECONDARY ROLES ${name}`, policy);
  }
}

function checkAlterSession(effect: SessionEffect & { kind: 'alter-session' }): SessionRefusal | undefined {
  const names = [...effect.set.map((parameter) => parameter.name), ...effect.unset];
  if (names.length === 0) return unprovable('ALTER SESSION without a parameter');
  const refused = names.find((name) => !isAllowedParameter(name));
  if (refused !== undefined) {
    return { kind: 'parameter-not-allowed', denial: deny.parameterNotAllowed(showName(refused)) };
  }
  return effect.set.every((parameter) => parameter.value !== undefined)
    ? undefined
    : unprovable('a session parameter takes literals only here');
}

function roleRefusal(role: string, policy: ConnectionPolicy): SessionRefusal {
  return { kind: 'role-not-offered', denial: deny.roleNotOffered(showName(role), policy.allowedRoles.map(showName)) };
}

function unprovable(why: string): SessionRefusal {
  return { kind: 'unread', denial: deny.unread(why) };
}
