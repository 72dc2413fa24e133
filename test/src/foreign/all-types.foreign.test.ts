import { expect, test } from '@jest/globals';
import { runPytest } from '../harness/python.js';
import { allTypesPolicy, type Regime } from '../playground/all-types-policy.js';
import { startPlayground } from '../playground/playground.js';

test.each<[string, Regime]>([
  ['the statement', 'Mask'],
  ['the result', 'Allow'],
])(
  'the Python driver decodes every type in Arrow and JSON, with masks in %s',
  async (_where, predicates) => {
    const playground = await startPlayground({
      standIn: { allTypes: true },
      resources: { 'all-types.yaml': allTypesPolicy(predicates) },
    });
    try {
      const { passed, output } = await runPytest('test_all_types.py', {
        ROUTE: 'gateway',
        PREDICATES: predicates,
        GATEWAY_URL: playground.driverUrl,
        CONSOLE_URL: playground.consoleUrl,
        ISSUER_URL: playground.issuerUrl,
        STAND_IN_URL: playground.standInUrl,
        DIRECT_USER: 'DIRECT',
        DIRECT_PASSWORD: 'direct-password',
      });
      expect(passed ? 'passed' : output).toBe('passed');
    } finally {
      await playground.stop();
    }
  },
  240_000,
);
