// S55: what the tests' people know that nobody else may read, and everything that the tests' servers wrote or showed to
// others. Both are kept in a folder for the search at the end of the run (secret-search.ts).
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { env, pid } from 'node:process';

/** Set by the search for all test processes; absent where tests are run without it. */
export const SECRET_FOLDER_VARIABLE = 'CARILLON_TEST_SECRETS';
/** Anything shorter is in every log by chance. */
const MIN_SECRET_LENGTH = 8;

/** Errors repeat. */
const MAX_REMEMBERED_LENGTH = 500;

const known = new Set<string>();
const handedIn = new Set<string>();
let logs = 0;

/** Remembers a token or password that a test uses: from now on it may stand in no log. */
export function rememberSecret(secret: unknown): void {
  const folder = env[SECRET_FOLDER_VARIABLE];
  if (folder === undefined || typeof secret !== 'string' || secret.length < MIN_SECRET_LENGTH || known.has(secret))
    return;
  known.add(secret);
  appendFileSync(join(folder, `secrets-${pid}`), `${JSON.stringify(secret)}\n`);
}

/** Hands in what a server wrote. `source` says in the report where it is from. */
export function handInLog(source: string, text: string): void {
  const folder = env[SECRET_FOLDER_VARIABLE];
  if (folder === undefined || text === '' || handedIn.has(text)) return;
  if (text.length <= MAX_REMEMBERED_LENGTH) handedIn.add(text);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `log-${pid}-${logs++}`), `${source.replaceAll('\n', ' ')}\n${text}`);
}

const SECRET_FIELDS = new Set(['access_token', 'refresh_token', 'login_token', 'password', 'new_password', 'token']);

/** Remembers what a request or an answer holds under the names of secrets. */
export function rememberSecretsIn(body: unknown, depth = 0): void {
  if (typeof body !== 'object' || body === null || depth > 4) return;
  for (const [name, value] of Object.entries(body)) {
    if (SECRET_FIELDS.has(name)) rememberSecret(value);
    else rememberSecretsIn(value, depth + 1);
  }
}
