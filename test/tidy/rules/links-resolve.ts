import { posix } from 'node:path';
import type { Rule, SourceFile } from '../source-file.ts';

/** Inline links and images outside code. */
function linksIn({ text }: SourceFile): { target: string; line: number }[] {
  const withoutCode = text
    .replace(/^(```|~~~)[\s\S]*?^\1/gm, (block) => block.replace(/[^\n]/g, ' '))
    .replace(/`[^`\n]*`/g, (code) => ' '.repeat(code.length));
  return [...withoutCode.matchAll(/\]\(\s*<?([^)>\s]+)>?[^)]*\)/g)].map((match) => ({
    target: match[1] ?? '',
    line: withoutCode.slice(0, match.index).split('\n').length,
  }));
}

/** A heading's anchor as the usual renderers make it. */
const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');

function anchorsOf(text: string): Set<string> {
  return new Set([...text.matchAll(/^#{1,6}\s+(.+)$/gm)].map((match) => anchorOf(match[1] ?? '')));
}

export const linksResolve: Rule = {
  name: 'links between documents lead somewhere',
  check: (files, exists) => {
    const texts = new Map(files.map(({ path, text }) => [path, text]));
    return files
      .filter(({ path }) => path.endsWith('.md'))
      .flatMap((file) =>
        linksIn(file).flatMap(({ target, line }) => {
          if (/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(target)) return [];
          const [path = '', anchor] = target.split('#');
          const full = path === '' ? file.path : posix.join(posix.dirname(file.path), decodeURI(path));
          const text = texts.get(full);
          if (text === undefined && !exists(full))
            return [`${file.path}:${line} links to ${target}, which is not there`];
          const misses =
            anchor !== undefined && text !== undefined && full.endsWith('.md') && !anchorsOf(text).has(anchor);
          return misses ? [`${file.path}:${line} links to ${target}, which has no such heading`] : [];
        }),
      );
  },
  bad: [
    { 'README.md': 'See [here](docs/missing.md).' },
    { 'docs/a.md': '[b](b.md#no-such)', 'docs/b.md': '# Yes' },
    { 'docs/a.md': '[up](#nothing)' },
  ],
  good: {
    'README.md': '[a](docs/a.md#the-part-b) [w](https://example.org/x) `[c](gone.md)`\n```\n[d](gone.md)\n```\n',
    'docs/a.md': '# A\n## The part: B\n[up](../README.md)',
  },
};
