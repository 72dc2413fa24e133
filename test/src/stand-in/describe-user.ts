import { type Table, textTable } from './columns.js';
import { SnowflakeFailure } from './failures.js';
import { isToken, type Token } from './lexer.js';
import type { StandInUser } from './options.js';
import type { Session } from './sessions.js';

/** DESCRIBE USER: everybody may see themselves, and nobody else. @throws SnowflakeFailure 003001 */
export function describeUser(tokens: readonly Token[], session: Session, users: readonly StandInUser[]): Table {
  const user = ownUser(tokens[2], session, users);
  const property = (name: string, value: string | null, type = 'String'): readonly (string | null)[] => [
    name,
    type,
    value,
    null,
  ];
  return textTable(
    ['property', 'property_type', 'property_value', 'property_default'],
    [
      property('NAME', user.name.toUpperCase()),
      property('TYPE', user.type ?? null),
      property('PASSWORD', user.password === undefined ? null : '********'),
      property('HAS_PAT', String((user.accessTokens ?? []).length > 0), 'Boolean'),
      property('DEFAULT_WAREHOUSE', user.defaultWarehouse ?? null),
    ],
  );
}

/** `SHOW PARAMETERS LIKE 'NETWORK_POLICY' FOR USER name`; undefined for every other SHOW. */
export function showUserParameters(
  tokens: readonly Token[],
  session: Session,
  users: readonly StandInUser[],
): Table | undefined {
  const at = tokens.findIndex(
    (token, index) => (isToken(token, 'FOR') || isToken(token, 'IN')) && isToken(tokens[index + 1], 'USER'),
  );
  if (!isToken(tokens[1], 'PARAMETERS') || at < 0) return undefined;
  const user = ownUser(tokens[at + 2], session, users);
  return textTable(
    ['key', 'value', 'default', 'level', 'description', 'type'],
    [['NETWORK_POLICY', user.networkPolicy ?? '', '', user.networkPolicy === undefined ? '' : 'USER', '', 'STRING']],
  );
}

function ownUser(token: Token | undefined, session: Session, users: readonly StandInUser[]): StandInUser {
  const user = users.find(({ name }) => name.toUpperCase() === token?.value);
  if (user === undefined || token?.value !== session.user) {
    throw new SnowflakeFailure(
      '003001',
      '42501',
      'SQL access control error:\nInsufficient privileges to operate on user',
    );
  }
  return user;
}
