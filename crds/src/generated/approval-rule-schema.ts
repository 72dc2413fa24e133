// Generated from crds/schemas by `npm run generate -w @piste/crds`. Change it there.
import type { KindSchema } from '../schema.js';

export const approvalRuleSchema: KindSchema = {
  kind: 'ApprovalRule',
  rules: [],
  spec: {
    type: 'object',
    required: ['targetRefs', 'match'],
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
      action: {
        type: 'string',
        enum: ['Allow', 'Hold', 'Block'],
        default: 'Hold',
      },
      match: {
        type: 'object',
        properties: {
          statementTypes: {
            type: 'array',
            minItems: 1,
            maxItems: 40,
            'x-kubernetes-list-type': 'set',
            items: {
              type: 'string',
              maxLength: 32,
              enum: [
                'Select',
                'Insert',
                'InsertOverwrite',
                'Update',
                'Delete',
                'Merge',
                'Load',
                'Unload',
                'Create',
                'CreateOrReplace',
                'CreateTableAsSelect',
                'Alter',
                'Drop',
                'Undrop',
                'Truncate',
                'Comment',
                'Grant',
                'Revoke',
                'Call',
                'Execute',
                'Use',
                'Set',
                'Unset',
                'Show',
                'Describe',
                'Explain',
                'List',
                'Put',
                'Get',
                'Remove',
                'Transaction',
                'Unread',
              ],
            },
          },
          objectTypes: {
            type: 'array',
            minItems: 1,
            maxItems: 20,
            'x-kubernetes-list-type': 'set',
            items: {
              type: 'string',
              maxLength: 32,
              enum: [
                'Database',
                'Schema',
                'Table',
                'View',
                'Stage',
                'Function',
                'Procedure',
                'User',
                'Role',
                'Warehouse',
                'Integration',
                'Share',
                'Task',
                'Stream',
                'Pipe',
                'Policy',
                'Other',
              ],
            },
          },
          objects: {
            type: 'array',
            minItems: 1,
            maxItems: 64,
            'x-kubernetes-list-type': 'atomic',
            items: {
              type: 'object',
              required: ['database'],
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
              },
            },
          },
          minEstimatedRows: {
            type: 'integer',
            format: 'int64',
            minimum: 1,
            maximum: 1000000000000000,
          },
          expression: {
            type: 'string',
            minLength: 1,
            maxLength: 2048,
          },
        },
        rules: [
          {
            rule: 'has(self.statementTypes) || has(self.objectTypes) || has(self.objects) || has(self.minEstimatedRows) || has(self.expression)',
            message: 'nothing is selected',
            fix: 'set at least one of statementTypes, objectTypes, objects, minEstimatedRows, expression',
          },
        ],
      },
      approval: {
        type: 'object',
        required: ['approvers'],
        properties: {
          approvers: {
            type: 'array',
            minItems: 1,
            maxItems: 32,
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['kind', 'name'],
            items: {
              type: 'object',
              required: ['kind', 'name'],
              properties: {
                kind: {
                  type: 'string',
                  enum: ['User', 'Group'],
                },
                name: {
                  type: 'string',
                  minLength: 1,
                  maxLength: 253,
                  pattern: '^[^\\x00-\\x1f\\x7f]+$',
                  form: 'one line without control characters',
                },
              },
            },
          },
          minApprovals: {
            type: 'integer',
            format: 'int32',
            minimum: 1,
            maximum: 16,
            default: 1,
          },
          selfApproval: {
            type: 'string',
            enum: ['Forbidden'],
            default: 'Forbidden',
          },
          requestTimeoutSeconds: {
            type: 'integer',
            format: 'int32',
            minimum: 30,
            maximum: 86400,
            default: 3600,
          },
          grant: {
            type: 'object',
            default: {
              scope: 'Statement',
              validSeconds: 900,
            },
            properties: {
              scope: {
                type: 'string',
                enum: ['Statement', 'Fingerprint', 'Session'],
                default: 'Statement',
              },
              validSeconds: {
                type: 'integer',
                format: 'int32',
                minimum: 30,
                maximum: 86400,
                default: 900,
              },
            },
          },
        },
        rules: [
          {
            rule: "self.minApprovals <= self.approvers.size() || self.approvers.exists(a, a.kind == 'Group')",
            message: 'more approvals are needed than there are approvers',
            fix: 'lower approval.minApprovals, add approvers or list a Group',
            fieldPath: '.minApprovals',
          },
        ],
      },
      message: {
        type: 'string',
        minLength: 1,
        maxLength: 300,
        pattern: '^[^\\x00-\\x1f\\x7f]+$',
        form: 'one line without control characters',
      },
      alternative: {
        type: 'string',
        minLength: 1,
        maxLength: 200,
        pattern: '^[^\\x00-\\x1f\\x7f]+$',
        form: 'one line without control characters',
      },
      risk: {
        type: 'string',
        enum: ['Low', 'Medium', 'High', 'Critical'],
        default: 'High',
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
      notify: {
        type: 'array',
        maxItems: 8,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: {
          type: 'object',
          required: ['name', 'webhookSecretRef'],
          properties: {
            name: {
              type: 'string',
              maxLength: 63,
              pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
              form: 'lower-case letters, digits and "-"',
            },
            webhookSecretRef: {
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
      },
    },
    rules: [
      {
        rule: "self.action != 'Allow' || !has(self.match.statementTypes) || !self.match.statementTypes.exists(t, t == 'Unread')",
        message: 'a statement the gateway could not read cannot be allowed by rule',
        fix: 'remove Unread from match.statementTypes, or use the action Hold or Block',
        fieldPath: '.match.statementTypes',
      },
      {
        rule: "self.action == 'Hold' ? has(self.approval) : !has(self.approval)",
        message: 'approval belongs to action Hold, and only to it',
        fix: 'set approval exactly when action is Hold',
        fieldPath: '.approval',
      },
    ],
  },
};
