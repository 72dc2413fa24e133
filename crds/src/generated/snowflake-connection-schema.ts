// Generated from crds/schemas by `npm run generate -w @piste/crds`. Change it there.
import type { KindSchema } from '../schema.js';

export const snowflakeConnectionSchema: KindSchema = {
  kind: 'SnowflakeConnection',
  rules: [
    {
      rule: 'self.metadata.name.size() <= 52 && self.metadata.name.matches("^[a-z]([-a-z0-9]*[a-z0-9])?$")',
      message: "the gateway's Service and Deployment are named after the connection",
      fix: 'choose a name of at most 52 lower-case letters, digits and "-" that begins with a letter',
    },
  ],
  spec: {
    type: 'object',
    required: ['account', 'auth', 'issuers', 'allowedGroups', 'allowedRoles'],
    properties: {
      account: {
        type: 'object',
        required: ['identifier'],
        properties: {
          identifier: {
            type: 'string',
            minLength: 1,
            maxLength: 255,
            pattern: '^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$',
            form: 'the account identifier alone, such as acme-prod1, without host name or scheme',
            rules: [
              {
                rule: 'self == oldSelf',
                message: 'the account of a connection cannot be changed',
                fix: 'create a new SnowflakeConnection',
                transition: true,
              },
            ],
          },
          host: {
            type: 'string',
            minLength: 1,
            maxLength: 253,
            pattern: '^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*$',
            form: 'a host name without scheme, port or path',
          },
          port: {
            type: 'integer',
            format: 'int32',
            minimum: 1,
            maximum: 65535,
            default: 443,
          },
          connectivity: {
            type: 'string',
            enum: ['Public', 'PrivateLink'],
            default: 'Public',
          },
          transport: {
            type: 'string',
            enum: ['TLS', 'InsecurePlaintext'],
            default: 'TLS',
          },
        },
        rules: [
          {
            rule: "self.connectivity != 'PrivateLink' || (has(self.host) && self.host.contains('.privatelink.'))",
            message: "PrivateLink needs the account's private host name",
            fix: 'set account.host to <account>.privatelink.snowflakecomputing.com',
            fieldPath: '.host',
          },
          {
            rule: "self.transport != 'InsecurePlaintext' || (has(self.host) && !self.host.lowerAscii().contains('snowflakecomputing.'))",
            message: 'InsecurePlaintext would send credentials in the clear',
            fix: 'use transport TLS; plaintext is only for a stand-in named in account.host',
            fieldPath: '.transport',
          },
        ],
      },
      auth: {
        type: 'object',
        required: ['type'],
        properties: {
          type: {
            type: 'string',
            enum: ['KeyPair', 'OAuthClientCredentials', 'WorkloadIdentity', 'ProgrammaticAccessToken', 'Passthrough'],
          },
          keyPair: {
            type: 'object',
            required: ['user', 'privateKeySecretRef'],
            properties: {
              user: {
                type: 'string',
                minLength: 1,
                maxLength: 255,
                pattern: '^[^\\x00-\\x1f\\x7f]+$',
                form: 'one line without control characters',
              },
              privateKeySecretRef: {
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
              standbyPrivateKeySecretRef: {
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
          programmaticAccessToken: {
            type: 'object',
            required: ['user', 'tokenSecretRef'],
            properties: {
              user: {
                type: 'string',
                minLength: 1,
                maxLength: 255,
                pattern: '^[^\\x00-\\x1f\\x7f]+$',
                form: 'one line without control characters',
              },
              tokenSecretRef: {
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
          oauthClientCredentials: {
            type: 'object',
            required: ['tokenEndpoint', 'clientId', 'clientSecretRef'],
            properties: {
              tokenEndpoint: {
                type: 'string',
                maxLength: 2048,
                rules: [
                  {
                    rule: "isURL(self) && self.matches('^(https://[A-Za-z0-9\\\\[][^\\\\s@#\\\\\\\\]*|http://(localhost|127\\\\.0\\\\.0\\\\.1|\\\\[::1\\\\])(:[0-9]+)?(/[^\\\\s@#\\\\\\\\]*)?)$')",
                    message: 'this is not an https URL',
                    fix: 'write https://host/path without user, fragment or spaces (http only for localhost, 127.0.0.1 or [::1])',
                  },
                ],
              },
              clientId: {
                type: 'string',
                minLength: 1,
                maxLength: 512,
                pattern: '^[\\x20-\\x7e]+$',
                form: 'printable ASCII characters',
              },
              clientSecretRef: {
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
              scopes: {
                type: 'array',
                maxItems: 32,
                'x-kubernetes-list-type': 'set',
                items: {
                  type: 'string',
                  minLength: 1,
                  maxLength: 256,
                  pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]+$',
                  form: 'a scope without spaces and quotes',
                },
              },
            },
          },
          workloadIdentity: {
            type: 'object',
            required: ['provider'],
            properties: {
              provider: {
                type: 'string',
                enum: ['AWS', 'AZURE', 'GCP', 'OIDC'],
              },
              audience: {
                type: 'string',
                minLength: 1,
                maxLength: 512,
                pattern: '^[\\x21-\\x7e]+$',
                form: 'printable ASCII characters without spaces',
              },
            },
          },
        },
        rules: [
          {
            rule: "self.type == 'KeyPair' ? has(self.keyPair) : !has(self.keyPair)",
            message: 'keyPair belongs to type KeyPair, and only to it',
            fix: 'set keyPair exactly when type is KeyPair',
            fieldPath: '.keyPair',
          },
          {
            rule: "self.type == 'OAuthClientCredentials' ? has(self.oauthClientCredentials) : !has(self.oauthClientCredentials)",
            message: 'oauthClientCredentials belongs to type OAuthClientCredentials, and only to it',
            fix: 'set oauthClientCredentials exactly when type is OAuthClientCredentials',
            fieldPath: '.oauthClientCredentials',
          },
          {
            rule: "self.type == 'WorkloadIdentity' ? has(self.workloadIdentity) : !has(self.workloadIdentity)",
            message: 'workloadIdentity belongs to type WorkloadIdentity, and only to it',
            fix: 'set workloadIdentity exactly when type is WorkloadIdentity',
            fieldPath: '.workloadIdentity',
          },
          {
            rule: "self.type == 'ProgrammaticAccessToken' ? has(self.programmaticAccessToken) : !has(self.programmaticAccessToken)",
            message: 'programmaticAccessToken belongs to type ProgrammaticAccessToken, and only to it',
            fix: 'set programmaticAccessToken exactly when type is ProgrammaticAccessToken',
            fieldPath: '.programmaticAccessToken',
          },
        ],
      },
      issuers: {
        type: 'array',
        minItems: 1,
        maxItems: 16,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: {
          type: 'object',
          required: ['name', 'url', 'audience'],
          properties: {
            name: {
              type: 'string',
              maxLength: 63,
              pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
              form: 'lower-case letters, digits and "-"',
            },
            url: {
              type: 'string',
              maxLength: 2048,
              rules: [
                {
                  rule: "isURL(self) && self.matches('^(https://[A-Za-z0-9\\\\[][^\\\\s@#\\\\\\\\]*|http://(localhost|127\\\\.0\\\\.0\\\\.1|\\\\[::1\\\\])(:[0-9]+)?(/[^\\\\s@#\\\\\\\\]*)?)$')",
                  message: 'this is not an https URL',
                  fix: 'write https://host/path without user, fragment or spaces (http only for localhost, 127.0.0.1 or [::1])',
                },
              ],
            },
            audience: {
              type: 'string',
              minLength: 1,
              maxLength: 512,
              pattern: '^[\\x21-\\x7e]+$',
              form: 'printable ASCII characters without spaces',
              rules: [
                {
                  rule: "!self.lowerAscii().contains('snowflakecomputing.')",
                  message: 'a token for that audience would also open Snowflake',
                  fix: 'choose an audience only this gateway accepts, such as its own URL',
                },
              ],
            },
            jwksUri: {
              type: 'string',
              maxLength: 2048,
              rules: [
                {
                  rule: "isURL(self) && self.matches('^(https://[A-Za-z0-9\\\\[][^\\\\s@#\\\\\\\\]*|http://(localhost|127\\\\.0\\\\.0\\\\.1|\\\\[::1\\\\])(:[0-9]+)?(/[^\\\\s@#\\\\\\\\]*)?)$')",
                  message: 'this is not an https URL',
                  fix: 'write https://host/path without user, fragment or spaces (http only for localhost, 127.0.0.1 or [::1])',
                },
              ],
            },
            algorithms: {
              type: 'array',
              minItems: 1,
              maxItems: 5,
              'x-kubernetes-list-type': 'set',
              default: ['RS256', 'ES256'],
              items: {
                type: 'string',
                maxLength: 5,
                enum: ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'],
              },
            },
            claims: {
              type: 'object',
              default: {
                principal: 'sub',
                groups: 'groups',
              },
              properties: {
                principal: {
                  type: 'string',
                  minLength: 1,
                  maxLength: 256,
                  pattern: '^[^\\x00-\\x1f\\x7f]+$',
                  form: 'one line without control characters',
                  default: 'sub',
                },
                displayName: {
                  type: 'string',
                  minLength: 1,
                  maxLength: 256,
                  pattern: '^[^\\x00-\\x1f\\x7f]+$',
                  form: 'one line without control characters',
                },
                groups: {
                  type: 'string',
                  minLength: 1,
                  maxLength: 256,
                  pattern: '^[^\\x00-\\x1f\\x7f]+$',
                  form: 'one line without control characters',
                  default: 'groups',
                },
                agent: {
                  type: 'string',
                  minLength: 1,
                  maxLength: 256,
                  pattern: '^[^\\x00-\\x1f\\x7f]+$',
                  form: 'one line without control characters',
                },
                instance: {
                  type: 'string',
                  minLength: 1,
                  maxLength: 256,
                  pattern: '^[^\\x00-\\x1f\\x7f]+$',
                  form: 'one line without control characters',
                },
                delegator: {
                  type: 'string',
                  minLength: 1,
                  maxLength: 256,
                  pattern: '^[^\\x00-\\x1f\\x7f]+$',
                  form: 'one line without control characters',
                },
                task: {
                  type: 'string',
                  minLength: 1,
                  maxLength: 256,
                  pattern: '^[^\\x00-\\x1f\\x7f]+$',
                  form: 'one line without control characters',
                },
              },
            },
            groupRules: {
              type: 'array',
              maxItems: 64,
              'x-kubernetes-list-type': 'atomic',
              items: {
                type: 'object',
                required: ['claim', 'groups'],
                properties: {
                  claim: {
                    type: 'string',
                    minLength: 1,
                    maxLength: 256,
                    pattern: '^[^\\x00-\\x1f\\x7f]+$',
                    form: 'one line without control characters',
                  },
                  equals: {
                    type: 'string',
                    minLength: 1,
                    maxLength: 1024,
                  },
                  prefix: {
                    type: 'string',
                    minLength: 1,
                    maxLength: 1024,
                  },
                  pattern: {
                    type: 'string',
                    minLength: 1,
                    maxLength: 1024,
                    pattern: '^[^*]*(\\*[^*]*){0,8}$',
                    form: 'a text with at most eight `*`',
                  },
                  groups: {
                    type: 'array',
                    minItems: 1,
                    maxItems: 16,
                    'x-kubernetes-list-type': 'set',
                    items: {
                      type: 'string',
                      minLength: 1,
                      maxLength: 253,
                      pattern: '^[^\\x00-\\x1f\\x7f]+$',
                      form: 'one line without control characters',
                    },
                  },
                },
                rules: [
                  {
                    rule: '[has(self.equals), has(self.prefix), has(self.pattern)].filter(x, x).size() == 1',
                    message: 'exactly one of equals, prefix, pattern must be set',
                    fix: 'set one of them and no other',
                  },
                ],
              },
            },
          },
        },
      },
      allowedGroups: {
        type: 'array',
        minItems: 1,
        maxItems: 64,
        'x-kubernetes-list-type': 'set',
        items: {
          type: 'string',
          minLength: 1,
          maxLength: 253,
          pattern: '^[^\\x00-\\x1f\\x7f]+$',
          form: 'one line without control characters',
        },
      },
      approverIssuer: {
        type: 'string',
        maxLength: 63,
        pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
        form: 'lower-case letters, digits and "-"',
      },
      defaults: {
        type: 'object',
        default: {},
        properties: {
          role: {
            type: 'string',
            minLength: 1,
            maxLength: 255,
            pattern: '^[^\\x00-\\x1f\\x7f]+$',
            form: 'one line without control characters',
          },
          warehouse: {
            type: 'string',
            minLength: 1,
            maxLength: 255,
            pattern: '^[^\\x00-\\x1f\\x7f]+$',
            form: 'one line without control characters',
          },
          database: {
            type: 'string',
            minLength: 1,
            maxLength: 255,
            pattern: '^[^\\x00-\\x1f\\x7f]+$',
            form: 'one line without control characters',
          },
          schema: {
            type: 'string',
            minLength: 1,
            maxLength: 255,
            pattern: '^[^\\x00-\\x1f\\x7f]+$',
            form: 'one line without control characters',
          },
        },
      },
      allowedRoles: {
        type: 'array',
        minItems: 1,
        maxItems: 64,
        'x-kubernetes-list-type': 'set',
        items: {
          type: 'string',
          minLength: 1,
          maxLength: 255,
          pattern: '^[^\\x00-\\x1f\\x7f]+$',
          form: 'one line without control characters',
        },
      },
      unmatchedObjects: {
        type: 'string',
        enum: ['Deny', 'Allow'],
        default: 'Deny',
      },
      allowedPolicies: {
        type: 'object',
        default: {
          namespaces: 'Same',
        },
        properties: {
          namespaces: {
            type: 'string',
            enum: ['Same'],
            default: 'Same',
          },
        },
      },
      session: {
        type: 'object',
        default: {
          idleTimeoutSeconds: 1800,
          maxLifetimeSeconds: 28800,
          statementTimeoutSeconds: 3600,
        },
        properties: {
          idleTimeoutSeconds: {
            type: 'integer',
            format: 'int32',
            minimum: 60,
            maximum: 86400,
            default: 1800,
          },
          maxLifetimeSeconds: {
            type: 'integer',
            format: 'int32',
            minimum: 300,
            maximum: 604800,
            default: 28800,
          },
          statementTimeoutSeconds: {
            type: 'integer',
            format: 'int32',
            minimum: 1,
            maximum: 604800,
            default: 3600,
          },
        },
        rules: [
          {
            rule: 'self.idleTimeoutSeconds <= self.maxLifetimeSeconds',
            message: 'a session cannot idle longer than it lives',
            fix: 'lower session.idleTimeoutSeconds or raise session.maxLifetimeSeconds',
            fieldPath: '.idleTimeoutSeconds',
          },
        ],
      },
      recording: {
        type: 'object',
        properties: {
          mode: {
            type: 'string',
            enum: ['Strict', 'StrictFinal', 'RequestStrict'],
          },
        },
      },
      gateway: {
        type: 'object',
        default: {
          drainSeconds: 300,
          networkPolicy: 'Managed',
          monitoring: 'Auto',
        },
        properties: {
          replicas: {
            type: 'integer',
            format: 'int32',
            minimum: 0,
            maximum: 200,
          },
          autoscaling: {
            type: 'object',
            properties: {
              minReplicas: {
                type: 'integer',
                format: 'int32',
                minimum: 1,
                maximum: 200,
                default: 2,
              },
              maxReplicas: {
                type: 'integer',
                format: 'int32',
                minimum: 1,
                maximum: 200,
                default: 20,
              },
              targetSessionsPerPod: {
                type: 'integer',
                format: 'int32',
                minimum: 1,
                maximum: 10000,
                default: 200,
              },
            },
            rules: [
              {
                rule: 'self.minReplicas <= self.maxReplicas',
                message: 'minReplicas is above maxReplicas',
                fix: 'lower autoscaling.minReplicas or raise autoscaling.maxReplicas',
                fieldPath: '.minReplicas',
              },
            ],
          },
          redisSecretRef: {
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
          tlsSecretName: {
            type: 'string',
            maxLength: 253,
            pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$',
            form: 'lower-case letters, digits, "-" and "."',
          },
          drainSeconds: {
            type: 'integer',
            format: 'int32',
            minimum: 0,
            maximum: 3600,
            default: 300,
          },
          networkPolicy: {
            type: 'string',
            enum: ['Managed', 'Unmanaged'],
            default: 'Managed',
          },
          egressCIDRs: {
            type: 'array',
            maxItems: 64,
            'x-kubernetes-list-type': 'set',
            items: {
              type: 'string',
              minLength: 1,
              maxLength: 43,
              rules: [
                {
                  rule: 'isCIDR(self)',
                  message: 'this is not a network in CIDR form',
                  fix: 'write it as 10.20.0.0/16 or 2001:db8::/32',
                },
              ],
            },
          },
          monitoring: {
            type: 'string',
            enum: ['Auto', 'Enabled', 'Disabled'],
            default: 'Auto',
          },
        },
        rules: [
          {
            rule: '!(has(self.replicas) && has(self.autoscaling))',
            message: 'replicas and autoscaling exclude each other',
            fix: 'keep one of them',
          },
        ],
      },
    },
    rules: [
      {
        rule: '!has(self.defaults.role) || self.allowedRoles.exists(r, r == self.defaults.role)',
        message: 'defaults.role is not among allowedRoles',
        fix: 'add it to spec.allowedRoles or choose one of those',
        fieldPath: '.defaults.role',
      },
      {
        rule: '!has(self.approverIssuer) || self.issuers.exists(i, i.name == self.approverIssuer)',
        message: 'approverIssuer names no issuer of this connection',
        fix: 'write the name of one of spec.issuers',
        fieldPath: '.approverIssuer',
      },
      {
        rule: 'self.issuers.all(a, self.issuers.exists_one(b, b.url == a.url))',
        message: 'two issuers have the same url, so a token could be read in two ways',
        fix: 'keep one entry per issuer url',
        fieldPath: '.issuers',
      },
    ],
  },
};
