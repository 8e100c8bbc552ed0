import { importsOf } from '../imports.ts';
import { isCode, type Rule } from '../source-file.ts';

/** Each group of files that reach each other, found by Tarjan's walk. */
function cyclesIn(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const cycles: string[][] = [];
  const visit = (path: string): void => {
    order.set(path, order.size);
    lowest.set(path, order.get(path) ?? 0);
    stack.push(path);
    onStack.add(path);
    for (const next of graph.get(path) ?? []) {
      if (!graph.has(next)) continue;
      if (!order.has(next)) visit(next);
      if (onStack.has(next)) lowest.set(path, Math.min(lowest.get(path) ?? 0, lowest.get(next) ?? 0));
    }
    if (lowest.get(path) !== order.get(path)) return;
    const group = stack.splice(stack.indexOf(path));
    for (const member of group) onStack.delete(member);
    if (group.length > 1 || graph.get(path)?.includes(path)) cycles.push(group.sort());
  };
  for (const path of graph.keys()) if (!order.has(path)) visit(path);
  return cycles;
}

export const noCycles: Rule = {
  name: 'no file reaches itself by imports, types included',
  check: (files) => {
    const graph = new Map(
      files.filter(isCode).map((file) => [file.path, importsOf(file).flatMap(({ target }) => target ?? [])] as const),
    );
    return cyclesIn(graph).map((cycle) => `${cycle.join(' <-> ')} import each other`);
  },
  bad: [
    { 'a/src/x.ts': "import './y.ts';", 'a/src/y.ts': "import type { X } from './x.ts';" },
    {
      'a/src/x.ts': "import '@carillon/b/y.ts';",
      'b/src/y.ts': "import './z.ts';",
      'b/src/z.ts': "import '@carillon/a/x.ts';",
    },
  ],
  good: { 'a/src/x.ts': "import './y.ts'; import './z.ts';", 'a/src/y.ts': "import './z.ts';", 'a/src/z.ts': '' },
};
