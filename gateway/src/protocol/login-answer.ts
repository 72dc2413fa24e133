import { type Envelope, success } from './envelopes.js';
import type { Json, JsonObject } from './json.js';

/** What a driver is told at login, besides its tokens. */
export interface LoginFacts {
  readonly displayUserName: string;
  readonly serverVersion: string;
  /** A number, digit for digit as Snowflake gave it. */
  readonly sessionId: Json;
  readonly parameters: readonly Json[];
  readonly context: {
    readonly database: string | null;
    readonly schema: string | null;
    readonly warehouse: string | null;
    readonly role: string | null;
  };
}

/** Tokens of the one who answers, and how long they hold. */
export interface LoginTokens {
  readonly token: string;
  readonly tokenSeconds: number;
  readonly masterToken: string;
  readonly masterTokenSeconds: number;
}

/** The answer to a login without its tokens: what may be written down. */
export function loginHead(facts: LoginFacts): JsonObject {
  return {
    displayUserName: facts.displayUserName,
    serverVersion: facts.serverVersion,
    firstLogin: false,
    remMeToken: null,
    remMeValidityInSeconds: 0,
    healthCheckInterval: 45,
    newClientForUpgrade: null,
    sessionId: facts.sessionId,
    parameters: facts.parameters,
    sessionInfo: {
      databaseName: facts.context.database,
      schemaName: facts.context.schema,
      warehouseName: facts.context.warehouse,
      roleName: facts.context.role,
    },
    idToken: null,
    idTokenValidityInSeconds: 0,
    responseData: null,
    mfaToken: null,
    mfaTokenValidityInSeconds: 0,
  };
}

/** The whole answer to a login. */
export function loginAnswer(head: JsonObject, tokens: LoginTokens): Envelope {
  return success({
    masterToken: tokens.masterToken,
    token: tokens.token,
    validityInSeconds: tokens.tokenSeconds,
    masterValidityInSeconds: tokens.masterTokenSeconds,
    ...head,
  });
}

/** The answer to a renewal. */
export function renewalAnswer(tokens: LoginTokens, sessionId: Json): Envelope {
  return success({
    sessionToken: tokens.token,
    validityInSecondsST: tokens.tokenSeconds,
    masterToken: tokens.masterToken,
    validityInSecondsMT: tokens.masterTokenSeconds,
    sessionId,
  });
}
