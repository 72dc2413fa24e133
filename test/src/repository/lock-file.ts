/** The parts of a package-lock that matter here. */
export interface LockFile {
  packages: Record<string, LockedPackage>;
}

export interface LockedPackage {
  readonly version?: string;
  readonly dev?: boolean;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const SYSTEMS: Readonly<Record<string, string>> = {
  aix: 'aix',
  android: 'android',
  darwin: 'darwin',
  freebsd: 'freebsd',
  linux: 'linux',
  linuxmusl: 'linux',
  netbsd: 'netbsd',
  openbsd: 'openbsd',
  openharmony: 'openharmony',
  sunos: 'sunos',
  win32: 'win32',
};
const PROCESSORS = new Set([
  'arm',
  'arm64',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'wasm32',
  'x64',
]);
const EXACT_VERSION = /^\d[\w.+-]*$/;

/** Optional packages of other platforms that the lock does not know. `npm ci` refuses such a lock. */
export function missingPlatformPackages(
  lock: LockFile,
): readonly { readonly name: string; readonly version: string; readonly dev: boolean }[] {
  return Object.entries(lock.packages).flatMap(([path, locked]) =>
    Object.entries(locked.optionalDependencies ?? {})
      .filter(([name, version]) => EXACT_VERSION.test(version) && !isLocked(lock, path, name))
      .map(([name, version]) => ({ name, version, dev: locked.dev === true })),
  );
}

function isLocked(lock: LockFile, from: string, name: string): boolean {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    if (`${base === '' ? '' : `${base}/`}node_modules/${name}` in lock.packages) return true;
    if (base === '') return false;
  }
}

/** Packages whose address names a registry. */
export function registryAddresses(lock: LockFile): readonly string[] {
  return Object.entries(lock.packages)
    .filter(([, locked]) => locked.resolved?.startsWith('http') === true)
    .map(([path]) => path);
}

/**
 * The lock without registry addresses and with every platform's optional packages, also those that the registry at hand does
 * not carry: they are named with version, system and processor, so that nobody else's machine fetches them.
 */
export function completeLock(lock: LockFile): LockFile {
  const packages: Record<string, LockedPackage> = {};
  for (const [path, locked] of Object.entries(lock.packages)) {
    const { resolved, ...rest } = locked;
    packages[path] = resolved?.startsWith('http') === true ? rest : locked;
  }
  for (const { name, version, dev } of missingPlatformPackages(lock)) {
    const words = name.split(/[-/]/);
    const systems = words.flatMap((word) => SYSTEMS[word] ?? []);
    const processors = words.filter((word) => PROCESSORS.has(word));
    packages[`node_modules/${name}`] = Object.assign(
      {
        version,
        cpu: processors.length > 0 ? processors : ['none'],
        optional: true,
        os: systems.length > 0 ? systems : ['none'],
      },
      dev ? { dev: true } : {},
    );
  }
  const sorted = Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...lock, packages: Object.fromEntries(sorted) };
}
