/** The custom resources of the playground: one account, one masking policy, five rules. Plain YAML, as an operator would write it. */

export const AUDIENCE = 'https://piste.example';

export interface ResourceInput {
  readonly standInPort: number;
  readonly issuerUrl: string;
}

/** File name → text. */
export function playgroundResources({ standInPort, issuerUrl }: ResourceInput): Readonly<Record<string, string>> {
  return {
    'connection.yaml': `apiVersion: piste.dev/v1alpha1
kind: SnowflakeConnection
metadata: { name: crm }
spec:
  account: { identifier: ACME, host: 127.0.0.1, port: ${standInPort}, transport: InsecurePlaintext }
  auth:
    type: KeyPair
    keyPair: { user: PISTE_SVC, privateKeySecretRef: { name: snowflake, key: private-key.pem } }
  issuers:
    - name: demo
      url: ${issuerUrl}
      audience: ${AUDIENCE}
      algorithms: [RS256, ES256]
      claims: { displayName: name, groups: groups, agent: agent, instance: instance, delegator: delegator, task: task }
  allowedGroups: [agents, analysts]
  defaults: { role: ANALYST, warehouse: AGENT_WH, database: CRM, schema: PUBLIC }
  allowedRoles: [ANALYST, SUPPORT]
  unmatchedObjects: Allow
`,
    'masking.yaml': `apiVersion: piste.dev/v1alpha1
kind: MaskingPolicy
metadata: { name: customer-pii }
spec:
  targetRefs: [{ kind: SnowflakeConnection, name: crm }]
  rules:
    - name: email
      match: { columns: [{ database: CRM, schema: "*", object: "*", column: EMAIL }] }
      action: { type: Hash, hash: { keySecretRef: { name: masking, key: hash-key } } }
      unless: [{ kind: Group, name: pii-readers, reason: Answers complaints of customers, expiresAt: "2099-12-31T00:00:00Z" }]
    - name: ssn
      match: { columns: [{ database: CRM, schema: "*", object: "*", column: SSN }] }
      action: { type: Partial, partial: { keepLast: 4, replacement: "*" } }
    - name: name
      match: { columns: [{ database: CRM, schema: "*", object: CUSTOMERS, column: NAME }] }
      action: { type: Redact }
    - name: balance
      match: { columns: [{ database: CRM, schema: PUBLIC, object: CUSTOMERS, column: BALANCE }] }
      action: { type: "Null" }
`,
    'rules.yaml': `apiVersion: piste.dev/v1alpha1
kind: ApprovalRule
metadata: { name: no-dropping-databases }
spec:
  targetRefs: [{ kind: SnowflakeConnection, name: crm }]
  action: Block
  match: { statementTypes: [Drop, CreateOrReplace], objectTypes: [Database, Schema] }
  message: Databases and schemas are never dropped by agents.
  alternative: ask the platform team.
---
apiVersion: piste.dev/v1alpha1
kind: ApprovalRule
metadata: { name: ddl-needs-owner }
spec:
  targetRefs: [{ kind: SnowflakeConnection, name: crm }]
  action: Hold
  match: { statementTypes: [Create, CreateOrReplace, CreateTableAsSelect, Alter, Drop, Truncate, Grant, Revoke] }
  message: Changing the shape of data is the data owner's decision.
  approval:
    approvers: [{ kind: Group, name: data-owners }]
    requestTimeoutSeconds: 900
    grant: { scope: Statement, validSeconds: 900 }
---
apiVersion: piste.dev/v1alpha1
kind: ApprovalRule
metadata: { name: unload-needs-owner }
spec:
  targetRefs: [{ kind: SnowflakeConnection, name: crm }]
  action: Hold
  risk: Critical
  match: { statementTypes: [Unload] }
  message: Data leaves the warehouse.
  approval:
    approvers: [{ kind: Group, name: data-owners }]
    requestTimeoutSeconds: 900
    grant: { scope: Statement, validSeconds: 900 }
---
apiVersion: piste.dev/v1alpha1
kind: ApprovalRule
metadata: { name: deletes-need-owner }
spec:
  targetRefs: [{ kind: SnowflakeConnection, name: crm }]
  action: Hold
  match: { statementTypes: [Update, Delete, Merge, InsertOverwrite] }
  message: Existing rows are changed.
  approval:
    approvers: [{ kind: Group, name: data-owners }]
    requestTimeoutSeconds: 900
    grant: { scope: Statement, validSeconds: 900 }
---
apiVersion: piste.dev/v1alpha1
kind: ApprovalRule
metadata: { name: notes-may-be-added }
spec:
  targetRefs: [{ kind: SnowflakeConnection, name: crm }]
  action: Allow
  match: { statementTypes: [Insert], objects: [{ database: CRM, schema: PUBLIC, object: ORDERS }] }
`,
  };
}
