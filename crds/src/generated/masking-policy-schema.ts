// Generated from crds/schemas by `npm run generate -w @piste/crds`. Change it there.
import type { KindSchema } from '../schema.js';

export const maskingPolicySchema: KindSchema = {
  kind: 'MaskingPolicy',
  rules: [],
  spec: {
    type: 'object',
    required: ['targetRefs'],
    properties: {
      targetRefs: {
        type: 'array',
        minItems: 1,
        maxItems: 16,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['kind', 'name'],
        items: {
          type: 'object',
          required: ['kind', 'name'],
          properties: {
            kind: {
              type: 'string',
              enum: ['SnowflakeConnection'],
            },
            name: {
              type: 'string',
              maxLength: 253,
              pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
              form: 'lower-case letters, digits, "-" and "."',
            },
          },
        },
      },
      enforcement: {
        type: 'string',
        enum: ['Enforce', 'DryRun'],
        default: 'Enforce',
      },
      predicates: {
        type: 'string',
        enum: ['Mask', 'Allow', 'Deny'],
        default: 'Mask',
      },
      onUnresolved: {
        type: 'string',
        enum: ['Deny', 'MaskAll'],
        default: 'Deny',
      },
      detection: {
        type: 'object',
        required: ['mode', 'categories'],
        properties: {
          mode: {
            type: 'string',
            enum: ['Audit', 'Mask', 'Deny'],
          },
          categories: {
            type: 'array',
            minItems: 1,
            maxItems: 16,
            'x-kubernetes-list-type': 'set',
            items: {
              type: 'string',
              enum: ['Email', 'Phone', 'Card', 'Ssn', 'Iban', 'Secret'],
            },
          },
        },
      },
      recording: {
        type: 'object',
        required: ['mode'],
        properties: {
          mode: {
            type: 'string',
            enum: ['Strict'],
          },
        },
      },
      rules: {
        type: 'array',
        default: [],
        maxItems: 32,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: {
          type: 'object',
          required: ['name', 'match', 'action'],
          properties: {
            name: {
              type: 'string',
              maxLength: 63,
              pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
              form: 'lower-case letters, digits and "-"',
            },
            match: {
              type: 'object',
              properties: {
                columns: {
                  type: 'array',
                  minItems: 1,
                  maxItems: 64,
                  'x-kubernetes-list-type': 'atomic',
                  items: {
                    type: 'object',
                    required: ['database', 'column'],
                    properties: {
                      database: {
                        type: 'string',
                        minLength: 1,
                        maxLength: 256,
                        pattern: '^(\\*|\\*[^*\\x00-\\x1f\\x7f]+|[^*\\x00-\\x1f\\x7f]+\\*?)$',
                        form: 'a name, `*`, or a name with one `*` at its start or its end',
                      },
                      schema: {
                        type: 'string',
                        minLength: 1,
                        maxLength: 256,
                        pattern: '^(\\*|\\*[^*\\x00-\\x1f\\x7f]+|[^*\\x00-\\x1f\\x7f]+\\*?)$',
                        form: 'a name, `*`, or a name with one `*` at its start or its end',
                        default: '*',
                      },
                      object: {
                        type: 'string',
                        minLength: 1,
                        maxLength: 256,
                        pattern: '^(\\*|\\*[^*\\x00-\\x1f\\x7f]+|[^*\\x00-\\x1f\\x7f]+\\*?)$',
                        form: 'a name, `*`, or a name with one `*` at its start or its end',
                        default: '*',
                      },
                      column: {
                        type: 'string',
                        minLength: 1,
                        maxLength: 256,
                        pattern: '^(\\*|\\*[^*\\x00-\\x1f\\x7f]+|[^*\\x00-\\x1f\\x7f]+\\*?)$',
                        form: 'a name, `*`, or a name with one `*` at its start or its end',
                      },
                    },
                  },
                },
                tags: {
                  type: 'array',
                  minItems: 1,
                  maxItems: 32,
                  'x-kubernetes-list-type': 'atomic',
                  items: {
                    type: 'object',
                    required: ['name'],
                    properties: {
                      name: {
                        type: 'string',
                        minLength: 1,
                        maxLength: 767,
                        pattern: '^[^.\\x00-\\x1f\\x7f]+\\.[^.\\x00-\\x1f\\x7f]+\\.[^.\\x00-\\x1f\\x7f]+$',
                        form: 'DATABASE.SCHEMA.TAG',
                      },
                      value: {
                        type: 'string',
                        maxLength: 256,
                      },
                    },
                  },
                },
                categories: {
                  type: 'array',
                  minItems: 1,
                  maxItems: 64,
                  'x-kubernetes-list-type': 'set',
                  items: {
                    type: 'string',
                    minLength: 1,
                    maxLength: 128,
                    pattern: '^[A-Za-z][A-Za-z0-9_]*$',
                    form: 'one word, such as EMAIL',
                  },
                },
                dataTypes: {
                  type: 'array',
                  minItems: 1,
                  maxItems: 32,
                  'x-kubernetes-list-type': 'set',
                  items: {
                    type: 'string',
                    enum: [
                      'ARRAY',
                      'BINARY',
                      'BOOLEAN',
                      'DATE',
                      'DECFLOAT',
                      'FILE',
                      'FLOAT',
                      'GEOGRAPHY',
                      'GEOMETRY',
                      'MAP',
                      'NUMBER',
                      'OBJECT',
                      'TIME',
                      'TIMESTAMP_LTZ',
                      'TIMESTAMP_NTZ',
                      'TIMESTAMP_TZ',
                      'VARCHAR',
                      'VARIANT',
                      'VECTOR',
                    ],
                  },
                },
              },
              rules: [
                {
                  rule: 'has(self.columns) || has(self.tags) || has(self.categories) || has(self.dataTypes)',
                  message: 'nothing is selected',
                  fix: 'set at least one of columns, tags, categories, dataTypes',
                },
              ],
            },
            action: {
              type: 'object',
              required: ['type'],
              properties: {
                type: {
                  type: 'string',
                  enum: ['Redact', 'Null', 'Hash', 'Partial', 'DateTruncate', 'Bucket', 'Constant', 'Tokenize', 'Deny'],
                },
                partial: {
                  type: 'object',
                  properties: {
                    keepFirst: {
                      type: 'integer',
                      format: 'int32',
                      minimum: 0,
                      maximum: 64,
                      default: 0,
                    },
                    keepLast: {
                      type: 'integer',
                      format: 'int32',
                      minimum: 0,
                      maximum: 64,
                      default: 0,
                    },
                    replacement: {
                      type: 'string',
                      minLength: 1,
                      maxLength: 8,
                      pattern: '^[^\\x00-\\x1f\\x7f]+$',
                      form: 'one line without control characters',
                      default: '*',
                    },
                  },
                  rules: [
                    {
                      rule: 'self.keepFirst + self.keepLast > 0',
                      message: 'nothing is kept',
                      fix: 'set keepFirst or keepLast, or use the action Redact',
                    },
                  ],
                },
                hash: {
                  type: 'object',
                  required: ['keySecretRef'],
                  properties: {
                    keySecretRef: {
                      type: 'object',
                      required: ['name', 'key'],
                      properties: {
                        name: {
                          type: 'string',
                          maxLength: 253,
                          pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
                          form: 'lower-case letters, digits, "-" and "."',
                        },
                        key: {
                          type: 'string',
                          maxLength: 253,
                          pattern: '^[-._a-zA-Z0-9]+$',
                          form: 'letters, digits, "-", "_" and "."',
                        },
                      },
                    },
                  },
                },
                tokenize: {
                  type: 'object',
                  required: ['keySecretRef'],
                  properties: {
                    keySecretRef: {
                      type: 'object',
                      required: ['name', 'key'],
                      properties: {
                        name: {
                          type: 'string',
                          maxLength: 253,
                          pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
                          form: 'lower-case letters, digits, "-" and "."',
                        },
                        key: {
                          type: 'string',
                          maxLength: 253,
                          pattern: '^[-._a-zA-Z0-9]+$',
                          form: 'letters, digits, "-", "_" and "."',
                        },
                      },
                    },
                    alphabet: {
                      type: 'string',
                      enum: ['Digits', 'Alphanumeric'],
                      default: 'Alphanumeric',
                    },
                  },
                },
                dateTruncate: {
                  type: 'object',
                  required: ['unit'],
                  properties: {
                    unit: {
                      type: 'string',
                      enum: ['Year', 'Quarter', 'Month', 'Week', 'Day', 'Hour'],
                    },
                  },
                },
                constant: {
                  type: 'object',
                  required: ['value'],
                  properties: {
                    value: {
                      type: 'string',
                      maxLength: 256,
                      pattern: '^[^\\x00-\\x1f\\x7f]*$',
                      form: 'one line without control characters',
                    },
                  },
                },
                bucket: {
                  type: 'object',
                  required: ['size'],
                  properties: {
                    size: {
                      type: 'integer',
                      format: 'int64',
                      minimum: 2,
                      maximum: 1000000000000,
                    },
                  },
                },
              },
              rules: [
                {
                  rule: "self.type == 'Partial' ? has(self.partial) : !has(self.partial)",
                  message: 'partial belongs to type Partial, and only to it',
                  fix: 'set partial exactly when type is Partial',
                  fieldPath: '.partial',
                },
                {
                  rule: "self.type == 'Hash' ? has(self.hash) : !has(self.hash)",
                  message: 'hash belongs to type Hash, and only to it',
                  fix: 'set hash exactly when type is Hash',
                  fieldPath: '.hash',
                },
                {
                  rule: "self.type == 'DateTruncate' ? has(self.dateTruncate) : !has(self.dateTruncate)",
                  message: 'dateTruncate belongs to type DateTruncate, and only to it',
                  fix: 'set dateTruncate exactly when type is DateTruncate',
                  fieldPath: '.dateTruncate',
                },
                {
                  rule: "self.type == 'Bucket' ? has(self.bucket) : !has(self.bucket)",
                  message: 'bucket belongs to type Bucket, and only to it',
                  fix: 'set bucket exactly when type is Bucket',
                  fieldPath: '.bucket',
                },
                {
                  rule: "self.type == 'Constant' ? has(self.constant) : !has(self.constant)",
                  message: 'constant belongs to type Constant, and only to it',
                  fix: 'set constant exactly when type is Constant',
                  fieldPath: '.constant',
                },
                {
                  rule: "self.type == 'Tokenize' ? has(self.tokenize) : !has(self.tokenize)",
                  message: 'tokenize belongs to type Tokenize, and only to it',
                  fix: 'set tokenize exactly when type is Tokenize',
                  fieldPath: '.tokenize',
                },
              ],
            },
            unless: {
              type: 'array',
              maxItems: 32,
              'x-kubernetes-list-type': 'atomic',
              items: {
                type: 'object',
                required: ['kind', 'name'],
                properties: {
                  kind: {
                    type: 'string',
                    enum: ['User', 'Group', 'Claim'],
                  },
                  name: {
                    type: 'string',
                    minLength: 1,
                    maxLength: 253,
                    pattern: '^[^\\x00-\\x1f\\x7f]+$',
                    form: 'one line without control characters',
                  },
                  value: {
                    type: 'string',
                    minLength: 1,
                    maxLength: 1024,
                  },
                  reason: {
                    type: 'string',
                    minLength: 1,
                    maxLength: 256,
                    pattern: '^[^\\x00-\\x1f\\x7f]+$',
                    form: 'one line without control characters',
                  },
                  expiresAt: {
                    type: 'string',
                    format: 'date-time',
                    maxLength: 35,
                    pattern:
                      '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$',
                    form: 'a date and time with its offset, such as 2027-03-31T00:00:00Z',
                  },
                },
                rules: [
                  {
                    rule: "self.kind == 'Claim' ? has(self.value) : !has(self.value)",
                    message: 'value belongs to kind Claim, and only to it',
                    fix: 'set value exactly when kind is Claim',
                    fieldPath: '.value',
                  },
                ],
              },
            },
          },
        },
      },
    },
    rules: [
      {
        rule: 'self.rules.size() > 0 || has(self.detection)',
        message: 'the policy says nothing',
        fix: 'give rules, detection, or both',
        fieldPath: '.rules',
      },
    ],
  },
};
