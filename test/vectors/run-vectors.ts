// Runs every vector file of a folder: by its name where that is known, else by the shape of its rows.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseJson } from '@carillon/protocol/parse-json.ts';
import { newTally, type Tally, type TallyOfRow } from './format.ts';
import { type AnyFormat, formats } from './formats/registry.ts';

export interface FileResult extends TallyOfRow {
  readonly file: string;
}

export interface FolderResult extends TallyOfRow {
  readonly files: readonly FileResult[];
  /** Files of which no row is of a known format. */
  readonly unknown: readonly string[];
}

const VECTOR_FILE = /^(.+?)\.(?:jsonl|json|jsonl\.gz|json\.gz)$/;

/** Runs a folder and reports each file as it ends. Throws where no file has a known format. */
export function runFolder(folder: string, report: (result: FileResult) => void = () => {}): FolderResult {
  const total = newTally();
  const files: FileResult[] = [];
  const unknown: string[] = [];
  for (const file of readdirSync(folder).sort()) {
    const name = VECTOR_FILE.exec(file)?.[1];
    if (name === undefined) continue;
    const tally = runFile(join(folder, file), name);
    if (tally === undefined) {
      unknown.push(file);
      continue;
    }
    const result = { file, ...counts(tally) };
    report(result);
    files.push(result);
    add(total, tally);
  }
  if (files.length === 0) throw new Error(`No file in ${folder} has a known vector format`);
  return { ...counts(total), files, unknown };
}

function runFile(path: string, name: string): Tally | undefined {
  const tally = newTally();
  const named = formats.get(name);
  let previous = named;
  let known = named !== undefined;
  let unmatched = 0;
  for (const row of rowsOf(path)) {
    const format = previous?.matches(row) ? previous : find(row);
    if (format === undefined) unmatched++;
    else {
      add(tally, runRow(format, row));
      previous = format;
      known = true;
    }
  }
  if (!known) return undefined;
  if (unmatched > 0) tally.fail(`${unmatched} rows are of no known format`);
  return tally;
}

function find(row: object): AnyFormat | undefined {
  return formats.values().find((format) => format.matches(row));
}

function runRow(format: AnyFormat, row: object): TallyOfRow {
  try {
    // The format has just recognised the row as its own.
    return format.run(row as never);
  } catch (error) {
    return newTally().fail(`${JSON.stringify(row).slice(0, 200)}: ${error instanceof Error ? error.stack : error}`);
  }
}

/** The rows of a file: lines of JSON, or one JSON value (an array's items each). Numbers are kept exactly. */
function* rowsOf(path: string): Generator<object> {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  const isLines = /\.jsonl(\.gz)?$/.test(path);
  for (const part of isLines ? text.split('\n') : [text]) {
    if (part.trim() === '') continue;
    const value = parseJson(part, 'exact');
    for (const row of Array.isArray(value) ? value : [value]) {
      if (typeof row === 'object' && row !== null) yield row;
    }
  }
}

function counts({ passed, failed, skipped, failures }: TallyOfRow): TallyOfRow {
  return { passed, failed, skipped, failures };
}

function add(total: Tally, { passed, failed, skipped, failures }: TallyOfRow): void {
  for (let index = 0; index < passed; index++) total.pass();
  for (let index = 0; index < skipped; index++) total.skip();
  for (const failure of failures.slice(0, failed)) total.fail(failure);
}
