export type { ConsoleLogin, ConsoleLoginOptions, LoginOutcome, PendingLogin, VerifiedLogin } from './console-login.js';
export { createConsoleLogin, principalOfLogin } from './console-login.js';
export type {
  Identity,
  IdentityDependencies,
  IdentityMetrics,
  IdentityOutcome,
  IdentityRefusal,
  RefusalKind,
} from './identity.js';
export { createIdentity } from './identity.js';
export type { Principal } from './principal.js';
export { isSamePrincipal } from './principal.js';
export type { ClaimMapping, GroupRule, IdentityConnection, TrustedIssuer } from './trusted-issuer.js';
