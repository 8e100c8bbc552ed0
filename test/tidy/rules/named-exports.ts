import ts from 'typescript';
import { isCode, lineOf, type Rule, walk } from '../source-file.ts';

/** Tools that read a default export. */
const CONFIG_FILE = /(^|\/)(knexfile|[\w.-]+\.config)\.(ts|mjs)$/;

export const namedExports: Rule = {
  name: 'exports have names, except in the tools’ configuration files',
  check: (files) =>
    files
      .filter((file) => isCode(file) && !CONFIG_FILE.test(file.path))
      .flatMap((file) => {
        const faults: string[] = [];
        walk(file.tree, (node) => {
          const isDefault =
            ts.isExportAssignment(node) ||
            (ts.canHaveModifiers(node) &&
              ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword));
          if (isDefault) faults.push(`${file.path}:${lineOf(file, node.getStart())} has a default export`);
        });
        return faults;
      }),
  bad: [{ 'a/src/x.ts': 'export default 5;' }, { 'a/src/x.ts': 'export default function f() {}' }],
  good: {
    'a/src/x.ts': 'export const a = 5;',
    'knexfile.ts': 'export default {};',
    'vitest.config.ts': 'export default {};',
  },
};
