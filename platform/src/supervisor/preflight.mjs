// Makes sure that Node 24 runs what follows: `node preflight.mjs <file.ts> [arguments]`. Plain JavaScript for any Node from 18 on.
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import * as module from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NEEDED_MAJOR = 24;
const repository = fileURLToPath(new URL('../../..', import.meta.url));
const [entry = '', ...rest] = process.argv.slice(2);
const file = resolve(repository, entry);

if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) {
  if (existsSync(join(repository, 'node_modules', 'pg'))) {
    keepCompiledCode();
    process.argv = [process.argv[0], file, ...rest];
    await import(pathToFileURL(file).href);
  } else {
    refuse('The packages this server needs are not installed. Run "npm ci" in its folder, then start again.');
  }
} else {
  const node = bundledNode();
  if (node) startWith(node);
  else {
    refuse(
      `This is Node ${process.versions.node}, and the server needs Node ${NEEDED_MAJOR}. "npm ci" brings it along` +
        ' (for Linux and Windows, unless run with --omit=optional); otherwise install it from your system or nodejs.org.',
    );
  }
}

/** Starts are faster and lighter with code that an earlier one has compiled; where its folder cannot be made, without. */
function keepCompiledCode() {
  if (process.env.NODE_COMPILE_CACHE !== undefined) return;
  const folder = join(repository, 'node_modules', '.cache', 'carillon');
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch {
    return;
  }
  process.env.NODE_COMPILE_CACHE = folder;
  module.enableCompileCache(folder);
}

/** Node as npm installed it beside us, if it did. */
function bundledNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const path = join(repository, 'node_modules', `node-${platform}-${process.arch}`, 'bin', name);
  return existsSync(path) ? path : undefined;
}

function startWith(node) {
  const path = [dirname(node), process.env.PATH].filter(Boolean).join(process.platform === 'win32' ? ';' : ':');
  const child = spawn(node, [file, ...rest], {
    stdio: 'inherit',
    // The server watches this process: if it is killed, it ends too.
    env: { ...process.env, PATH: path, CARILLON_LAUNCHER_PID: String(process.pid) },
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => refuse(`Node ${NEEDED_MAJOR} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
}

function refuse(sentence) {
  console.error(sentence);
  process.exitCode = 1;
}
