/** A waiting request as the admin API shows it, as far as the demo looks. */
export interface ShownRequest {
  readonly id: string;
  readonly state: string;
  readonly mayDecide: boolean;
  readonly canonicalText: string;
  readonly class: string;
  readonly role: string;
  readonly warehouse: string;
  readonly database: string;
  readonly schema: string;
  readonly bindingHash: string;
  readonly requester: {
    readonly subject: string;
    readonly agent?: string;
    readonly instance?: string;
    readonly delegator?: string;
    readonly task?: string;
  };
  readonly demand: { readonly rules: readonly string[]; readonly messages: readonly string[] };
}

export interface Decision {
  readonly choice: 'approve' | 'deny';
  readonly reason: string;
}

/** Somebody with a token at the admin API. */
export interface Approver {
  /** Requests that wait and that this person may see. */
  pending(): Promise<readonly ShownRequest[]>;
  /** The answer's status, and what it says when the vote was not counted. */
  decide(request: ShownRequest, decision: Decision): Promise<{ readonly status: number; readonly detail: string }>;
}

/** Creates an approver for the admin API at `consoleUrl`. */
export function createApprover(consoleUrl: string, token: string): Approver {
  const call = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${consoleUrl}/api/v1/requests${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    });
  return {
    async pending() {
      const response = await call('');
      if (!response.ok) throw new Error(`the admin API answered ${response.status}: ${await response.text()}`);
      const { requests } = (await response.json()) as { requests: readonly ShownRequest[] };
      return requests.filter(({ state }) => state === 'pending');
    },
    async decide(request, decision) {
      const body = JSON.stringify({ ...decision, bindingHash: request.bindingHash });
      const response = await call(`/${request.id}/decision`, { method: 'POST', body });
      const { detail = '' } = (await response.json()) as { detail?: string };
      return { status: response.status, detail };
    },
  };
}
