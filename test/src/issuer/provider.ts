import { randomBytes } from 'node:crypto';
import type { ClientMetadata, Configuration, KoaContextWithOIDC, ResourceServer } from 'oidc-provider';
import { errors, Provider } from 'oidc-provider';
import { createMemoryAdapter } from './memory-adapter.js';
import type { Person, Workload } from './people.js';
import type { SigningKeys } from './signing-keys.js';

/** A confidential client for people: authorization code with PKCE. */
export interface ConsoleClient {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUris: readonly string[];
}

export interface ProviderOptions {
  readonly url: string;
  readonly people: readonly Person[];
  readonly workloads: readonly Workload[];
  readonly console: ConsoleClient | undefined;
  /** Audiences a workload may ask for with `resource=` (RFC 8707); absolute URIs. */
  readonly audiences: readonly string[];
  readonly keys: SigningKeys;
  readonly accessTokenSeconds: number;
}

/** The protocol part of the issuer: discovery, keys, authorization, token. State lives in memory. */
export function createProvider(options: ProviderOptions): Provider {
  const configuration: Configuration = {
    adapter: createMemoryAdapter(Date.now),
    clients: clientsOf(options),
    jwks: { keys: [options.keys.privateJwk] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'], email: ['email', 'email_verified'] },
    // Claims stand in the ID token, as they do with the identity providers of organisations.
    conformIdTokenClaims: false,
    findAccount: (_context, subject) => accountOf(options.people, subject),
    loadExistingGrant: grantWhatWasAsked,
    extraTokenClaims: (context) =>
      options.workloads.find((workload) => workload.clientId === context.oidc.client?.clientId)?.claims,
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    pkce: { required: () => true },
    ttl: {
      AccessToken: options.accessTokenSeconds,
      ClientCredentials: options.accessTokenSeconds,
      IdToken: 300,
      Interaction: 600,
      Session: 3600,
      Grant: 3600,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => resourceServer(options, resource),
      },
    },
  };
  return new Provider(options.url, configuration);
}

function clientsOf(options: ProviderOptions): ClientMetadata[] {
  const workloads = options.workloads.map((workload) => ({
    client_id: workload.clientId,
    client_secret: workload.clientSecret,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  }));
  if (options.console === undefined) return workloads;
  const { clientId, clientSecret, redirectUris } = options.console;
  const people: ClientMetadata = {
    client_id: clientId,
    client_secret: clientSecret,
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [...redirectUris],
  };
  return [people, ...workloads];
}

function accountOf(people: readonly Person[], subject: string) {
  const person = people.find((candidate) => candidate.subject === subject);
  if (person === undefined) return undefined;
  const claims = {
    sub: person.subject,
    name: person.name,
    preferred_username: person.subject,
    email: `${person.subject}@demo.invalid`,
    email_verified: true,
    groups: [...person.groups],
  };
  return { accountId: subject, claims: () => claims };
}

/** There is no consent screen: the client's own request is granted. */
async function grantWhatWasAsked(context: KoaContextWithOIDC) {
  const { client, session, provider, params } = context.oidc;
  if (client === undefined || session?.accountId === undefined) return undefined;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(typeof params?.['scope'] === 'string' ? params['scope'] : 'openid');
  await grant.save();
  return grant;
}

function resourceServer(options: ProviderOptions, resource: string): ResourceServer {
  if (!options.audiences.includes(resource)) throw new errors.InvalidTarget();
  return {
    scope: '',
    audience: resource,
    accessTokenFormat: 'jwt',
    accessTokenTTL: options.accessTokenSeconds,
    jwt: { sign: { alg: 'RS256' } },
  };
}
