/**
 * The room table of ARCHITECTURE.md as rules: which room may look into which, where each heavy package lives,
 * and no cycles. `npm run lint:rooms` checks it.
 */
const ROOMS = {
  config: [],
  telemetry: ['config'],
  protocol: [],
  sql: [],
  store: [],
  policy: ['sql'],
  masking: ['protocol', 'policy', 'sql'],
  identity: ['telemetry', 'store'],
  session: ['identity', 'store', 'telemetry', 'sql'],
  approval: ['policy', 'identity', 'store', 'telemetry', 'sql', 'recording'],
  recording: ['policy', 'telemetry'],
  registry: ['recording', 'telemetry'],
  reconcile: ['archive', 'recording', 'telemetry'],
  archive: ['telemetry'],
  resources: ['policy', 'identity', 'recording', 'telemetry', 'config', 'masking'],
  upstream: ['protocol', 'recording', 'telemetry', 'policy', 'sql'],
  pipeline: [
    'config',
    'telemetry',
    'protocol',
    'sql',
    'store',
    'policy',
    'masking',
    'identity',
    'session',
    'approval',
    'recording',
    'resources',
    'upstream',
  ],
  http: [
    'pipeline',
    'protocol',
    'identity',
    'session',
    'approval',
    'recording',
    'store',
    'telemetry',
    'config',
    'sql',
    'policy',
  ],
  replay: ['protocol', 'sql'],
  cli: [
    'archive',
    'config',
    'masking',
    'policy',
    'reconcile',
    'recording',
    'registry',
    'replay',
    'resources',
    'sql',
    'telemetry',
  ],
};

/** Each heavy package has one home. */
const HOMES = {
  express: ['http'],
  undici: ['upstream'],
  'openid-client': ['identity'],
  jose: ['identity', 'upstream'],
  ioredis: ['store'],
  '@aws-sdk': ['archive'],
  winston: ['telemetry'],
  'prom-client': ['telemetry'],
  'csv-parse': ['reconcile'],
};

const notTests = '(\\.test|-contract)\\.ts$';

const roomRules = Object.entries(ROOMS).map(([room, mayImport]) => ({
  name: `room-${room}`,
  severity: 'error',
  comment: `${room} may look only into: ${mayImport.join(', ') || 'itself'}`,
  from: { path: `^gateway/src/${room}/`, pathNot: notTests },
  to: {
    path: '^gateway/src/',
    pathNot: [`^gateway/src/(${[room, ...mayImport].join('|')})/`, '^gateway/src/errors\\.ts$'],
  },
}));

const homeRules = Object.entries(HOMES).map(([dependency, rooms]) => ({
  name: `home-of-${dependency}`,
  severity: 'error',
  comment: `${dependency} lives in ${rooms.join(' and ')}`,
  from: { path: '^(gateway|operator|crds)/src/', pathNot: [`^gateway/src/(${rooms.join('|')})/`, notTests] },
  to: { path: `node_modules/${dependency}/` },
}));

export default {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    ...roomRules,
    ...homeRules,
    {
      name: 'main-is-imported-by-nobody',
      severity: 'error',
      from: { path: '^gateway/src/', pathNot: '^gateway/src/(main|serve|foundation)\\.ts$' },
      to: { path: '^gateway/src/(main|serve|foundation|runtime)\\.ts$' },
    },
    {
      name: 'verifier-imports-nobody',
      severity: 'error',
      comment: 'whoever verifies trusts this package and nothing else',
      from: { path: '^gateway/verifier/src/', pathNot: notTests },
      to: { pathNot: ['^gateway/verifier/src/', '^node:', '^[a-z_/]+$'], dependencyTypesNot: ['core'] },
    },
    {
      name: 'a-replay-never-reaches-an-account',
      severity: 'error',
      comment: 'what serves a recording has no way to Snowflake, by whatever detour',
      from: { path: '^gateway/src/(replay/|cli/sessions-serve\\.ts)', pathNot: notTests },
      to: {
        path: '^gateway/src/(upstream|pipeline|session|identity|store|http)/|node_modules/undici/',
        reachable: true,
      },
    },
    {
      name: 'crds-imports-nobody',
      severity: 'error',
      from: { path: '^crds/src/' },
      to: { path: '^(gateway|operator|test)/' },
    },
    {
      name: 'product-never-imports-test-equipment',
      severity: 'error',
      from: { path: '^(gateway|operator|crds)/' },
      to: { path: '^test/' },
    },
    {
      name: 'gateway-and-operator-are-strangers',
      severity: 'error',
      from: { path: '^(gateway|operator)/src/' },
      to: { path: '^(gateway|operator)/src/', pathNot: '^$1/src/' },
    },
    {
      name: 'no-undeclared-dependency',
      severity: 'error',
      from: { pathNot: notTests },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules|/dist/' },
    exclude: { path: '/dist/|generated/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
    combinedDependencies: false,
  },
};
