// A folder of YAML files, such as app services' registrations, read at start.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';

/** Bytes of one file. */
const MAX_FILE_BYTES = 1_048_576;
const MAX_ALIASES = 100;

export interface YamlFile {
  /** Without the folder. */
  readonly name: string;
  /** What the file holds; undefined if it cannot be read, or is not YAML. */
  readonly value: unknown;
  /** Why there is no value. */
  readonly fault: string | null;
}

/** The `.yaml` and `.yml` files of a folder, by name. Throws if the folder cannot be listed. */
export function readYamlFolder(folder: string): YamlFile[] {
  const names = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
  return names.sort().map((name) => readYamlFile(folder, name));
}

function readYamlFile(folder: string, name: string): YamlFile {
  try {
    const text = readFileSync(join(folder, name), 'utf8');
    if (Buffer.byteLength(text) > MAX_FILE_BYTES) throw new Error(`is over ${MAX_FILE_BYTES} bytes`);
    // Without the source line in messages: it may hold a secret.
    const document = parseDocument(text, { prettyErrors: false });
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return { name, value: document.toJS({ maxAliasCount: MAX_ALIASES }), fault: null };
  } catch (error) {
    return { name, value: undefined, fault: error instanceof Error ? error.message : String(error) };
  }
}
