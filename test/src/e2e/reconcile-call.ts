import type { Playground } from '../playground/playground.js';

/** What a gateway answers to `POST /api/v1/reconcile`. */
export interface ReconcileAnswer {
  readonly report: {
    readonly outcome: string;
    readonly rows: Readonly<Record<string, number>>;
    readonly statements: Readonly<Record<string, number>>;
    readonly findings: readonly {
      readonly weight: string;
      readonly kind: string;
      readonly message: string;
      readonly queryId?: string;
    }[];
  };
}

/** Asks a gateway of the playground, as an auditor, to compare its connection now. Rejects unless it did. */
export async function askToReconcile(
  playground: Playground,
  { consoleUrl }: { readonly consoleUrl: string },
): Promise<ReconcileAnswer> {
  const token = await playground.mint('alex', { name: 'Alex (auditor)', groups: ['auditors'] });
  const response = await fetch(`${consoleUrl}/api/v1/reconcile`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ connection: 'crm' }),
  });
  if (response.status !== 200) throw new Error(`nothing was compared: ${response.status} ${await response.text()}`);
  return (await response.json()) as ReconcileAnswer;
}
