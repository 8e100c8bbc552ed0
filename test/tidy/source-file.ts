// The repository's sources as the rules see them: path, text, syntax tree.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

export interface SourceFile {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

export interface Rule {
  /** What holds, as a sentence. */
  readonly name: string;
  /** What is wrong, one line each. `exists` says whether a path from the root is there. */
  check(files: readonly SourceFile[], exists: (path: string) => boolean): string[];
  /** Small repositories (path to text) that the rule must refuse, and one that it must accept: so that it is known to work. */
  readonly bad: readonly Readonly<Record<string, string>>[];
  readonly good: Readonly<Record<string, string>>;
}

export const ROOT = join(import.meta.dirname, '..', '..');

const SKIPPED = new Set(['node_modules', '.git', 'data', '.cache', 'coverage', '.svelte-kit', 'build', 'dist']);
const READ = /\.(ts|mjs|md)$/;

export function sourceFile(path: string, text: string): SourceFile {
  let tree: ts.SourceFile | undefined;
  return {
    path,
    text,
    get tree() {
      tree ??= ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
      return tree;
    },
  };
}

/** A repository from a fixture. */
export const fixture = (files: Readonly<Record<string, string>>): SourceFile[] =>
  Object.entries(files).map(([path, text]) => sourceFile(path, text));

/** Every source and document of the checkout. */
export function readRepository(folder = ''): SourceFile[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : readRepository(path);
    return READ.test(entry.name) ? [sourceFile(path, readFileSync(join(ROOT, path), 'utf8'))] : [];
  });
}

export const existsInRepository = (path: string): boolean => existsSync(join(ROOT, path));

export const isCode = ({ path }: SourceFile): boolean => /\.(ts|mjs)$/.test(path);
export const isTest = ({ path }: SourceFile): boolean =>
  /\.test\.ts$|(^|\/)testing\//.test(path) || path.startsWith('test/') || path.startsWith('load-tests/');

export const lineOf = (file: SourceFile, position: number): number =>
  file.tree.getLineAndCharacterOfPosition(position).line + 1;

/** Calls `visit` for every node, parents first. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}
