import {
  cutRegistry,
  encodePartFile,
  encodeRecordLine,
  listRecording,
  REGISTRY_PART,
  type RecordingSource,
  type RegistryCut,
  readRegistry,
  SESSION_FOLDER,
  SESSION_LOG_FILES,
  type SessionCut,
  type SessionSearch,
  searchSession,
  type Trust,
} from '@piste/verifier';
import { type BundleContent, type BundleMember, memberOf, memberWith } from './bundle-file.js';
import { SESSION_README } from './bundle-readme.js';
import { InputError } from './io.js';

/** What a session bundle is to hold. */
export interface SessionWanted {
  readonly session: string;
  /** The files of its keys too, as they lie: wrapped. */
  readonly keys: boolean;
}

/** A session bundle, and what is to be said of it. */
export interface SessionBundle {
  readonly content: BundleContent;
  readonly cuts: readonly SessionCut[];
  readonly notes: readonly string[];
}

/** The records of one session with the proofs of them, and nothing of any other. */
export async function bundleSession(
  source: RecordingSource,
  trust: Trust | undefined,
  { session, keys }: SessionWanted,
): Promise<SessionBundle> {
  const notes: string[] = [];
  const found: SessionSearch[] = [];
  for (const files of (await listRecording(source)).logs) {
    const search = await searchSession(files, session);
    if (search.problem?.severity === 'tampered') notes.push(sayDamaged(files.ulid, search));
    if (search.isFound) found.push(search);
  }
  if (found.length === 0)
    throw new InputError(`no record of session ${session} is here; piste sessions list shows the sessions there are`);
  const connection = found.find((each) => each.connection !== undefined)?.connection;
  const cuts = found.map((each) => each.cut(connection));
  const registry = await cutOf(source, cuts, trust, notes);
  const files = [
    ...cuts.flatMap((cut) => membersOf(cut, { trust, registry, keys })),
    ...(registry === undefined ? [] : [memberWith(SESSION_FOLDER + REGISTRY_PART, encodePartFile(registry.part))]),
  ];
  const logs = cuts.map(({ files: { ulid } }) => ulid);
  const content: BundleContent = {
    scope: { logs, partial: true, session },
    readme: SESSION_README,
    trust,
    files,
    lines: () => linesOf(cuts),
  };
  return { content, cuts, notes };
}

function sayDamaged(log: string, { problem, isFound }: SessionSearch): string {
  const where = `log ${log} makes no sense from segment ${problem?.segment}, byte ${problem?.offset} on (${problem?.message})`;
  return `${where}: ${isFound ? 'records of the session behind that are left out' : 'it was not searched behind that'}; see piste audit verify`;
}

async function cutOf(
  source: RecordingSource,
  cuts: readonly SessionCut[],
  trust: Trust | undefined,
  notes: string[],
): Promise<RegistryCut | undefined> {
  const { registry, findings } = await readRegistry(source);
  const grave = findings.find(({ severity }) => severity === 'tampered');
  if (grave !== undefined) notes.push(`the registry is not as it was written (${grave.message})`);
  if (registry === undefined) return undefined;
  const kept = (trust?.checkpoints ?? []).filter(({ origin }) => origin === registry.origin);
  return cutRegistry(
    registry,
    cuts,
    kept.map(({ size }) => size),
  );
}

interface MemberContext {
  readonly trust: Trust | undefined;
  readonly registry: RegistryCut | undefined;
  readonly keys: boolean;
}

function membersOf(cut: SessionCut, { trust, registry, keys }: MemberContext): readonly BundleMember[] {
  const { files, origin } = cut;
  const folder = `${SESSION_FOLDER}${files.ulid}/`;
  const kept = (trust?.checkpoints ?? []).filter((anchor) => anchor.origin === origin).map(({ size }) => size);
  const proof = cut.proof([...kept, ...(registry?.sizesOf(origin) ?? [])]);
  const keyFiles = keys ? cut.keys.flatMap((number) => files.keys.get(number) ?? []) : [];
  return [
    memberWith(`${folder}${SESSION_LOG_FILES.proof}`, encodePartFile(proof)),
    { path: `${folder}${SESSION_LOG_FILES.records}`, size: cut.recordsBytes, pieces: () => cut.pieces() },
    ...keyFiles.map((file) => memberOf(files.source, file, `${SESSION_FOLDER}${file.path}`)),
  ];
}

async function* linesOf(cuts: readonly SessionCut[]): AsyncGenerator<Uint8Array> {
  for (const cut of cuts) {
    for await (const record of cut.readable()) yield Buffer.from(encodeRecordLine(record), 'utf8');
  }
}
