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
  'It tries the ways around: a statement hidden in a text, guessing a masked value',
  [
    {
      sqlText: "EXECUTE IMMEDIATE 'DROP DATABASE crm'",
      code: '861205',
      mentions: ['EXECUTE IMMEDIATE'],
      trace: /drop|execute/i,
    },
    {
      sqlText: "SELECT id FROM customers WHERE email LIKE 'ada%'",
      code: '861404',
      mentions: ['CRM.PUBLIC.CUSTOMERS.EMAIL'],
      trace: /like\s+'ada/i,
    },
  ],
);
