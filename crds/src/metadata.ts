import type { Schema } from './schema.js';

/** The part of Kubernetes' object metadata that means something to us. Whatever else the API server adds is dropped. */
export interface ResourceMetadata {
  readonly name: string;
  /** Absent in files that leave the namespace to whoever applies them. */
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
}

/** Written by the API server or by other tools: accepted and left out of the result. */
export const IGNORED_METADATA = [
  'managedFields',
  'ownerReferences',
  'finalizers',
  'selfLink',
  'deletionGracePeriodSeconds',
];

const DNS_LABEL = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$';
const DNS_SUBDOMAIN = '^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';

/** Kubernetes checks metadata itself; this repeats the part that matters for files read without an API server. */
export const metadataSchema: Schema = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', maxLength: 253, pattern: DNS_SUBDOMAIN, form: 'lower-case letters, digits, "-" and "."' },
    namespace: { type: 'string', maxLength: 63, pattern: DNS_LABEL, form: 'lower-case letters, digits and "-"' },
    labels: { type: 'object', maxProperties: 256, additionalProperties: { type: 'string', maxLength: 63 } },
    annotations: { type: 'object', maxProperties: 256, additionalProperties: { type: 'string', maxLength: 262144 } },
    uid: { type: 'string', maxLength: 128 },
    resourceVersion: { type: 'string', maxLength: 128 },
    generation: { type: 'integer', minimum: 0 },
    creationTimestamp: { type: 'string', maxLength: 64 },
    deletionTimestamp: { type: 'string', maxLength: 64 },
  },
};
