/** One action for each S_… column of CRM.PUBLIC.ALL_TYPES and ALL_TYPES_LARGE. */
const ACTIONS: Readonly<Record<string, string>> = {
  S_INT8: '{ type: Bucket, bucket: { size: 10 } }',
  S_INT16: '{ type: Bucket, bucket: { size: 100 } }',
  S_INT32: '{ type: Constant, constant: { value: "7" } }',
  S_INT64: '{ type: "Null" }',
  S_DECIMAL: '{ type: Redact }',
  S_MONEY: '{ type: Bucket, bucket: { size: 50 } }',
  S_FINE: '{ type: Bucket, bucket: { size: 1000 } }',
  S_REAL: '{ type: Bucket, bucket: { size: 5 } }',
  S_TEXT: '{ type: Redact }',
  S_NULLED: '{ type: "Null" }',
  S_PARTIAL: '{ type: Partial, partial: { keepLast: 2, replacement: "•" } }',
  S_HASHED: '{ type: Hash, hash: { keySecretRef: { name: masking, key: hash-key } } }',
  S_FIXED_TEXT: '{ type: Constant, constant: { value: "hidden é" } }',
  S_TOKEN: '{ type: Tokenize, tokenize: { alphabet: Digits, keySecretRef: { name: masking, key: token-key } } }',
  S_BOOL: '{ type: Constant, constant: { value: "false" } }',
  S_DATE: '{ type: DateTruncate, dateTruncate: { unit: Month } }',
  S_TIME: '{ type: DateTruncate, dateTruncate: { unit: Hour } }',
  S_NTZ: '{ type: DateTruncate, dateTruncate: { unit: Day } }',
  S_NTZ_MILLIS: '{ type: DateTruncate, dateTruncate: { unit: Week } }',
  S_LTZ: '{ type: DateTruncate, dateTruncate: { unit: Year } }',
  S_TZ: '{ type: Constant, constant: { value: "2000-01-01 00:00:00 +02:00" } }',
  S_BINARY: '{ type: Redact }',
  S_VARIANT: '{ type: Redact }',
  S_OBJECT: '{ type: "Null" }',
  S_ARRAY: '{ type: Constant, constant: { value: "hidden" } }',
  S_PLACE: '{ type: Redact }',
};

/** Where the masks are put: into the statement, or into the result alone. */
export type Regime = 'Mask' | 'Allow';

/** A MaskingPolicy with a rule for every secret column. */
export function allTypesPolicy(predicates: Regime): string {
  const rules = Object.entries(ACTIONS).map(
    ([column, action]) => `    - name: ${column.toLowerCase().replaceAll('_', '-')}
      match: { columns: [{ database: CRM, schema: PUBLIC, object: "ALL_TYPES*", column: ${column} }] }
      action: ${action}
`,
  );
  return `apiVersion: piste.dev/v1alpha1
kind: MaskingPolicy
metadata: { name: all-types }
spec:
  targetRefs: [{ kind: SnowflakeConnection, name: crm }]
  predicates: ${predicates}
  rules:
${rules.join('')}`;
}
