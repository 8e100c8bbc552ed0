// What a file imports, re-exports included, and which file that is.
import { posix } from 'node:path';
import ts from 'typescript';
import { lineOf, type SourceFile, walk } from './source-file.ts';

export interface Import {
  readonly specifier: string;
  /** The file from the root, for one of ours; null for a package or a node module. */
  readonly target: string | null;
  readonly line: number;
  readonly isTypeOnly: boolean;
  /** Names as exported there; `*` for all. */
  readonly names: readonly string[];
  /** The name that stands for all of it, if it is imported so. */
  readonly namespace: string | null;
}

const cache = new WeakMap<SourceFile, Import[]>();

/** Static and dynamic imports and re-exports. */
export function importsOf(file: SourceFile): Import[] {
  let found = cache.get(file);
  if (found === undefined) {
    found = collect(file);
    cache.set(file, found);
  }
  return found;
}

function collect(file: SourceFile): Import[] {
  const found: Import[] = [];
  const add = (
    node: ts.Node,
    literal: ts.Node | undefined,
    isTypeOnly: boolean,
    names: readonly string[],
    namespace: string | null = null,
  ) => {
    if (literal === undefined || !ts.isStringLiteral(literal)) return;
    const specifier = literal.text;
    found.push({
      specifier,
      target: targetOf(file.path, specifier),
      line: lineOf(file, node.getStart()),
      isTypeOnly,
      names,
      namespace,
    });
  };
  walk(file.tree, (node) => {
    if (ts.isImportDeclaration(node))
      add(node, node.moduleSpecifier, isTypeImport(node), importedNames(node), namespaceOf(node));
    else if (ts.isExportDeclaration(node)) add(node, node.moduleSpecifier, node.isTypeOnly, ['*']);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node, node.arguments[0], false, ['*']);
    }
  });
  return found;
}

function isTypeImport({ importClause: clause }: ts.ImportDeclaration): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const bindings = clause.namedBindings;
  if (clause.name !== undefined || bindings === undefined || !ts.isNamedImports(bindings)) return false;
  return bindings.elements.length > 0 && bindings.elements.every((element) => element.isTypeOnly);
}

function namespaceOf({ importClause: clause }: ts.ImportDeclaration): string | null {
  const bindings = clause?.namedBindings;
  return bindings !== undefined && ts.isNamespaceImport(bindings) ? bindings.name.text : null;
}

function importedNames({ importClause: clause }: ts.ImportDeclaration): string[] {
  const bindings = clause?.namedBindings;
  if (bindings === undefined || !ts.isNamedImports(bindings)) return ['*'];
  return bindings.elements
    .filter((element) => !element.isTypeOnly)
    .map((element) => (element.propertyName ?? element.name).text);
}

function targetOf(from: string, specifier: string): string | null {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier);
  const [, name, rest] = /^@carillon\/([a-z-]+)\/(.+)$/.exec(specifier) ?? [];
  return name === undefined ? null : `${name}/src/${rest}`;
}
