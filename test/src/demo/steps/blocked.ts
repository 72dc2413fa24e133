import { refusedStep } from './refused.js';

export const blockedDrop = refusedStep('It tries to drop the database', [
  {
    sqlText: 'DROP DATABASE crm',
    code: '861201',
    mentions: ['no-dropping-databases', 'Retry: no'],
    trace: /drop/i,
  },
]);

export const waysAround = refusedStep(
  "It tries the ways around: a statement hidden in a text, the texts of others' statements",
  [
    {
      sqlText: "EXECUTE IMMEDIATE 'DROP DATABASE crm'",
      code: '861205',
      mentions: ['EXECUTE IMMEDIATE'],
      trace: /drop|execute/i,
    },
    {
      sqlText: 'SELECT query_text FROM TABLE(information_schema.query_history())',
      code: '861205',
      mentions: ['could not prove'],
      trace: /query_history/i,
    },
  ],
);
