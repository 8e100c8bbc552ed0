import ts from 'typescript';
import { importsOf } from '../imports.ts';
import { isCode, isTest, type Rule, type SourceFile, walk } from '../source-file.ts';

/** Contracts that no route answers, on purpose. */
const UNHANDLED: ReadonlyMap<string, string> = new Map([]);

/** `const name = endpoint(…)`. */
function contractsIn(file: SourceFile): string[] {
  const names: string[] = [];
  walk(file.tree, (node) => {
    if (!ts.isVariableDeclaration(node) || node.initializer === undefined || !ts.isCallExpression(node.initializer))
      return;
    if (node.initializer.expression.getText() === 'endpoint') names.push(node.name.getText());
  });
  return names;
}

function handledIn(file: SourceFile): string[] {
  const names = new Map<string, string>();
  const namespaces = new Map<string, string>();
  for (const { target, names: imported } of importsOf(file)) {
    for (const name of imported) if (target !== null) names.set(name, `${target}#${name}`);
  }
  for (const { target, namespace } of importsOf(file)) {
    if (target !== null && namespace !== null) namespaces.set(namespace, target);
  }
  const handled: string[] = [];
  walk(file.tree, (node) => {
    if (!ts.isCallExpression(node) || node.expression.getText() !== 'handle') return;
    const contract = node.arguments[0]?.getText() ?? '';
    const [namespace = '', member] = contract.split('.');
    if (member !== undefined) handled.push(`${namespaces.get(namespace)}#${member}`);
    else handled.push(names.get(renamed(file, contract)) ?? contract);
  });
  return handled;
}

/** `import { a as b }`: `handle(b)` handles a. */
function renamed(file: SourceFile, local: string): string {
  return new RegExp(`[{,]\\s*(\\w+) as ${local}\\b`).exec(file.text)?.[1] ?? local;
}

export const contractsHandled: Rule = {
  name: 'every client contract has a route, or is listed as unhandled with the reason',
  check: (files) => {
    const handled = new Set(
      files.filter((file) => isCode(file) && file.path.endsWith('.routes.ts')).flatMap(handledIn),
    );
    return files
      .filter((file) => file.path.startsWith('protocol/src/client/') && !isTest(file))
      .flatMap((file) =>
        contractsIn(file)
          .map((name) => `${file.path}#${name}`)
          .filter((contract) => !handled.has(contract) && !UNHANDLED.has(contract))
          .map((contract) => `${contract} has no route`),
      );
  },
  bad: [
    { 'protocol/src/client/a.ts': 'export const sendIt = endpoint({});' },
    {
      'protocol/src/client/a.ts': 'export const sendIt = endpoint({});',
      'homeserver/src/x.routes.ts': "import { sendIt } from '@carillon/protocol/client/b.ts'; handle(sendIt, f);",
    },
  ],
  good: {
    'protocol/src/client/a.ts':
      'export const sendIt = endpoint({}); const size = 5; export const getIt = endpoint({});',
    'protocol/src/client/b.ts': 'export const putIt = endpoint({});',
    'homeserver/src/y.routes.ts': "import * as b from '@carillon/protocol/client/b.ts'; handle(b.putIt, f);",
    'homeserver/src/x.routes.ts':
      "import { sendIt, getIt as read } from '@carillon/protocol/client/a.ts'; [handle(sendIt, f), handle(read, f)];",
  },
};
