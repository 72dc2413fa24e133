/** What becomes of each protected column of the corpus' catalogue. */
const ACTIONS: readonly (readonly [object: string, column: string, action: string])[] = [
  ['CUSTOMERS', 'EMAIL', '{ type: Hash, hash: { keySecretRef: { name: masking, key: hash-key } } }'],
  ['CUSTOMERS', 'SSN', '{ type: Partial, partial: { keepLast: 4, replacement: "*" } }'],
  ['CUSTOMERS', 'PROFILE', '{ type: Redact }'],
  ['EMPLOYEES', 'SALARY', '{ type: "Null" }'],
  ['EVENTS', 'PAYLOAD', '{ type: "Null" }'],
  ['Mixed', 'Email', '{ type: Redact }'],
  ['Mixed', 'odd "name"', '{ type: Partial, partial: { keepFirst: 2, replacement: "*" } }'],
  ['WIDE', 'MAR', '{ type: "Null" }'],
  ['METRICS', 'V', '{ type: Redact }'],
  ['LABELS', 'LABEL', '{ type: Hash, hash: { keySecretRef: { name: masking, key: hash-key } } }'],
  ['ACCOUNTS', 'IBAN', '{ type: Partial, partial: { keepLast: 3, replacement: "*" } }'],
  ['CARDS', 'LIMIT', '{ type: "Null" }'],
  ['CARDS', 'DATE', '{ type: "Null" }'],
  ['CARDS', 'FIRST', '{ type: Redact }'],
  ['CARDS', 'BOTH', '{ type: Redact }'],
  ['CARDS', 'TIME', '{ type: "Null" }'],
];

/** The columns the policy protects, as `SCHEMA.TABLE.COLUMN`. */
export const policyColumns: readonly string[] = ACTIONS.map(([object, column]) => `PUBLIC.${object}.${column}`);

/** A MaskingPolicy on exactly the protected columns of the corpus' catalogue. */
export function corpusPolicy(predicates: 'Mask' | 'Allow' | 'Deny'): string {
  const rules = ACTIONS.map(
    ([object, column, action], at) => `    - name: column-${at}
      match: { columns: [{ database: APP, schema: PUBLIC, object: ${object}, column: '${column}' }] }
      action: ${action}
`,
  );
  return `apiVersion: piste.dev/v1alpha1
kind: MaskingPolicy
metadata: { name: corpus }
spec:
  targetRefs: [{ kind: SnowflakeConnection, name: crm }]
  predicates: ${predicates}
  rules:
${rules.join('')}`;
}
