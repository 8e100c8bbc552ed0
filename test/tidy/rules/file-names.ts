import { isCode, type Rule } from '../source-file.ts';

const BANNED = new Set([
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'service',
  'services',
  'manager',
  'misc',
  'index',
]);
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;

function faultOf(path: string): string | null {
  const parts = path.split('/');
  const base = (parts.at(-1) ?? '').replace(/\.(d\.)?(ts|mjs)$/, '');
  const words = [...parts.slice(0, -1), ...base.split(/[.-]/)];
  // SvelteKit gives its files their names.
  if (path.startsWith('web-client/')) return null;
  if (!KEBAB.test(base)) return 'is not in kebab-case';
  // Declarations of a package are called as its module is.
  const banned = path.endsWith('.d.ts') ? undefined : words.find((word) => BANNED.has(word));
  return banned === undefined ? null : `is called ${banned}, which says nothing`;
}

export const fileNames: Rule = {
  name: 'files are named in kebab-case for what they hold',
  check: (files) =>
    files.filter(isCode).flatMap(({ path }) => {
      const fault = faultOf(path);
      return fault === null ? [] : [`${path} ${fault}`];
    }),
  bad: [
    { 'a/src/utils.ts': '' },
    { 'a/src/room-service.ts': '' },
    { 'a/src/SendEvent.ts': '' },
    { 'a/src/common/x.ts': '' },
  ],
  good: { 'a/src/send-event.ts': '', 'a/src/room.store.ts': '', 'a/migrations/001-first.ts': '' },
};
