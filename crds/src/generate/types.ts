import type { SourceKind, SourceSchema } from './source.js';

/** Collects the named types of several kinds; a name used for two different shapes is an error. */
export interface TypePrinter {
  addKind(source: SourceKind): void;
  /** All types, in the order they were met. */
  print(): string;
}

/** Prints readonly TypeScript types of *defaulted* resources: a field with a default is never absent. */
export function createTypePrinter(): TypePrinter {
  const named = new Map<string, string>();
  const kinds: string[] = [];

  function typeOf(node: SourceSchema, at: string): string {
    const body = bodyOf(node, at);
    if (node.typeName === undefined) return body;
    const known = named.get(node.typeName);
    const about = node.typeDescription === undefined ? '' : `/** ${commentText(node.typeDescription)} */\n`;
    const text = `${about}export type ${node.typeName} = ${body};`;
    if (known !== undefined && known !== text) throw new Error(`${at}: the type ${node.typeName} has two shapes`);
    named.set(node.typeName, text);
    return node.typeName;
  }

  function bodyOf(node: SourceSchema, at: string): string {
    switch (node.type) {
      case 'string':
        return node.enum === undefined ? 'string' : node.enum.map(quote).join(' | ');
      case 'integer':
        return 'number';
      case 'boolean':
        return 'boolean';
      case 'array': {
        if (node.items === undefined) throw new Error(`${at}: a list needs items`);
        return `readonly (${typeOf(node.items, `${at}[]`)})[]`;
      }
      case 'object':
        return objectBody(node, at);
    }
  }

  function objectBody(node: SourceSchema, at: string): string {
    const special = specialMembers(node);
    const fields = Object.entries(node.properties ?? {}).filter(([name]) => !special.includes(name));
    const common = `{\n${fields.map(([name, child]) => field(name, child, node, at)).join('\n')}\n}`;
    const variants = variantsOf(node, at);
    if (variants.length === 0) return common;
    const alternatives = variants.map((variant) => `| {\n${variant}\n}`).join(' ');
    return fields.length === 0 ? alternatives : `${common} & (${alternatives})`;
  }

  function field(name: string, child: SourceSchema, parent: SourceSchema, at: string): string {
    const present = parent.required?.includes(name) === true || child.default !== undefined;
    return `${comment(child)}readonly ${name}${present ? '' : '?'}: ${typeOf(child, `${at}.${name}`)};`;
  }

  function variantsOf(node: SourceSchema, at: string): string[] {
    if (node.exactlyOne !== undefined) {
      const members = node.exactlyOne;
      return members.map((member) => chosen(node, members, member, at));
    }
    if (node.union === undefined) return [];
    const { discriminator, members } = node.union;
    const values = node.properties?.[discriminator]?.enum ?? [];
    const all = Object.values(members);
    const alone = values.filter((value) => members[value] === undefined);
    const withMember = Object.entries(members).map(
      ([value, member]) => `readonly ${discriminator}: ${quote(value)};\n${chosen(node, all, member, at)}`,
    );
    if (alone.length === 0) return withMember;
    return [
      ...withMember,
      `readonly ${discriminator}: ${alone.map(quote).join(' | ')};\n${chosen(node, all, undefined, at)}`,
    ];
  }

  function chosen(node: SourceSchema, members: readonly string[], member: string | undefined, at: string): string {
    return members
      .map((name) => {
        const child = node.properties?.[name];
        if (child === undefined) throw new Error(`${at}: ${name} is not a property`);
        if (name !== member) return `readonly ${name}?: never;`;
        return `${comment(child)}readonly ${name}: ${typeOf(child, `${at}.${name}`)};`;
      })
      .join('\n');
  }

  return {
    addKind(source) {
      const spec = typeOf(source.spec, `${source.kind}.spec`);
      const status = typeOf(source.status, `${source.kind}.status`);
      kinds.push(
        `/** ${commentText(source.description)} */\nexport interface ${source.kind} {\nreadonly apiVersion: 'piste.dev/v1alpha1';\nreadonly kind: ${quote(source.kind)};\nreadonly metadata: ResourceMetadata;\nreadonly spec: ${spec};\n/** Written by the operator; never returned by the parser. */\nreadonly status?: ${status};\n}`,
      );
    },
    print: () => `${[...kinds, ...named.values()].join('\n\n')}\n`,
  };
}

function specialMembers(node: SourceSchema): readonly string[] {
  if (node.exactlyOne !== undefined) return node.exactlyOne;
  if (node.union === undefined) return [];
  return [node.union.discriminator, ...Object.values(node.union.members)];
}

function comment(node: SourceSchema): string {
  return node.description === undefined ? '' : `/** ${commentText(node.description)} */\n`;
}

function commentText(text: string): string {
  return text.replaceAll('*/', '* /');
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
