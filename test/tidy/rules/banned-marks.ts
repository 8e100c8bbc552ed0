import ts from 'typescript';
import { isCode, lineOf, type Rule, type SourceFile, walk } from '../source-file.ts';

/** Spelled so that this file does not hold them itself. */
const MARKS = [
  'TO\u0044O',
  'FIX\u004DE',
  'HA\u0043K',
  'X\u0058X',
  '@ts-\u0069gnore',
  '@ts-\u006Eocheck',
  'not \u0069mplemented',
];
const PATTERNS = MARKS.map(
  (mark) => [mark, new RegExp(`(?<![\\w-])${mark}(?![\\w-])`, mark === mark.toUpperCase() ? '' : 'i')] as const,
);

function castsIn(file: SourceFile): string[] {
  const faults: string[] = [];
  walk(file.tree, (node) => {
    if (!ts.isAsExpression(node) || node.type.kind !== ts.SyntaxKind.AnyKeyword) return;
    faults.push(`${file.path}:${lineOf(file, node.getStart())} casts to any`);
  });
  return faults;
}

function marksIn(file: SourceFile): string[] {
  return file.text
    .split('\n')
    .flatMap((line, index) =>
      PATTERNS.filter(([, pattern]) => pattern.test(line)).map(
        ([mark]) => `${file.path}:${index + 1} has the mark ${mark}`,
      ),
    );
}

export const bannedMarks: Rule = {
  name: 'nothing is left for later, and the type checker is not overruled',
  check: (files) => files.filter(isCode).flatMap((file) => [...marksIn(file), ...castsIn(file)]),
  bad: [
    ...MARKS.map((mark) => ({ 'a/src/x.ts': `const a = 5; // ${mark} b` })),
    { 'a/src/x.ts': 'const a = 5 as any;' },
  ],
  good: { 'a/src/x.ts': 'const has_any = (b: unknown) => b; // a toDo list, as any other, hacker' },
};
