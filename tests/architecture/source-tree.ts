import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { parseAst } from 'vitest/node';

/** One source file, read into what the rules ask about. */
export interface SourceFile {
  /** Path below `src/`, with forward slashes. */
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly Import[];
  /** Texts of string and template literals that are not import specifiers. */
  readonly texts: readonly string[];
  /** Dotted names of member expressions, such as `process.env`; `*` stands for anything but a name. */
  readonly members: readonly string[];
  /** Names that are called: `*.begin` for `sql.begin()`, `require` for `require()`. */
  readonly calls: readonly string[];
}

export interface Import {
  /** What is written between the quotes; null when it is computed and can't be read here. */
  readonly specifier: string | null;
  readonly isTypeOnly: boolean;
}

/** Reads every file below `<root>/src`. Throws when one is not valid TypeScript or JavaScript. */
export function readSources(root: string): SourceFile[] {
  const src = join(root, 'src');
  return readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
    .map((file) => readSource(file, relative(src, file).split(sep).join('/')));
}

type Syntax = { readonly type: string; readonly [key: string]: unknown };

function readSource(file: string, path: string): SourceFile {
  const code = readFileSync(file, 'utf8');
  const found = {
    imports: [] as Import[],
    texts: [] as string[],
    members: [] as string[],
    calls: [] as string[],
  };
  if (/\.[cm]?[jt]sx?$/.test(path)) {
    const tree: unknown = parseAst(code, { lang: 'ts' });
    visit(tree, (node) => record(node, found));
  }
  return { path, lines: code.split('\n').length - 1, ...found };
}

/** Calls `enter` for each node; `enter` returns false where the inside is of no interest. */
function visit(value: unknown, enter: (node: Syntax) => boolean): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, enter);
  } else if (isSyntax(value) && enter(value)) {
    for (const child of Object.values(value)) visit(child, enter);
  }
}

function record(
  node: Syntax,
  found: { imports: Import[]; texts: string[]; members: string[]; calls: string[] },
): boolean {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
      if (!isSyntax(node['source'])) return true;
      found.imports.push({ specifier: textOf(node['source']), isTypeOnly: bringsOnlyTypes(node) });
      return false;
    case 'ImportExpression':
      found.imports.push({ specifier: textOf(node['source']), isTypeOnly: false });
      return false;
    case 'TSImportType':
      found.imports.push({ specifier: textOf(node['source']), isTypeOnly: true });
      return true;
    case 'CallExpression':
      found.calls.push(dotted(node['callee']));
      return true;
    case 'MemberExpression':
      found.members.push(dotted(node));
      return true;
    case 'Literal':
      if (typeof node['value'] === 'string') found.texts.push(node['value']);
      return true;
    case 'TemplateElement':
      found.texts.push(String((node['value'] as { raw: string }).raw));
      return true;
    default:
      return true;
  }
}

function bringsOnlyTypes(node: Syntax): boolean {
  if (node['importKind'] === 'type' || node['exportKind'] === 'type') return true;
  const names = node['specifiers'];
  if (!Array.isArray(names) || names.length === 0) return false;
  return names.every(
    (name: unknown) => isSyntax(name) && (name['importKind'] === 'type' || name['exportKind'] === 'type'),
  );
}

function dotted(value: unknown): string {
  if (!isSyntax(value)) return '*';
  if (value.type === 'Identifier') return String(value['name']);
  if (value.type !== 'MemberExpression') return '*';
  const property =
    value['computed'] === true ? (textOf(value['property']) ?? '*') : dotted(value['property']);
  return `${dotted(value['object'])}.${property}`;
}

function textOf(value: unknown): string | null {
  return isSyntax(value) && value.type === 'Literal' && typeof value['value'] === 'string'
    ? value['value']
    : null;
}

function isSyntax(value: unknown): value is Syntax {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
