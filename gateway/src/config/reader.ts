import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

/** One option: environment variable, default and what it means. `piste help gateway` prints this table. */
export interface OptionHelp {
  readonly name: string;
  readonly fallback: string;
  readonly help: string;
}

export interface Listener {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads options by name and collects what is wrong with them. */
export interface Reader {
  text(name: string): string | undefined;
  path(name: string): string;
  directory(name: string): string;
  url(name: string, protocols: readonly string[]): string | undefined;
  address(name: string, fallback: string): Listener;
  flag(name: string): boolean;
  integer(name: string, fallback: number, minimum: number, maximum: number): number;
  choice<T extends string>(name: string, values: readonly T[], fallback: T): T;
  /** The content of the file an option names. */
  file(name: string): string | undefined;
  /** The path of a file that can be read. */
  readableFile(name: string): string | undefined;
}

/** A complaint names the option and never quotes a secret. */
export function createReader(environment: Environment, complaints: string[]): Reader {
  const given = (name: string): string | undefined => environment[name] || undefined;
  const path = (name: string): string => {
    const value = given(name);
    if (value === undefined) complaints.push(`${name} is required`);
    return value === undefined ? '' : resolve(value);
  };
  return {
    text: given,
    path,
    directory(name) {
      const directory = path(name);
      if (directory !== '' && !(existsSync(directory) && statSync(directory).isDirectory())) {
        complaints.push(`${name}: ${directory} is not a folder`);
      }
      return directory;
    },
    url(name, protocols) {
      const value = given(name);
      if (value === undefined) return undefined;
      const protocol = URL.canParse(value) ? new URL(value).protocol : undefined;
      if (protocol === undefined || !protocols.includes(protocol)) {
        complaints.push(`${name} must be a URL starting with ${protocols.map((p) => `${p}//`).join(' or ')}`);
      }
      return value;
    },
    address(name, fallback) {
      const match = /^(.+):([0-9]{1,5})$/.exec(given(name) ?? fallback);
      const port = Number(match?.[2]);
      if (match?.[1] === undefined || port > 65_535) complaints.push(`${name} must be host:port`);
      return { host: match?.[1]?.replace(/^\[|\]$/g, '') ?? '', port };
    },
    flag(name) {
      const value = given(name) ?? 'false';
      if (value !== 'true' && value !== 'false') complaints.push(`${name} must be true or false`);
      return value === 'true';
    },
    integer(name, fallback, minimum, maximum) {
      const value = given(name);
      if (value === undefined) return fallback;
      const number = /^[0-9]{1,12}$/.test(value) ? Number(value) : Number.NaN;
      if (!(number >= minimum && number <= maximum)) {
        complaints.push(`${name} must be a whole number from ${minimum} to ${maximum}`);
      }
      return number;
    },
    choice(name, values, fallback) {
      const value = given(name) ?? fallback;
      const chosen = values.find((candidate) => candidate === value);
      if (chosen === undefined) complaints.push(`${name} must be one of ${values.join(', ')}`);
      return chosen ?? fallback;
    },
    readableFile(name) {
      const value = given(name);
      if (value === undefined) return undefined;
      try {
        accessSync(value, constants.R_OK);
      } catch {
        complaints.push(`${name}: ${value} cannot be read`);
      }
      return resolve(value);
    },
    file(name) {
      const value = given(name);
      if (value === undefined) return undefined;
      try {
        return readFileSync(value, 'utf8').trim();
      } catch {
        complaints.push(`${name}: ${value} cannot be read`);
        return undefined;
      }
    },
  };
}
