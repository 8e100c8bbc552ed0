import { importsOf } from '../imports.ts';
import { isCode, isTest, type Rule } from '../source-file.ts';

export const routesOnly: Rule = {
  name: 'only *.routes.ts binds contracts to handlers',
  check: (files) =>
    files
      .filter((file) => isCode(file) && !isTest(file) && !/\.routes\.ts$|^platform\//.test(file.path))
      .flatMap((file) =>
        importsOf(file).flatMap(({ target, names, isTypeOnly, line }) =>
          !isTypeOnly && target === 'platform/src/http/handle.ts' && names.includes('handle')
            ? [`${file.path}:${line} uses handle()`]
            : [],
        ),
      ),
  bad: [{ 'homeserver/src/a/b.ts': "import { handle } from '@carillon/platform/http/handle.ts';" }],
  good: {
    'homeserver/src/a/b.routes.ts': "import { handle } from '@carillon/platform/http/handle.ts';",
    'homeserver/src/a/b.ts': "import { EncodedJson, type Handler } from '@carillon/platform/http/handle.ts';",
  },
};
