// The trie nodes that one event made, packed into one row: their ids follow each other, and a row's overhead is paid once.

/** The nodes' bytes one after the other, each behind its length. */
export function packNodes(nodes: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const node of nodes) parts.push(lengthBytes(node.length), node);
  return Buffer.concat(parts);
}

/** The nodes of a row by id; the last in it has the id `lastNodeId`. */
export function unpackNodes(lastNodeId: number, content: Uint8Array): Map<number, Uint8Array> {
  const nodes: Uint8Array[] = [];
  for (let offset = 0; offset < content.length; ) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = content[offset++];
      if (byte === undefined) throw new Error('a row of state nodes ends inside a length');
      length |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    nodes.push(content.subarray(offset, offset + length));
    offset += length;
  }
  return new Map(nodes.map((node, index) => [lastNodeId - nodes.length + 1 + index, node]));
}

function lengthBytes(length: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = length; ; rest >>>= 7) {
    if (rest < 128) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest & 127) | 128);
  }
}
