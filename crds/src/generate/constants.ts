import type { SourceKind, SourceSchema } from './source.js';

const TYPES_ONLY = ['typeName', 'typeDescription', 'union', 'exactlyOne', 'description'];

/** The schema of a kind as a TypeScript constant for the parser: what the manifest says, without descriptions. */
export function printSchemaConstant(source: SourceKind): string {
  const kindSchema = { kind: source.kind, rules: source.rules, spec: withoutTypes(source.spec) };
  const name = `${source.kind.charAt(0).toLowerCase()}${source.kind.slice(1)}Schema`;
  return `import type { KindSchema } from '../schema.js';\n\nexport const ${name}: KindSchema = ${JSON.stringify(kindSchema, null, 2)};\n`;
}

function withoutTypes(node: SourceSchema): object {
  const copied = Object.fromEntries(Object.entries(node).filter(([keyword]) => !TYPES_ONLY.includes(keyword)));
  return {
    ...copied,
    ...(node.items === undefined ? {} : { items: withoutTypes(node.items) }),
    ...(node.properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(node.properties).map(([name, child]) => [name, withoutTypes(child)]),
          ),
        }),
  };
}
