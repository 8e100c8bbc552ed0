// The YAML file as entries with their lines.
import { isMap, isScalar, LineCounter, type Pair, parseDocument, type YAMLMap } from 'yaml';

export interface FileEntry {
  readonly section: string;
  readonly key: string;
  readonly value: unknown;
  /** `carillon.yaml:12`. */
  readonly where: string;
}

export interface FileFault {
  readonly message: string;
  readonly where: string;
}

/** Reads `section: { key: value }`. What is not YAML, or not of that shape, comes back as faults. */
export function readConfigFile(name: string, text: string): { entries: FileEntry[]; faults: FileFault[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, maxAliasCount: 0 } as object);
  const at = (offset: number) => `${name}:${lines.linePos(offset).line}`;
  const faults: FileFault[] = [...document.errors, ...document.warnings].map(({ message, pos }) => ({
    message: message.split('\n')[0] ?? message,
    where: at(pos[0]),
  }));
  const entries: FileEntry[] = [];
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return { entries, faults };
  if (!isMap(contents))
    return { entries, faults: [...faults, { message: 'must be sections with keys', where: at(0) }] };
  for (const [section, value, where] of pairsOf(contents, at)) {
    if (isScalar(value) && value.value === null) continue;
    if (value === null) continue;
    if (!isMap(value)) {
      faults.push({ message: `${section} must be a section with keys`, where });
      continue;
    }
    for (const [key, node, keyWhere] of pairsOf(value, at)) {
      entries.push({ section, key, value: plain(node, document), where: keyWhere });
    }
  }
  return { entries, faults };
}

function* pairsOf(map: YAMLMap, at: (offset: number) => string): Generator<[string, unknown, string]> {
  for (const { key, value } of map.items as Pair[]) {
    const name = isScalar(key) ? String(key.value) : String(key);
    yield [name, value, at(isScalar(key) ? (key.range?.[0] ?? 0) : 0)];
  }
}

function plain(node: unknown, document: ReturnType<typeof parseDocument>): unknown {
  if (node === null || typeof node !== 'object' || !('toJS' in node) || typeof node.toJS !== 'function') return node;
  try {
    return node.toJS(document, { maxAliasCount: 0 });
  } catch {
    return undefined;
  }
}
