// S55, over the whole integration run: no token and no password that a test used stands in what any server wrote, in its
// metrics, or in an answer with an error. Runs once, after the last test; a find fails the run.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { findSecrets } from './find-secrets.ts';
import { SECRET_FOLDER_VARIABLE } from './secret-register.ts';

/** vitest calls it before the first test. */
export function setup(): void {
  env[SECRET_FOLDER_VARIABLE] = mkdtempSync(join(tmpdir(), 'carillon-secrets-'));
}

/** vitest calls it after the last test. */
export function teardown(): void {
  const folder = env[SECRET_FOLDER_VARIABLE];
  if (folder === undefined) return;
  try {
    search(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function search(folder: string): void {
  const files = readdirSync(folder);
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const secrets = new Set(
    files
      .filter((name) => name.startsWith('secrets-'))
      .flatMap((name) =>
        read(name)
          .trim()
          .split('\n')
          .map((line) => String(JSON.parse(line))),
      ),
  );
  const logs = files.filter((name) => name.startsWith('log-'));
  let characters = 0;
  const complaints: string[] = [];
  for (const name of logs) {
    const text = read(name);
    characters += text.length;
    const [source = ''] = text.split('\n', 1);
    for (const { secret, context } of findSecrets(text.slice(source.length), secrets)) {
      complaints.push(`${source}: ${JSON.stringify(secret)} in …${context}…`);
    }
  }
  console.log(
    `S55: looked for ${secrets.size} tokens and passwords in ${logs.length} logs of ${Math.ceil(characters / 1024)} kB`,
  );
  if (complaints.length > 0) throw new Error(`secrets in the logs:\n${complaints.join('\n')}`);
}
