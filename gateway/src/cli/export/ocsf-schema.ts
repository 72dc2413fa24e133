// Names and numbers of the Open Cybersecurity Schema Framework that exports use; github.com/ocsf/ocsf-schema.

/** Versions of the schema that events can be written in. `ai_agent` comes with the second one. */
export const OCSF_VERSIONS = ['1.8.0', '1.9.0-dev'] as const;

export interface OcsfClass {
  readonly uid: number;
  readonly name: string;
  readonly categoryUid: number;
  readonly category: string;
}

export const DATASTORE_ACTIVITY: OcsfClass = {
  uid: 6005,
  name: 'Datastore Activity',
  categoryUid: 6,
  category: 'Application Activity',
};

export const AUTHENTICATION: OcsfClass = {
  uid: 3002,
  name: 'Authentication',
  categoryUid: 3,
  category: 'Identity & Access Management',
};

/** A value of an enumeration with its caption. */
export type Captioned = readonly [id: number, caption: string];

export const LOGON: Captioned = [1, 'Logon'];
export const LOGOFF: Captioned = [2, 'Logoff'];

const READ: Captioned = [1, 'Read'];
const UPDATE: Captioned = [2, 'Update'];
const QUERY: Captioned = [4, 'Query'];
const WRITE: Captioned = [5, 'Write'];
const CREATE: Captioned = [6, 'Create'];
const DELETE: Captioned = [7, 'Delete'];
const LIST: Captioned = [8, 'List'];
/** With the event's own word as its name. */
const OTHER_ID = 99;

export const CHUNK_ACTIVITY = READ;

const BY_CLASS: Readonly<Record<string, Captioned>> = {
  SELECT: QUERY,
  EXPLAIN: QUERY,
  SHOW: LIST,
  DESCRIBE: LIST,
  LIST,
  INSERT: WRITE,
  INSERT_OVERWRITE: WRITE,
  MERGE: WRITE,
  LOAD: WRITE,
  PUT: WRITE,
  UPDATE,
  COMMENT: UPDATE,
  GRANT: UPDATE,
  REVOKE: UPDATE,
  DELETE,
  TRUNCATE: DELETE,
  REMOVE: DELETE,
  CTAS: CREATE,
  UNLOAD: READ,
  GET: READ,
};

/** By what a class of definition begins with: `DROP_DATABASE`, `CREATE_OR_REPLACE_TABLE`. */
const BY_VERB: readonly (readonly [string, Captioned])[] = [
  ['DROP', DELETE],
  ['CREATE', CREATE],
  ['UNDROP', CREATE],
  ['ALTER', UPDATE],
  ['COMMENT', UPDATE],
  ['SHOW', LIST],
  ['DESCRIBE', LIST],
];

/** The activity of a statement's class; what is none of the schema's (`USE`, `CALL`, a script) is Other, by its own name. */
export function activityOf(statementClass: string): Captioned {
  const exact = Object.hasOwn(BY_CLASS, statementClass) ? BY_CLASS[statementClass] : undefined;
  const session = statementClass === 'ALTER_SESSION';
  const byVerb = BY_VERB.find(([verb]) => statementClass === verb || statementClass.startsWith(`${verb}_`))?.[1];
  return exact ?? (session ? undefined : byVerb) ?? [OTHER_ID, statementClass];
}

export const STATUS = {
  unknown: [0, 'Unknown'],
  success: [1, 'Success'],
  failure: [2, 'Failure'],
} as const satisfies Readonly<Record<string, Captioned>>;

export const SEVERITY = {
  informational: [1, 'Informational'],
  low: [2, 'Low'],
  medium: [3, 'Medium'],
} as const satisfies Readonly<Record<string, Captioned>>;

export const ACTION = {
  unknown: [0, 'Unknown'],
  allowed: [1, 'Allowed'],
  denied: [2, 'Denied'],
  modified: [4, 'Modified'],
} as const satisfies Readonly<Record<string, Captioned>>;

export const DISPOSITION = {
  allowed: [1, 'Allowed'],
  blocked: [2, 'Blocked'],
  approved: [8, 'Approved'],
  corrected: [11, 'Corrected'],
  delayed: [14, 'Delayed'],
  noAction: [16, 'No Action'],
  rejected: [25, 'Rejected'],
} as const satisfies Readonly<Record<string, Captioned>>;

export const RELATIONAL: Captioned = [1, 'Relational'];
/** The protocol of every log-in: an OIDC token. */
export const OPENID: Captioned = [4, 'OpenID'];
export const OTHER_USER_TYPE = OTHER_ID;
