import ts from 'typescript';
import { isCode, isTest, lineOf, type Rule, type SourceFile, walk } from '../source-file.ts';

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 70;

function longFunctions(file: SourceFile): string[] {
  const faults: string[] = [];
  walk(file.tree, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return;
    const first = lineOf(file, node.getStart());
    const lines = lineOf(file, node.getEnd()) - first + 1;
    if (lines > MAX_FUNCTION_LINES) faults.push(`${file.path}:${first} has a function of ${lines} lines`);
  });
  return faults;
}

export const sizes: Rule = {
  name: `files have at most ${MAX_FILE_LINES} lines, functions (outside tests) ${MAX_FUNCTION_LINES}`,
  check: (files) =>
    files.filter(isCode).flatMap((file) => {
      const lines = file.text.trimEnd().split('\n').length;
      return [
        ...(lines > MAX_FILE_LINES ? [`${file.path} has ${lines} lines`] : []),
        ...(isTest(file) ? [] : longFunctions(file)),
      ];
    }),
  bad: [
    { 'a/src/x.ts': 'x;\n'.repeat(MAX_FILE_LINES + 1) },
    { 'a/src/x.test.ts': 'x;\n'.repeat(MAX_FILE_LINES + 1) },
    { 'a/src/x.ts': `export const f = () => {\n${'x;\n'.repeat(MAX_FUNCTION_LINES)}};` },
    { 'a/src/x.ts': `class A { m() {\n${'x;\n'.repeat(MAX_FUNCTION_LINES)}} }` },
  ],
  good: {
    'a/src/x.ts': 'x;\n'.repeat(MAX_FILE_LINES),
    'a/src/x.test.ts': `it('', () => {\n${'x;\n'.repeat(100)}});`,
    'docs/x.md': 'x\n'.repeat(1000),
  },
};
