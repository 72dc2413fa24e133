import { createHash, createPublicKey, timingSafeEqual } from 'node:crypto';
import { importSPKI, jwtVerify } from 'jose';
import { SnowflakeFailure } from './failures.js';
import type { StandInUser } from './options.js';

/** The fields of a login body that matter; everything else is ignored as Snowflake does. */
export type LoginData = {
  readonly CLIENT_APP_ID?: string;
  readonly CLIENT_APP_VERSION?: string;
  readonly ACCOUNT_NAME?: string;
  readonly LOGIN_NAME?: string;
  readonly AUTHENTICATOR?: string;
  readonly PASSWORD?: string;
  readonly TOKEN?: string;
  readonly SESSION_PARAMETERS?: Readonly<Record<string, unknown>>;
};

function wrongPassword(): SnowflakeFailure {
  return new SnowflakeFailure('390100', '08001', 'Incorrect username or password was specified.');
}

function wrongToken(kind: string): SnowflakeFailure {
  return new SnowflakeFailure('390144', '08001', `${kind} token is invalid.`);
}

/**
 * The user who logs in. Password, key-pair JWT (signature, issuer with key fingerprint, subject, expiry), programmatic
 * access token and OAuth token are checked against the configured users; any other authenticator is refused.
 * @throws SnowflakeFailure 390100 wrong password, 390144 wrong token.
 */
export async function checkLogin(
  data: LoginData,
  users: readonly StandInUser[],
  account: string,
): Promise<StandInUser> {
  switch (data.AUTHENTICATOR?.toUpperCase() ?? '') {
    case '':
      return data.TOKEN !== undefined && data.PASSWORD === undefined
        ? byAccessToken(data, users)
        : byPassword(data, users);
    case 'SNOWFLAKE':
    case 'USERNAME_PASSWORD_MFA':
      return byPassword(data, users);
    case 'SNOWFLAKE_JWT':
      return await byKeyPair(data, users, account);
    case 'PROGRAMMATIC_ACCESS_TOKEN':
    case 'OAUTH':
      return byAccessToken(data, users);
    default:
      throw new SnowflakeFailure('390190', '08001', `Authenticator ${data.AUTHENTICATOR ?? ''} is not supported.`);
  }
}

function byPassword(data: LoginData, users: readonly StandInUser[]): StandInUser {
  const user = findUser(users, data.LOGIN_NAME);
  if (user?.password === undefined || !isSame(user.password, data.PASSWORD ?? '')) throw wrongPassword();
  return user;
}

function byAccessToken(data: LoginData, users: readonly StandInUser[]): StandInUser {
  const kind = data.AUTHENTICATOR === 'PROGRAMMATIC_ACCESS_TOKEN' ? 'Programmatic access' : 'OAuth access';
  const token = data.TOKEN ?? '';
  const user = users.find((candidate) => candidate.accessTokens?.some((accepted) => isSame(accepted, token)) === true);
  if (user === undefined) throw wrongToken(kind);
  if (data.LOGIN_NAME && findUser(users, data.LOGIN_NAME) !== user) throw wrongToken(kind);
  return user;
}

async function byKeyPair(data: LoginData, users: readonly StandInUser[], account: string): Promise<StandInUser> {
  const token = data.TOKEN ?? '';
  const subject = readSubject(token);
  const user = findUser(users, subject?.split('.')[1]);
  if (user?.publicKeyPem === undefined || subject !== `${account}.${user.name.toUpperCase()}`) throw wrongToken('JWT');
  if (data.LOGIN_NAME && findUser(users, data.LOGIN_NAME) !== user) throw wrongToken('JWT');
  try {
    await jwtVerify(token, await importSPKI(user.publicKeyPem, 'RS256'), {
      algorithms: ['RS256'],
      issuer: `${subject}.${fingerprint(user.publicKeyPem)}`,
      subject,
      requiredClaims: ['exp', 'iat'],
    });
  } catch {
    throw wrongToken('JWT');
  }
  return user;
}

function readSubject(token: string): string | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const subject = typeof claims === 'object' && claims !== null && 'sub' in claims ? claims.sub : undefined;
    return typeof subject === 'string' ? subject : undefined;
  } catch {
    return undefined;
  }
}

/** `SHA256:<base64>` of the public key in DER, the form Snowflake prints as RSA_PUBLIC_KEY_FP. */
export function fingerprint(publicKeyPem: string): string {
  const der = createPublicKey(publicKeyPem).export({ type: 'spki', format: 'der' });
  return `SHA256:${createHash('sha256').update(der).digest('base64')}`;
}

function findUser(users: readonly StandInUser[], name: string | undefined): StandInUser | undefined {
  return users.find((user) => user.name.toUpperCase() === name?.toUpperCase());
}

function isSame(expected: string, given: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(expected), digest(given));
}
