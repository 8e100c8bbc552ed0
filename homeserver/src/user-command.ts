// `npm run user -- add NAME [--admin]`: makes an account on the running server of this configuration.

import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { loadOperatorSecret } from '@carillon/platform/key-file.ts';
import { systemRandom } from '@carillon/platform/random.ts';
import { faultText } from '@carillon/platform/supervisor/start-fault.ts';
import { isJsonObject } from '@carillon/protocol/json.ts';
import { operatorAddUser } from '@carillon/protocol/operator.ts';
import { loadConfig } from './config.ts';

const USAGE = `Usage: npm run user -- add NAME [--admin] [--generate-password]

Makes an account on the server that runs with this configuration. Asks for the password,
or reads it as a line from standard input; --generate-password makes one and prints it.
`;
const GENERATED_PASSWORD_BYTES = 15;

async function readPassword(): Promise<string> {
  const lines = createInterface({ input: process.stdin, ...(process.stdin.isTTY && { output: process.stderr }) });
  const password = process.stdin.isTTY
    ? await lines.question('Password (it shows as you type): ')
    : ((await lines[Symbol.asyncIterator]().next()).value ?? '');
  lines.close();
  return password;
}

async function addUser(username: string, flags: { admin: boolean; generate: boolean }): Promise<number> {
  const { config } = loadConfig({ argv: [] });
  const secret = loadOperatorSecret(config.server.data_dir, systemRandom);
  const password = flags.generate ? systemRandom.token(GENERATED_PASSWORD_BYTES) : await readPassword();
  const url = `http://${config.listen.client}${operatorAddUser.path}`;
  const response = await fetch(url, {
    method: operatorAddUser.method,
    body: JSON.stringify({ secret, username, password, admin: flags.admin }),
  }).catch(() => null);
  if (response === null) {
    process.stderr.write(`No server answers at ${config.listen.client} (listen.client). Is it running?\n`);
    return 1;
  }
  const body: unknown = await response.json();
  if (!response.ok || !isJsonObject(body)) {
    process.stderr.write(`${isJsonObject(body) ? String(body['error']) : `The server answered ${response.status}`}\n`);
    return 1;
  }
  process.stdout.write(`${String(body['user_id'])}\n${flags.generate ? `password: ${password}\n` : ''}`);
  return 0;
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { admin: { type: 'boolean', default: false }, 'generate-password': { type: 'boolean', default: false } },
  });
  const [command, username, ...rest] = positionals;
  if (command !== 'add' || username === undefined || rest.length > 0) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
  } else {
    process.exitCode = await addUser(username, { admin: values.admin, generate: values['generate-password'] });
  }
} catch (error) {
  const text = faultText(error);
  process.stderr.write(text ?? `${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = text === undefined ? 2 : 1;
}
