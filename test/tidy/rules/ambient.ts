import ts from 'typescript';
import { importsOf } from '../imports.ts';
import { isCode, isTest, lineOf, type Rule, type SourceFile, walk } from '../source-file.ts';

const MEMBERS = new Set([
  'Date.now',
  'performance.now',
  'performance.timeOrigin',
  'Math.random',
  'process.env',
  'process.hrtime',
  'process.uptime',
  'AbortSignal.timeout',
  'crypto.getRandomValues',
  'crypto.randomUUID',
  'crypto.randomBytes',
  'crypto.randomInt',
]);
const TIMERS = new Set(['setTimeout', 'setInterval']);
const FROM_CRYPTO = /^(random\w*|getRandomValues|webcrypto|\*)$/;
const TIMER_MODULES = /^(node:)?timers(\/promises)?$/;

/** Where ambient time, chance and environment are at home or do no harm. */
const isExempt = (file: SourceFile): boolean =>
  !isCode(file) || isTest(file) || /^(platform|web-client)\//.test(file.path) || !file.path.includes('/');

function usesOf(file: SourceFile): string[] {
  const faults: string[] = [];
  const fault = (node: ts.Node, what: string) =>
    faults.push(`${file.path}:${lineOf(file, node.getStart())} uses ${what}`);
  walk(file.tree, (node) => {
    if (ts.isPropertyAccessExpression(node)) {
      const text = `${node.expression.getText().replace(/^globalThis\./, '')}.${node.name.text}`;
      if (MEMBERS.has(text)) fault(node, text);
    } else if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length) {
      fault(node, 'new Date() without an argument');
    } else if (ts.isCallExpression(node)) {
      const callee = node.expression.getText().replace(/^globalThis\./, '');
      if (TIMERS.has(callee) || callee === 'Date') fault(node, `${callee}()`);
    }
  });
  return faults;
}

function importedFaults(file: SourceFile): string[] {
  return importsOf(file).flatMap(({ specifier, names, line, isTypeOnly }) => {
    const isCrypto = /^(node:)?crypto$/.test(specifier) && names.some((name) => FROM_CRYPTO.test(name));
    return !isTypeOnly && (isCrypto || TIMER_MODULES.test(specifier))
      ? [`${file.path}:${line} imports chance or timers from ${specifier}`]
      : [];
  });
}

export const ambient: Rule = {
  name: 'time, chance and the environment come as arguments outside the platform',
  check: (files) =>
    files.filter((file) => !isExempt(file)).flatMap((file) => [...usesOf(file), ...importedFaults(file)]),
  bad: [
    'Date.now();',
    'const d = new Date();',
    'Date();',
    'performance.now();',
    'Math.random();',
    'const e = process.env;',
    'setTimeout(() => {}, 5);',
    'globalThis.setInterval(() => {}, 5);',
    "import { randomBytes } from 'node:crypto';",
    "import * as crypto from 'node:crypto';",
    "import { setTimeout as wait } from 'node:timers/promises';",
    'AbortSignal.timeout(5);',
  ].map((text) => ({ 'homeserver/src/x.ts': text })),
  good: {
    'homeserver/src/x.ts':
      "import { createHash } from 'node:crypto';\nnew Date(5); clock.now(); clock.setTimeout(f, 5); random.bytes(3);",
    'homeserver/src/x.test.ts': 'Date.now(); Math.random();',
    'platform/src/clock.ts': 'Date.now(); setTimeout(f, 1);',
  },
};
