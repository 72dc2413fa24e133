/**
 * The part of OpenAPI v3 our schemas use: structural schemas as Kubernetes defines them, closed by the generator, which
 * refuses any other keyword.
 */
export interface Schema {
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly description?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  /** Values of a map; only metadata has maps. */
  readonly additionalProperties?: Schema;
  readonly maxProperties?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  /** What the pattern asks for, in words; for complaints. */
  readonly form?: string;
  readonly enum?: readonly string[];
  readonly format?: 'int32' | 'int64' | 'date-time';
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: JsonValue;
  readonly rules?: readonly Rule[];
}

/** One CEL rule. In the manifest it stands under `x-kubernetes-validations` with the message `<message>; <fix>`. */
export interface Rule {
  readonly rule: string;
  readonly message: string;
  readonly fix: string;
  /** Path of the field to blame, from the schema node that carries the rule: `.host`. */
  readonly fieldPath?: string;
  /** The rule compares with the object's former state (`oldSelf`); only the API server can evaluate it. */
  readonly transition?: true;
}

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Everything the parser needs to know of one kind. */
export interface KindSchema {
  readonly kind: string;
  /** Rules about the whole object; they may look at `self.metadata.name`. */
  readonly rules: readonly Rule[];
  readonly spec: Schema;
}

/** True for what JSON calls an object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
