import { createHash } from 'node:crypto';
import type { ApprovalRule, MaskingPolicy, SnowflakeConnection } from '@piste/crds';
import type { ConnectionPolicy } from '../policy/index.js';
import { canonicalText } from './canonical-text.js';
import {
  type CompiledMasking,
  compileMaskingPolicy,
  maskingKeyName,
  maskingKeyRefs,
  strictestDetection,
} from './compile-masking.js';
import type { Compiled, FieldFault } from './compile-policies.js';
import { compileApprovalRule } from './compile-policies.js';
import type { ResourceComplaint } from './complaint.js';
import type { FolderContent, PlacedResource } from './file-memory.js';
import { type ConnectionCredential, credentialOf, type SecretBytes } from './secrets.js';

/** One account that is served, with everything in force for it. Frozen; holds names of Secrets, never their bytes. */
export interface Connection {
  readonly name: string;
  readonly resource: SnowflakeConnection;
  readonly issuers: SnowflakeConnection['spec']['issuers'];
  readonly allowedGroups: readonly string[];
  readonly approverIssuer: string | undefined;
  readonly policy: ConnectionPolicy;
  /** What about this connection does not work as written, in sentences for operators. */
  readonly problems: readonly string[];
}

/** Everything the folder says at one moment, before it gets a sequence number. */
export interface CompiledFolder {
  /** SHA-256 (hex) of `bundle`. */
  readonly revision: string;
  /** Canonical JSON of all that is in force: the body of the `policy.loaded` record. */
  readonly bundle: string;
  /** Canonical JSON of the resources it was compiled from, last good ones of broken files included: names of Secrets, no secret. */
  readonly texts: string;
  readonly connections: ReadonlyMap<string, Connection>;
  readonly complaints: readonly ResourceComplaint[];
  readonly credentials: ReadonlyMap<string, ConnectionCredential>;
  readonly maskingKeys: ReadonlyMap<string, Uint8Array>;
}

/** A MaskingPolicy or ApprovalRule after compiling. */
interface Attached {
  readonly placed: PlacedResource & { readonly resource: MaskingPolicy | ApprovalRule };
  readonly compiled: Compiled<unknown>;
  readonly masking: CompiledMasking | undefined;
  readonly rule: Compiled<ConnectionPolicy['rules'][number]>['value'];
  /** True when its absence could leave something unprotected. */
  readonly mattersWhenMissing: boolean;
}

const MIN_HASH_KEY_BYTES = 16;

/** Pure: the same content, Secrets and moment give the same result. Whatever cannot be in force as written denies what it might protect. */
export function compileFolder(content: FolderContent, secrets: SecretBytes, nowMs: number): CompiledFolder {
  const complaints: ResourceComplaint[] = [...content.complaints];
  const { unique, duplicates } = splitDuplicates(content.resources, complaints);
  const maskingKeys = new Map([...secrets].filter(([, bytes]) => bytes.length >= MIN_HASH_KEY_BYTES));
  const attached = unique.flatMap((placed) => attach(placed, secrets, nowMs));
  for (const { placed, compiled } of attached)
    for (const fault of compiled.faults) complaints.push(complain(placed, fault));
  const twice = duplicates.flatMap((placed) => attach(placed, secrets, nowMs));
  const credentials = new Map<string, ConnectionCredential>();
  const drafts = unique.flatMap((placed) => {
    if (!isConnection(placed)) return [];
    const credential = credentialOf(placed.resource.spec.auth, secrets);
    if (!credential.ok) {
      complaints.push(
        complain(placed, { ...credential, fix: 'the connection is not served until this is right', fatal: true }),
      );
      return [];
    }
    credentials.set(placed.resource.metadata.name, credential.credential);
    return [draftOf(placed, attached, twice, content)];
  });
  complaints.push(...danglingTargets(attached, content.resources));
  const texts = canonicalText(JSON.parse(JSON.stringify(unique.map(({ file, resource }) => ({ file, resource })))));
  return { ...seal(drafts), texts, complaints, credentials, maskingKeys: usedKeys(attached, maskingKeys) };
}

function seal(drafts: readonly Connection[]): Pick<CompiledFolder, 'revision' | 'bundle' | 'connections'> {
  const described = drafts.map(({ name, resource, policy, problems }) => ({
    name,
    spec: resource.spec,
    policy: { ...policy, revision: undefined },
    problems,
  }));
  // The compiled types are interfaces of plain data, which TypeScript does not see as index signatures.
  const bundle = canonicalText(JSON.parse(JSON.stringify(described)));
  const revision = createHash('sha256').update(bundle).digest('hex');
  const connections = drafts.map((draft) => {
    const policy = deepFreeze({ ...draft.policy, revision });
    return [draft.name, Object.freeze({ ...draft, policy })] as const;
  });
  return { revision, bundle, connections: new Map(connections) };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}

