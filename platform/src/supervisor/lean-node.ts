// Node for a server that shares its machine: less memory for a little more collecting, and code that is compiled once.
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

/** Node's own arguments: new objects get 8 MB at a time instead of 16, which are there three times. */
export const NODE_ARGUMENTS = ['--max-semi-space-size=8'];
/** The old objects may grow by this share before they are collected; V8 would let a small heap grow fourfold. */
const HEAP_GROWTH_PERCENT = 30;
/** By then what a start needs has been compiled. */
const COMPILED_AFTER_MS = 5_000;

/** For the beginning of a process. */
export function keepHeapSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`);
}

/** For a process that has started: what it compiled is written for the next start, which may come without a goodbye. */
export function keepCompiledCode(): void {
  setTimeout(flushCompileCache, COMPILED_AFTER_MS).unref();
}

/** Environment by which a process finds compiled code: where the launcher could make a folder for it, else with the data. */
export function compiledCodeEnvironment(dataFolder: string): Record<string, string> {
  return { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(dataFolder, 'cache', 'code') };
}
