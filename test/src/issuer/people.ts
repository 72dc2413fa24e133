/** Somebody the issuer can sign in. Roles, not persons. */
export interface Person {
  readonly subject: string;
  readonly name: string;
  readonly groups: readonly string[];
}

/** A workload that fetches its own tokens with client credentials. */
export interface Workload {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Added to its access tokens: groups, agent, delegator and the like. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** A person who asks, two who decide. */
export const DEMO_PEOPLE: readonly Person[] = [
  { subject: 'dana.owner', name: 'Dana (data owner)', groups: ['data-owners'] },
  { subject: 'sam.analyst', name: 'Sam (analyst)', groups: ['analysts'] },
  { subject: 'sky.security', name: 'Sky (security)', groups: ['security'] },
];

/** An agent working for the analyst. */
export const DEMO_WORKLOADS: readonly Workload[] = [
  {
    clientId: 'report-agent',
    clientSecret: 'report-agent-demo-secret',
    claims: {
      groups: ['agents'],
      agent: 'report-agent',
      instance: 'run-1',
      delegator: 'sam.analyst',
      task: 'monthly report',
    },
  },
];
