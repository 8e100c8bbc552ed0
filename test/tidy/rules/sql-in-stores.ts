import ts from 'typescript';
import { isCode, isTest, lineOf, type Rule, type SourceFile, walk } from '../source-file.ts';

const mayHoldSql = (file: SourceFile): boolean =>
  isTest(file) || /\.store\.ts$/.test(file.path) || /^platform\/src\/database\/|\/migrations\//.test(file.path);

const STATEMENT =
  /^\s*(select\s.+\sfrom\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|(create|drop|alter)\s+table\s)/is;

function statementsIn(file: SourceFile): string[] {
  const faults: string[] = [];
  walk(file.tree, (node) => {
    const line = () => lineOf(file, node.getStart());
    if (ts.isTaggedTemplateExpression(node) && node.tag.getText() === 'sql')
      faults.push(`${file.path}:${line()} uses the sql tag`);
    else if (
      (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) &&
      STATEMENT.test(node.getText().slice(1))
    ) {
      faults.push(`${file.path}:${line()} holds SQL`);
    }
  });
  return faults;
}

export const sqlInStores: Rule = {
  name: 'SQL stands in *.store.ts and migrations only',
  check: (files) => files.filter((file) => isCode(file) && !mayHoldSql(file)).flatMap(statementsIn),
  bad: [
    { 'homeserver/src/rooms/x.ts': 'const s = sql`select 1`;' },
    { 'homeserver/src/rooms/x.routes.ts': "db.raw('select a from b where c = 1');" },
    { 'homeserver/src/rooms/x.ts': 'db.raw(`delete from room where id = ${id}`);' },
  ],
  good: {
    'homeserver/src/rooms/x.store.ts': 'const s = sql`select 1`;',
    'homeserver/migrations/1.ts': "knex.raw('create table x (a int)');",
    'homeserver/src/rooms/x.ts': "throw new Error('select one of them');",
  },
};
