import type { Approval } from '../../approval/approval.js';
import type { IdentityConnection, Principal } from '../../identity/index.js';
import { isSamePrincipal } from '../../identity/index.js';
import type { ConsoleApprovals, ConsoleConnection } from './dependencies.js';

/** Somebody who proved who they are; each connection reads the proof its own way. */
export interface Viewer {
  readonly name: string;
  /** Undefined where the connection does not trust the proof. */
  principalFor(connection: IdentityConnection): Principal | undefined;
}

/** What a viewer is to one request. Nobody else may know that it exists. */
export interface Access {
  readonly principal: Principal;
  readonly isRequester: boolean;
  /** Named by the demand, a person, and from the issuer that may approve. The final word is the approvals' own. */
  readonly mayDecide: boolean;
}

/** Undefined for everybody who is neither the requester nor named as approver. */
export function accessTo(
  approval: Approval,
  viewer: Viewer,
  connections: readonly ConsoleConnection[],
): Access | undefined {
  const connection = connections.find((candidate) => candidate.name === approval.subject.connection);
  const principal = connection === undefined ? undefined : viewer.principalFor(connection);
  if (connection === undefined || principal === undefined) return undefined;
  const isRequester = isSamePrincipal(principal, approval.subject.requester);
  const isApprover = isFromApproverIssuer(principal, connection) && isNamed(principal, approval);
  if (!isRequester && !isApprover) return undefined;
  return { principal, isRequester, mayDecide: isApprover && !isRequester && principal.agent === undefined };
}

function isFromApproverIssuer(principal: Principal, connection: ConsoleConnection): boolean {
  const { approverIssuer } = connection;
  if (approverIssuer === undefined) return true;
  return connection.issuers.some((issuer) => issuer.name === approverIssuer && issuer.url === principal.issuer);
}

function isNamed(principal: Principal, approval: Approval): boolean {
  // An entry with '#' names the issuer too, and is never a bare subject.
  const isUser = (entry: string) =>
    entry.includes('#') ? entry === `${principal.issuer}#${principal.subject}` : entry === principal.subject;
  return approval.subject.demand.quorums.some(
    (quorum) => quorum.users.some(isUser) || quorum.groups.some((group) => principal.groups.includes(group)),
  );
}

/** Whether a text can be the id of a request at all; others are not looked up. */
export function isRequestId(text: unknown): text is string {
  return typeof text === 'string' && /^[A-Za-z0-9_-]{1,128}$/.test(text);
}

const MAX_PENDING = 500;
const MAX_RECENT = 200;

/** Requests the viewer may see: all that wait, and the newest of those that ended. */
export async function visibleRequests(
  approvals: ConsoleApprovals,
  viewer: Viewer,
  connections: readonly ConsoleConnection[],
): Promise<readonly { readonly approval: Approval; readonly access: Access }[]> {
  const [pending, recent] = await Promise.all([
    approvals.list({ state: 'pending', limit: MAX_PENDING }),
    approvals.list({ limit: MAX_RECENT }),
  ]);
  const byId = new Map([...pending, ...recent].map((approval) => [approval.id, approval]));
  return [...byId.values()].flatMap((approval) => {
    const access = accessTo(approval, viewer, connections);
    return access === undefined ? [] : [{ approval, access }];
  });
}
