import type { Rule, SourceFile } from '../source-file.ts';

const CREATES = /create\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?["'`]?(\w+)|createTable\(\s*["'`](\w+)/gi;
/** Comments and the start of the statement stand between a table's name and its line `owner:`. */
const LINES_ABOVE = 6;

function faultsIn(file: SourceFile): string[] {
  return [...file.text.matchAll(CREATES)].flatMap((match) => {
    const before = file.text.slice(0, match.index).split('\n');
    const comments = commentsAbove(before.slice(-LINES_ABOVE - 1, -1), before.at(-1) ?? '');
    const missing = ['owner', 'dies'].filter((word) => !new RegExp(`(//|--|\\*)\\s*${word}: \\S`).test(comments));
    if (missing.length === 0) return [];
    return [
      `${file.path}:${before.length} makes table ${match[1] ?? match[2]} without a line ${missing.join(': and ')}:`,
    ];
  });
}

/** The block of comment lines right above, seen past the line on which the statement starts. */
function commentsAbove(lines: readonly string[], sameLine: string): string {
  const block: string[] = [sameLine];
  for (const line of lines.toReversed()) {
    const isComment = /^\s*(\/\/|--|\*|\/\*)/.test(line);
    const opensStatement = /^\s*(await\s+)?[\w.]*(\(|`|'|"|\[)*\s*[`'"]?\s*$/.test(line) && block.length === 1;
    if (!isComment && !opensStatement) break;
    if (isComment) block.push(line);
  }
  return block.join('\n');
}

export const tableOwners: Rule = {
  name: 'every table says above it whose its rows are and how they die',
  check: (files) => files.filter(({ path }) => /\/migrations\/.*\.ts$/.test(path)).flatMap(faultsIn),
  bad: [
    { 'homeserver/migrations/1.ts': 'await knex.raw(`\n  create table room (id text)`);' },
    { 'homeserver/migrations/1.ts': '// owner: the room\nawait knex.raw(`create table room (id text)`);' },
    {
      'homeserver/migrations/1.ts':
        "// owner: a\n// dies: b\nawait f('create table a (x int)');\nawait f('create table b (x int)');",
    },
    { 'homeserver/migrations/1.ts': "await knex.schema.createTable('room', () => {});" },
  ],
  good: {
    'homeserver/migrations/1.ts': [
      '// owner: the room\n// dies: with its room\nawait knex.raw(`\n  create table room (id text)`);',
      "// owner: the user\n// dies: by time\nawait knex.schema.createTable('x', () => {});",
      'const tables = [\n  // owner: a\n  // dies: b\n  `create table y (z int)`,\n];',
    ].join('\n'),
  },
};
