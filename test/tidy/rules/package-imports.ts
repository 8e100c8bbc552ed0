import { importsOf } from '../imports.ts';
import { isCode, isTest, type Rule } from '../source-file.ts';

/** Packages and modules that only some folders may import; a value import of them anywhere else is a fault. */
const HOMES: readonly (readonly [module: RegExp, home: RegExp])[] = [
  [/^(express|ws|pg|pg-.*|knex|ioredis|pino)(\/|$)/, /^platform\//],
  [
    /^node:(net|tls|http|https|http2|dgram|dns|child_process|cluster|worker_threads)(\/|$)/,
    /^platform\/|^media-repo\/src\/thumbnail/,
  ],
  [/^node:fs(\/|$)/, /^platform\/|^media-repo\/src\/blob-store\//],
  [/^sharp$/, /^media-repo\//],
  [/^yaml$/, /^platform\//],
  // No other folder may take modules under their old names, past these rules.
  [/^(fs|net|http|https|crypto|path|os|url|util|stream|zlib|events|buffer|child_process)$/, /^$/],
];

export const packageImports: Rule = {
  name: 'the outside world is imported in its own places only',
  check: (files) =>
    files
      .filter((file) => isCode(file) && !isTest(file) && file.path.includes('/'))
      .flatMap((file) =>
        importsOf(file).flatMap(({ specifier, line, isTypeOnly }) => {
          if (isTypeOnly && /\/migrations\//.test(file.path)) return [];
          const home = HOMES.find(([module]) => module.test(specifier))?.[1];
          return home === undefined || home.test(file.path) ? [] : [`${file.path}:${line} imports ${specifier}`];
        }),
      ),
  bad: [
    { 'homeserver/src/a.ts': "import express from 'express';" },
    { 'homeserver/src/a.ts': "import type { Pool } from 'pg';" },
    { 'federation/src/a.ts': "import { readFile } from 'node:fs/promises';" },
    { 'homeserver/src/a.ts': "import sharp from 'sharp';" },
    { 'platform/src/a.ts': "import { join } from 'path';" },
  ],
  good: {
    'platform/src/a.ts': "import pg from 'pg'; import { createServer } from 'node:http';",
    'media-repo/src/blob-store/file.ts': "import { open } from 'node:fs/promises';",
    'homeserver/migrations/1.ts': "import type { Knex } from 'knex';",
    'homeserver/src/a.ts': "import { createHash } from 'node:crypto'; import { join } from 'node:path';",
  },
};
