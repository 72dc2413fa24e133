import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Program, type ProgramLimits, startProgram } from '../harness/child.js';
import { freePorts } from './free-ports.js';

const GATEWAY_MAIN = fileURLToPath(new URL('../../../gateway/dist/main.js', import.meta.url));
/** Far above the drain time of the gateway. */
const KILL_AFTER_MS = 60_000;

export type Environment = Readonly<Record<string, string>>;

/** Ports and folders of one gateway; they stay over restarts. */
export interface GatewayPlace {
  readonly driverUrl: string;
  readonly consoleUrl: string;
  readonly opsUrl: string;
  readonly recordingDirectory: string;
  readonly checkpointFile: string;
  readonly environment: Environment;
}

/** A gateway in a process of its own. */
export interface GatewayProgram extends Omit<GatewayPlace, 'environment'> {
  readonly pid: () => number;
  /** Everything it wrote so far, over all its lives. */
  readonly output: () => string;
  /** Ends it at once, as a lost machine would. */
  readonly kill: () => Promise<void>;
  /** Asks it to end and waits; the exit code. */
  readonly stop: () => Promise<number | null>;
  /** Starts it again over the same ports and folders, with changed environment; stop or kill it first. */
  readonly start: (changes?: Environment, limits?: ProgramLimits) => Promise<void>;
}

/** Takes ports and makes folders for a gateway named `name` under `directory`. */
export async function placeGateway(directory: string, name: string): Promise<GatewayPlace> {
  const [driverPort, consolePort, opsPort] = await freePorts(3);
  const recordingDirectory = join(directory, `recording-${name}`);
  const checkpointFile = join(directory, `checkpoint-${name}`, 'trust.json');
  await mkdir(recordingDirectory, { recursive: true });
  await mkdir(dirname(checkpointFile), { recursive: true });
  const consoleUrl = `http://127.0.0.1:${consolePort}`;
  return {
    driverUrl: `http://127.0.0.1:${driverPort}`,
    consoleUrl,
    opsUrl: `http://127.0.0.1:${opsPort}`,
    recordingDirectory,
    checkpointFile,
    environment: {
      PISTE_RECORDING_DIR: recordingDirectory,
      PISTE_CHECKPOINT_FILE: checkpointFile,
      PISTE_DRIVER_ADDRESS: `127.0.0.1:${driverPort}`,
      PISTE_CONSOLE_ADDRESS: `127.0.0.1:${consolePort}`,
      PISTE_OPS_ADDRESS: `127.0.0.1:${opsPort}`,
      PISTE_CONSOLE_URL: consoleUrl,
    },
  };
}

/** Starts the compiled gateway there. @throws Error with its output if it does not come up. */
export async function startGatewayProgram(place: GatewayPlace, environment: Environment): Promise<GatewayProgram> {
  const launch = (changes: Environment = {}, limits: ProgramLimits = {}): Promise<Program> =>
    startProgram(
      GATEWAY_MAIN,
      [],
      { ...environment, ...place.environment, ...changes },
      { killAfterMilliseconds: KILL_AFTER_MS, ...limits },
    );
  let program = await launch();
  let earlier = '';
  const { environment: _, ...where } = place;
  return {
    ...where,
    pid: () => program.pid,
    output: () => earlier + program.output(),
    async kill() {
      process.kill(program.pid, 'SIGKILL');
      await program.stop();
    },
    stop: () => program.stop(),
    async start(changes, limits) {
      earlier += program.output();
      program = await launch(changes, limits);
    },
  };
}
