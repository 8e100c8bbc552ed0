import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { sections } from '@carillon/homeserver/config-sections.ts';
import { rateRules } from '@carillon/homeserver/config-slices.ts';
import { readConfig } from '@carillon/platform/config.ts';
import { expect, it } from 'vitest';
import { ROOT } from './source-file.ts';

it('every rate limit that a contract names is configured', async () => {
  const { config } = readConfig(sections, { file: null, environment: {}, folder: '/', home: '/', readFile: () => '' });
  const configured = Object.keys(rateRules(config.limits));
  const folder = join(ROOT, 'protocol/src/client');
  const named = new Set<string>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))) {
    const module = (await import(join(folder, file))) as Record<string, { rateLimit?: string } | undefined>;
    for (const value of Object.values(module)) if (value?.rateLimit !== undefined) named.add(value.rateLimit);
  }
  expect([...named].filter((name) => !configured.includes(name))).toEqual([]);
});
