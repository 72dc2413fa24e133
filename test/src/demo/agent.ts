import { connectNodeDriver, type DriverResult, type NodeDriver } from '../harness/node-driver.js';
import { AUDIENCE } from '../playground/playground.js';

/** The workload of the demo issuer that plays the agent. */
export const AGENT = { clientId: 'report-agent', clientSecret: 'report-agent-demo-secret' } as const;

/** How a driver reports a refusal. */
export interface DriverRefusal {
  readonly code: string;
  readonly sqlState: string;
  readonly message: string;
}

/** What became of a statement. */
export type Attempt =
  | { readonly ok: true; readonly result: DriverResult }
  | { readonly ok: false; readonly refusal: DriverRefusal };

/** The scripted agent: Snowflake's own Node driver and a token of the issuer. */
export interface Agent {
  /** Fetches a token with the workload's own credentials and connects. */
  connect(accessUrl: string): Promise<void>;
  attempt(sqlText: string): Promise<Attempt>;
  disconnect(): Promise<void>;
}

/** A fresh token of the issuer by the client credentials grant (RFC 6749 §4.4) for the gateway's audience (RFC 8707). */
export async function fetchAgentToken(issuerUrl: string): Promise<string> {
  const response = await fetch(`${issuerUrl}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${AGENT.clientId}:${AGENT.clientSecret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: AUDIENCE }),
  });
  const answer = (await response.json()) as { access_token?: string };
  if (!response.ok || answer.access_token === undefined)
    throw new Error(`the issuer gave no token: ${response.status}`);
  return answer.access_token;
}

/** The claims of a token, unchecked; the gateway is the one who checks. */
export function readClaims(token: string): Readonly<Record<string, unknown>> {
  const [, payload = ''] = token.split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Record<string, unknown>;
}

/** Creates the agent; it connects when it is told. */
export function createAgent(token: string): Agent {
  let driver: NodeDriver | undefined;
  return {
    async connect(accessUrl) {
      driver = await connectNodeDriver({
        accessUrl,
        account: 'ACME',
        authenticator: 'OAUTH',
        token,
        database: 'CRM',
        schema: 'PUBLIC',
      });
    },
    async attempt(sqlText) {
      if (driver === undefined) throw new Error('the agent is not connected');
      try {
        return { ok: true, result: await driver.execute(sqlText) };
      } catch (error) {
        return { ok: false, refusal: toRefusal(error) };
      }
    },
    async disconnect() {
      await driver?.close();
      driver = undefined;
    },
  };
}

function toRefusal(error: unknown): DriverRefusal {
  const {
    code = '',
    sqlState = '',
    message = '',
  } = error as { code?: string | number; sqlState?: string; message?: string };
  return { code: String(code), sqlState, message };
}
