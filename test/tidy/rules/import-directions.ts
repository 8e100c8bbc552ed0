import { importsOf } from '../imports.ts';
import { isCode, isTest, type Rule, type SourceFile } from '../source-file.ts';

/** What the sources of each package may import; their tests may import the platform's test tools, too. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  'event-graph': ['protocol'],
  platform: ['protocol'],
  federation: ['protocol', 'event-graph', 'platform'],
  homeserver: ['protocol', 'event-graph', 'platform', 'federation'],
  'media-repo': ['protocol', 'platform', 'federation'],
  'web-client': ['protocol'],
  'load-tests': ['protocol', 'event-graph', 'platform', 'homeserver'],
};

/** Inside the homeserver a feature imports features before it. Files beside the features put them together. */
const FEATURES = [
  'streams',
  'accounts',
  'rooms',
  'devices',
  'ephemeral',
  'push',
  'search',
  'sync',
  'appservice',
  'admin',
];

const packageOf = (path: string): string => path.split('/')[0] ?? '';
const featureOf = (path: string): string | undefined => /^homeserver\/src\/([a-z-]+)\//.exec(path)?.[1];

function faultOf(file: SourceFile, target: string): string | null {
  const [from, to] = [packageOf(file.path), packageOf(target)];
  const allowed = PACKAGES[from];
  if (allowed === undefined) return null;
  if (target.includes('/testing/') && !isTest(file)) return 'only tests use what is made for tests';
  if (from !== to) {
    if (allowed.includes(to) || (isTest(file) && target.startsWith('platform/src/'))) return null;
    return `${from} may import ${allowed.join(', ') || 'no other package'}`;
  }
  const [feature, other] = [featureOf(file.path), featureOf(target)];
  if (feature === undefined || feature === other || isTest(file)) return null;
  if (other === undefined) return 'features get what they need from the files that build them';
  return FEATURES.indexOf(other) < FEATURES.indexOf(feature) ? null : `${feature} comes before ${other}`;
}

export const importDirections: Rule = {
  name: 'imports go one way, between packages and between features',
  check: (files) =>
    files
      .filter((file) => isCode(file) && !file.path.startsWith('test/'))
      .flatMap((file) =>
        importsOf(file).flatMap(({ target, specifier, line }) => {
          if (target === null) return [];
          if (
            specifier.startsWith('.') &&
            packageOf(target) !== packageOf(file.path) &&
            packageOf(file.path) in PACKAGES
          ) {
            return [`${file.path}:${line} reaches into another package by a relative path`];
          }
          const fault = faultOf(file, target);
          return fault === null ? [] : [`${file.path}:${line} imports ${specifier}: ${fault}`];
        }),
      ),
  bad: [
    { 'protocol/src/a.ts': "import { b } from '@carillon/platform/b.ts';" },
    { 'platform/src/a.ts': "import type { b } from '@carillon/homeserver/b.ts';" },
    { 'homeserver/src/rooms/a.ts': "export { b } from '../sync/b.ts';" },
    { 'homeserver/src/rooms/a.ts': "import { b } from '../homeserver.ts';" },
    { 'homeserver/src/rooms/a.ts': "import { b } from '@carillon/platform/testing/virtual-clock.ts';" },
    { 'homeserver/src/rooms/a.ts': "import { b } from '../../../platform/src/clock.ts';" },
    { 'protocol/src/a.ts': "const b = await import('@carillon/event-graph/b.ts');" },
  ],
  good: {
    'homeserver/src/sync/a.ts': "import { b } from '../rooms/b.ts';\nimport { c } from '@carillon/platform/clock.ts';",
    'homeserver/src/homeserver.ts': "import { b } from './admin/b.ts';",
    'event-graph/src/a.test.ts': "import { b } from '@carillon/platform/testing/seeded-random.ts';",
  },
};
