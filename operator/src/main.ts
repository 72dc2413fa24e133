import { isBuilt } from './index.js';

if (!isBuilt) {
  process.stderr.write(
    'piste-operator is not built yet: nothing is reconciled. The gateway reads the same resources from a folder; see README.md.\n',
  );
  process.exitCode = 1;
}