/** Two resources of one kind and name contradict each other, so neither is used. Namespaces share one folder of names. */
function splitDuplicates(
  resources: readonly PlacedResource[],
  complaints: ResourceComplaint[],
): { readonly unique: readonly PlacedResource[]; readonly duplicates: readonly PlacedResource[] } {
  const identityOf = ({ resource }: PlacedResource): string => `${resource.kind} ${resource.metadata.name}`;
  const groups = Map.groupBy(resources, identityOf);
  const duplicates = resources.filter((placed) => (groups.get(identityOf(placed))?.length ?? 0) > 1);
  for (const placed of duplicates) {
    const others = (groups.get(identityOf(placed)) ?? []).map((other) => other.file);
    const message = `the name is used more than once (${[...new Set(others)].join(', ')}), so none of them is used`;
    complaints.push(
      complain(placed, { field: 'metadata.name', message, fix: 'keep one of them or rename one', fatal: true }),
    );
  }
  return { unique: resources.filter((placed) => !duplicates.includes(placed)), duplicates };
}

function isConnection(placed: PlacedResource): placed is PlacedResource & { resource: SnowflakeConnection } {
  return placed.resource.kind === 'SnowflakeConnection';
}

function attach({ file, resource }: PlacedResource, secrets: SecretBytes, nowMs: number): readonly Attached[] {
  switch (resource.kind) {
    case 'SnowflakeConnection':
      return [];
    case 'MaskingPolicy': {
      const keys = { byteLength: (name: string) => secrets.get(name)?.length };
      const compiled = compileMaskingPolicy(resource, keys, nowMs);
      const mattersWhenMissing = resource.spec.enforcement === 'Enforce';
      return [{ placed: { file, resource }, compiled, masking: compiled.value, rule: undefined, mattersWhenMissing }];
    }
    case 'ApprovalRule': {
      const compiled = compileApprovalRule(resource);
      const mattersWhenMissing = resource.spec.action !== 'Allow';
      return [{ placed: { file, resource }, compiled, masking: undefined, rule: compiled.value, mattersWhenMissing }];
    }
  }
}

function draftOf(
  placed: PlacedResource & { readonly resource: SnowflakeConnection },
  attached: readonly Attached[],
  twice: readonly Attached[],
  content: FolderContent,
): Connection {
  const { resource } = placed;
  const mine = attached.filter((item) => isTarget(item, resource));
  const broken = [
    ...mine.filter((item) => item.compiled.value === undefined),
    ...twice.filter((item) => isTarget(item, resource)),
  ];
  const rejected = new Set([
    ...broken.filter((item) => item.mattersWhenMissing).map(nameOf),
    ...content.unreadable.map((unreadable) => unreadable.what),
  ]);
  const policy: ConnectionPolicy = {
    connection: resource.metadata.name,
    revision: '',
    allowedRoles: resource.spec.allowedRoles,
    unmatchedObjects: resource.spec.unmatchedObjects,
    rules: byName(mine.flatMap((item) => (item.rule === undefined ? [] : [item.rule]))),
    maskingPolicies: byName(mine.flatMap((item) => (item.masking === undefined ? [] : [item.masking.policy]))),
    detection: strictestDetection(mine.flatMap((item) => item.masking?.detection ?? [])),
    rejected: [...rejected].sort(),
  };
  return {
    name: resource.metadata.name,
    resource,
    issuers: resource.spec.issuers,
    allowedGroups: resource.spec.allowedGroups,
    approverIssuer: resource.spec.approverIssuer,
    policy,
    problems: [...rejected]
      .sort()
      .map((name) => `${name} is not in force as written, so everything it may protect is denied`),
  };
}

function nameOf({ placed }: Attached): string {
  return `${placed.resource.kind} ${placed.resource.metadata.name}`;
}

function byName<T extends { readonly name: string }>(items: readonly T[]): readonly T[] {
  return [...items].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A namespace that is left open fits any: a policy must not lose its target by saying less. */
function isTarget({ placed }: Attached, connection: SnowflakeConnection): boolean {
  const ours = placed.resource.metadata.namespace;
  const theirs = connection.metadata.namespace;
  const sameNamespace = ours === undefined || theirs === undefined || ours === theirs;
  return sameNamespace && placed.resource.spec.targetRefs.some((ref) => ref.name === connection.metadata.name);
}

function danglingTargets(
  attached: readonly Attached[],
  resources: readonly PlacedResource[],
): readonly ResourceComplaint[] {
  const connections = resources.filter(isConnection).map((placed) => placed.resource);
  return attached.flatMap((item) =>
    item.placed.resource.spec.targetRefs.flatMap((ref, index) => {
      const found = connections.some(
        (connection) => connection.metadata.name === ref.name && isTarget(item, connection),
      );
      if (found) return [];
      const message = `there is no SnowflakeConnection ${ref.name} in its namespace`;
      const fix = 'correct the name, or add the connection';
      return [complain(item.placed, { field: `spec.targetRefs[${index}].name`, message, fix, fatal: false })];
    }),
  );
}

function usedKeys(
  attached: readonly Attached[],
  keys: ReadonlyMap<string, Uint8Array>,
): ReadonlyMap<string, Uint8Array> {
  const names = attached.flatMap(({ placed: { resource } }) =>
    resource.kind === 'MaskingPolicy' ? maskingKeyRefs(resource).map(maskingKeyName) : [],
  );
  return new Map([...keys].filter(([name]) => names.includes(name)));
}

function complain({ file, resource }: PlacedResource, fault: FieldFault): ResourceComplaint {
  const { field, message, fix, isAdvice = false } = fault;
  const name = `${resource.kind} ${resource.metadata.name}`;
  return { file, line: undefined, resource: name, field, message, fix, isAdvice };
}
