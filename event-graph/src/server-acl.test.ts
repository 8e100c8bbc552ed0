import { describe, expect, test } from 'vitest';
import { compileServerAcl } from './server-acl.ts';

const isAllowed = (content: Parameters<typeof compileServerAcl>[0], server: string) =>
  compileServerAcl(content).isAllowed(server);

describe('S35: server ACLs', () => {
  const acl = { allow: ['*'], deny: ['evil.example', '*.evil.example', '1.2.3.*', 'b?d.*.org', '[::1]'] };

  test.each([
    ['evil.example', false],
    ['EVIL.example', false],
    ['evil.example:8448', false],
    ['a.b.evil.example', false],
    ['notevil.example', true],
    ['evil.example.org', true],
    ['1.2.3.4', false],
    ['1.2.3.4:80', false],
    ['[::1]', false],
    ['[::1]:8448', false],
    ['[::2]', true],
    ['bad.x.org', false],
    ['bd.x.org', true],
  ])('%s', (server, allowed) => expect(isAllowed(acl, server)).toBe(allowed));

  test('characters of regular expressions and of URLs mean nothing', () => {
    expect(isAllowed({ allow: ['*'], deny: ['evil.+', '(evil|x).example', '[a-z].example'] }, 'evil.example')).toBe(
      true,
    );
  });

  test('IP literals, and only they, can be refused together', () => {
    const content = { allow: ['*'], allow_ip_literals: false };
    for (const server of ['1.2.3.4', '1.2.3.4:8448', '[::1]', '[2001:db8::1]:80'])
      expect(isAllowed(content, server)).toBe(false);
    for (const server of ['1.2.3', '10.0.0.256', 'example.org', '1.2.3.4.example'])
      expect(isAllowed(content, server)).toBe(true);
    for (const other of ['no', 0, null])
      expect(isAllowed({ allow: ['*'], allow_ip_literals: other }, '1.2.3.4')).toBe(true);
  });

  test('nothing is allowed without a rule that allows it, and wrong types count for nothing', () => {
    expect(isAllowed({}, 'example.org')).toBe(false);
    expect(isAllowed({ allow: 'example.org' }, 'example.org')).toBe(false);
    expect(isAllowed({ allow: [null, 7, ['*'], 'example.org'], deny: {} }, 'example.org')).toBe(true);
  });

  test('50,000 entries cost less than a millisecond a question, spread over many', () => {
    const deny = Array.from({ length: 50_000 }, (_, index) => (index % 2 ? `s${index}.example` : `s*${index}.ex?mple`));
    const compiled = compileServerAcl({ allow: ['*'], deny });
    const began = process.cpuUsage();
    for (let question = 0; question < 5000; question++) compiled.isAllowed(`server${question % 20}.org`);
    expect(process.cpuUsage(began).user / 1000 / 5000).toBeLessThan(1);
  });

  test('no pattern is slow', () => {
    const began = process.cpuUsage();
    const slow = { allow: [`${'*a'.repeat(120)}*b`, `${'?*'.repeat(120)}b`], deny: [] };
    expect(isAllowed(slow, `${'a'.repeat(250)}c`)).toBe(false);
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(200);
  });
});
