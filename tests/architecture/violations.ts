import { existsSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix } from 'node:path';
import {
  emptyNames,
  layers,
  MOST_LINES,
  nameOwners,
  outsideModules,
  packageOwners,
  rootFiles,
  transactionCall,
} from './layers.ts';
import { readSources, type Import, type SourceFile } from './source-tree.ts';

export interface Findings {
  /** Paths below `src/` that were read. */
  readonly files: readonly string[];
  readonly violations: readonly string[];
}

/** Holds the files below `<root>/src` against the rules of `layers.ts`. Each violation names its file. */
export function findViolations(root: string): Findings {
  const sources = readSources(root);
  const violations = sources.flatMap((file) => [
    ...placed(file),
    ...named(file),
    ...file.imports.flatMap((item) => imported(root, file, item)),
    ...spoken(file),
    ...(file.lines > MOST_LINES ? [`${file.path} has ${file.lines} lines; ${MOST_LINES} are allowed`] : []),
  ]);
  return { files: sources.map((file) => file.path), violations: [...violations, ...cycles(sources)] };
}

/** `root`, a name of the table, or null when nobody owns the file. */
function layerOf(path: string): string | null {
  if (!path.includes('/')) return rootFiles.includes(path) ? 'root' : null;
  return Object.keys(layers).find((layer) => path.startsWith(`${layer}/`)) ?? null;
}

function placed(file: SourceFile): string[] {
  return layerOf(file.path) === null ? [`${file.path} belongs to no layer`] : [];
}

function named(file: SourceFile): string[] {
  return file.path.split('/').flatMap((part) => {
    const name = part.replace(/\..*$/, '');
    if (emptyNames.includes(name)) return [`${file.path}: the name "${name}" says nothing`];
    return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) ? [] : [`${file.path}: "${name}" is not in kebab case`];
  });
}

function imported(root: string, file: SourceFile, item: Import): string[] {
  const { specifier } = item;
  if (specifier === null) return [`${file.path} imports a computed path, which no rule can judge`];
  if (specifier.startsWith('.')) return importedFile(root, file, specifier, item.isTypeOnly);
  if (specifier.startsWith('node:')) return importedBuiltin(file, specifier);
  return importedPackage(file, specifier, item.isTypeOnly);
}

function importedFile(root: string, file: SourceFile, specifier: string, isTypeOnly: boolean): string[] {
  const target = posix.normalize(posix.join(posix.dirname(file.path), specifier));
  if (target.startsWith('..')) return [`${file.path} imports ${specifier}, which is outside src`];
  if (!existsSync(join(root, 'src', target))) return [`${file.path} imports ${target}, which does not exist`];
  const from = layerOf(file.path);
  const to = layerOf(target);
  if (from === null || to === null || from === 'root' || from === to) return [];
  const share = to === 'root' ? undefined : layers[from]?.mayImport[to];
  if (share === undefined) return [`${file.path}: ${from} may not import ${target}`];
  if (share === 'ports' && !isTypeOnly && posix.basename(target) !== 'ports.ts') {
    return [`${file.path}: ${from} may import only types from ${target}`];
  }
  return [];
}

function importedBuiltin(file: SourceFile, specifier: string): string[] {
  const module = specifier.slice('node:'.length).split('/')[0] ?? '';
  const layer = layers[layerOf(file.path) ?? ''];
  if (module === 'process')
    return [`${file.path} imports ${specifier}; the rules watch the global process only`];
  if (layer === undefined || layer.mayReachOutside || !outsideModules.includes(module)) return [];
  return [`${file.path}: ${layerOf(file.path)} may not reach outside through ${specifier}`];
}

function importedPackage(file: SourceFile, specifier: string, isTypeOnly: boolean): string[] {
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  if (builtinModules.includes(name)) return [`${file.path} imports ${name} without its node: prefix`];
  const owners = packageOwners[name];
  if (owners === undefined) return [`${file.path} imports ${name}, which no layer owns`];
  return owns(owners, file, isTypeOnly)
    ? []
    : [`${file.path} imports ${name}, which ${owners.join(' and ')} own`];
}

/** Types of a package bind nobody at run time, so the composition root may name them. */
function owns(owners: readonly string[], file: SourceFile, isTypeOnly = false): boolean {
  const layer = layerOf(file.path);
  if (isTypeOnly && layer === 'root') return true;
  return owners.some((owner) => owner === file.path || owner === layer);
}

function spoken(file: SourceFile): string[] {
  const layer = layerOf(file.path);
  const found = new Set<string>();
  for (const member of file.members) {
    const name = member.split('.').slice(0, 2).join('.');
    if (name.startsWith('console.')) found.add(`${file.path} writes to the console`);
    const owners = nameOwners[name];
    if (owners !== undefined && !owns(owners, file)) found.add(`${file.path} uses ${name}`);
  }
  if (file.calls.includes('require')) found.add(`${file.path} calls require`);
  if (layer !== 'store') {
    const opened = file.calls.find((call) => transactionCall.test(call));
    if (opened !== undefined) found.add(`${file.path} opens a transaction with ${opened}`);
  }
  if (layers[layer ?? '']?.mayNamePlatforms === false) {
    const text = file.texts.find((words) => /discord|telegram/i.test(words));
    if (text !== undefined) found.add(`${file.path} names a platform: "${text}"`);
  }
  return [...found];
}

/** One violation for each group of files that import one another in a circle, types included. */
function cycles(sources: readonly SourceFile[]): string[] {
  const next = new Map(
    sources.map((file) => [
      file.path,
      file.imports.flatMap(({ specifier }) =>
        specifier?.startsWith('.') === true ? [posix.join(posix.dirname(file.path), specifier)] : [],
      ),
    ]),
  );
  const done = new Set<string>();
  const found: string[] = [];
  const follow = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) found.push(`${[...trail.slice(start), path].join(' → ')} is a circle`);
    if (start !== -1 || done.has(path)) return;
    for (const target of next.get(path) ?? []) follow(target, [...trail, path]);
    done.add(path);
  };
  for (const path of next.keys()) follow(path, []);
  return found;
}
