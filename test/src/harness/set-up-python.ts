import { setUpPython } from './python.js';

setUpPython((line) => process.stdout.write(`${line}\n`));
