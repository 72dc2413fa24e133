import {
  type Anchor,
  encodeCertificateText,
  type NoteSigner,
  parseWitnessPolicy,
  type RegistryFields,
  type Trust,
} from '@piste/verifier';
import { errorMessage } from '../errors.js';
import { addCheckpoint, changeTrustFile, type Recording, readTrustFile } from '../recording/index.js';
import type { Log } from '../telemetry/log.js';
import { guardRecording } from './guard-recording.js';
import { type RegistrationDeps, type RegistryMetrics, registerWriter, type Timers } from './registration.js';
import { openRegistryLog, type RegistryHead, type RegistryLog } from './registry-log.js';
import type { RegistryStore } from './registry-store.js';
import { startWitnessing, type Witnessing } from './witnessing.js';

export interface GatewayRegistryDeps {
  readonly store: RegistryStore;
  /** The deployment's identity; its name is the registry's origin. */
  readonly signer: NoteSigner;
  /** Text of a C2SP witness policy; undefined: no witnesses. */
  readonly witnesses: string | undefined;
  /** Keys of the officers of whom two must agree before a session is shredded; goes into the registry's `config`. */
  readonly officers?: readonly string[];
  /** The trust file, which is kept up to date. */
  readonly checkpointFile: string;
  readonly recordingDirectory: string;
  readonly deployment: string;
  readonly maxLagSeconds: number;
  readonly nowMs: () => number;
  /** A clock that nobody sets. */
  readonly elapsedMs: () => number;
  readonly timers: Timers;
  readonly fetch: typeof fetch;
  readonly log: Log;
  readonly metrics?: RegistryMetrics;
}

/** A recording that is registered. */
export interface RegisteredRecording {
  /** Refuses while the registry lags too far behind. */
  readonly recording: Recording;
  /** Why nothing is recorded at present, for readiness. */
  readonly refusal: () => string | undefined;
  /** Puts the newest checkpoint into the registry and the trust file now. Never rejects. */
  readonly publish: () => Promise<void>;
  /** After the recording was closed: its end goes into the registry, before witnesses, into the trust file. */
  close(): Promise<void>;
}

/** The registry of a deployment as one gateway uses it. */
export interface GatewayRegistry {
  readonly registry: RegistryLog;
  /** The certificate of a writer's key, for `openRecording`. */
  readonly certify: (origin: string, vkey: string) => string;
  /** Registers a writer and follows it. Rejects when that is not durable: nothing may then be recorded. */
  register(recording: Recording, about?: RegistryFields): Promise<RegisteredRecording>;
}

/**
 * Opens the registry. Rejects when the trust file or the witness policy cannot be used, or when the registry is shorter than
 * a checkpoint the trust file holds.
 */
export async function openGatewayRegistry(deps: GatewayRegistryDeps): Promise<GatewayRegistry> {
  const { store, signer, nowMs, log, checkpointFile } = deps;
  const policy = deps.witnesses === undefined ? undefined : parseWitnessPolicy(deps.witnesses);
  if (policy?.ok === false) throw new Error(`the witness policy cannot be used: ${policy.complaint}`);
  const kept = await readKept(checkpointFile, signer.name);
  const registry = openRegistryLog({ store, signer, nowMs, ...(kept === undefined ? {} : { kept }) });
  await registry.head().catch((error: unknown) => {
    throw new Error(`the registry cannot be opened: ${errorMessage(error)}`, { cause: error });
  });

  async function keepTrust(recording: Recording, head: RegistryHead | undefined, cosigned: RegistryHead | undefined) {
    const checkpoint = await recording.checkpoint();
    await changeTrustFile(checkpointFile, (trust) => {
      const withWriter = addCheckpoint(trust, checkpoint);
      return withRegistry(withWriter, { vkey: signer.vkey, head, cosigned, witnesses: deps.witnesses });
    });
  }

  return Object.freeze({
    registry,
    certify: (origin: string, vkey: string) => signer.signNote(encodeCertificateText(origin, vkey)),
    async register(recording: Recording, about: RegistryFields = {}): Promise<RegisteredRecording> {
      const witnessing: Witnessing | undefined =
        policy === undefined ? undefined : startWitnessing({ ...deps, registry, policy: policy.policy });
      let written = '';
      const onRound = async (head: RegistryHead | undefined): Promise<void> => {
        try {
          const cosigned = witnessing?.newest();
          const { size } = await recording.checkpoint();
          const state = `${size} ${head?.size} ${cosigned?.size}`;
          if (state === written) return;
          await keepTrust(recording, head, cosigned);
          written = state;
        } catch (error) {
          log.warn('the checkpoint could not be published', { error: errorMessage(error) });
        }
      };
      const registrationDeps: RegistrationDeps = {
        ...deps,
        registry,
        recording,
        about,
        config: configOf(deps),
        directory: deps.recordingDirectory,
        onRound,
        ...(witnessing === undefined ? {} : { witnessed: witnessing.describe }),
      };
      const registration = await registerWriter(registrationDeps).catch((error: unknown) => {
        witnessing?.stop();
        throw error;
      });
      await witnessing?.ask();
      return Object.freeze({
        recording: guardRecording(recording, registration.refusal),
        refusal: registration.refusal,
        publish: registration.publish,
        async close() {
          witnessing?.stop();
          await registration.close();
          await witnessing?.ask();
          await onRound(await registry.head().catch(() => undefined));
        },
      });
    },
  });
}

/** What of its configuration the registry must know. */
function configOf({ officers, witnesses }: GatewayRegistryDeps): RegistryFields {
  return {
    ...(officers === undefined ? {} : { officers }),
    ...(witnesses === undefined ? {} : { witnesses }),
  };
}

/** The largest checkpoint of the registry that the trust file holds. */
async function readKept(file: string, origin: string): Promise<{ size: number; root: string } | undefined> {
  const current = await readTrustFile(file);
  if (!current.ok) throw new Error(`the checkpoint file cannot be used: ${current.complaint}`);
  return current.trust.checkpoints
    .filter((anchor) => anchor.origin === origin)
    .sort((a, b) => b.size - a.size)
    .at(0);
}

interface RegistryNews {
  readonly vkey: string;
  readonly head: RegistryHead | undefined;
  readonly cosigned: RegistryHead | undefined;
  readonly witnesses: string | undefined;
}

/** A trust file with the registry's key, its newest checkpoint and the newest that enough witnesses cosigned. */
function withRegistry(trust: Trust, { vkey, head, cosigned, witnesses }: RegistryNews): Trust {
  const name = vkey.slice(0, vkey.indexOf('+'));
  const { witnesses: before, ...rest } = trust;
  const policy = witnesses ?? before;
  const kept = trust.checkpoints.filter(({ origin }) => origin === name);
  // What an identity before this one signed proves nothing by this one's key, which is what a reader measures it by.
  const known = trust.registry === vkey ? kept : kept.map(({ origin, size, root }) => ({ origin, size, root }));
  const fresh = [head, cosigned].flatMap((each) => (each === undefined ? [] : [toAnchor(each)]));
  // What is known stays where nothing newer is: the newest is never given up for none.
  const anchors = new Map([...(fresh.length === 0 ? known : []), ...fresh].map((anchor) => [anchor.size, anchor]));
  const others = trust.checkpoints.filter(({ origin }) => origin !== name);
  return {
    ...rest,
    registry: vkey,
    checkpoints: [...others, ...anchors.values()],
    ...(policy === undefined ? {} : { witnesses: policy }),
  };
}

function toAnchor({ origin, size, root, note }: RegistryHead): Anchor {
  return { origin, size, root, note };
}
