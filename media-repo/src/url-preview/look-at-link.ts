// Looks at a link: the page, what it points to by oEmbed, and its picture; each through the one client that goes out, so
// each through the ban on private addresses.
import { TextDecoder } from 'node:util';
import type { OutboundAnswer, OutboundHttp } from '@carillon/platform/outbound/outbound-http.ts';
import { readBody } from '@carillon/platform/outbound/outbound-http.ts';
import { isJsonObject } from '@carillon/protocol/json.ts';
import type { PreviewFound, PreviewOrder } from './preview-job.ts';
import { createPageReader, type PageFacts, setProperty } from './read-page.ts';

const PAGE_TIMEOUT_MS = 10_000;
const IMAGE_TIMEOUT_MS = 10_000;
const MAX_REDIRECTS = 5;
/** What comes after is not looked at. */
const MAX_PAGE_BYTES = 1_000_000;
const MAX_OEMBED_BYTES = 100_000;
const SNIFFED_LENGTH = 2_048;

/** Null for a link behind which is nothing that can be shown. */
export async function lookAtLink(http: OutboundHttp, order: PreviewOrder): Promise<PreviewFound | null> {
  const answer = await ask(http, order, { url: order.url, accept: 'text/html, application/xhtml+xml, image/*' });
  if (answer.status !== 200) {
    answer.body.destroy();
    return null;
  }
  const type = essence(answer);
  if (type.startsWith('image/')) {
    const image = await readBody(answer, order.maxImageBytes);
    return { properties: {}, image, imageType: type };
  }
  if (type !== 'text/html' && type !== 'application/xhtml+xml') {
    answer.body.destroy();
    return null;
  }
  const facts = await readPage(answer);
  const base = answer.url;
  if (facts.oembed !== null) await addOembed(http, order, facts, base).catch(() => undefined);
  const picture = facts.image === null ? null : await fetchImage(http, order, facts.image, base).catch(() => null);
  return {
    properties: Object.fromEntries(facts.properties),
    image: picture?.bytes ?? null,
    imageType: picture?.type ?? null,
  };
}

interface Question {
  readonly url: string;
  readonly accept: string;
  readonly timeoutMs?: number;
}

/** Says nothing of who wants to know: no cookies, no referrer, no address. */
function ask(http: OutboundHttp, { language }: PreviewOrder, question: Question): Promise<OutboundAnswer> {
  return http.send({
    method: 'GET',
    url: question.url,
    headers: {
      'User-Agent': 'Mozilla/5.0 (compatible; Carillon link preview)',
      Accept: question.accept,
      'Accept-Language': language,
      'Accept-Encoding': 'identity',
    },
    timeoutMs: question.timeoutMs ?? PAGE_TIMEOUT_MS,
    maxRedirects: MAX_REDIRECTS,
  });
}

const contentType = ({ headers }: OutboundAnswer): string => String(headers['content-type'] ?? '').toLowerCase();
const essence = (answer: OutboundAnswer): string => contentType(answer).split(';')[0]?.trim() ?? '';

async function readPage(answer: OutboundAnswer): Promise<PageFacts> {
  const reader = createPageReader();
  let decoder: TextDecoder | null = null;
  let size = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    decoder ??= decoderFor(contentType(answer), chunk);
    reader.write(decoder.decode(chunk, { stream: true }));
    size += chunk.length;
    if (size > MAX_PAGE_BYTES) break;
  }
  answer.body.destroy();
  reader.end();
  return reader.facts;
}

/** The character set that the header names, or the page itself near its start; else UTF-8. */
function decoderFor(header: string, start: Buffer): TextDecoder {
  const pattern = /charset\s*=\s*["']?([\w-]{1,40})/i;
  const named = pattern.exec(header)?.[1] ?? pattern.exec(start.toString('latin1', 0, SNIFFED_LENGTH))?.[1];
  try {
    return new TextDecoder(named ?? 'utf-8');
  } catch {
    return new TextDecoder();
  }
}

async function addOembed(http: OutboundHttp, order: PreviewOrder, facts: PageFacts, base: string): Promise<void> {
  const url = new URL(facts.oembed ?? '', base).href;
  const answer = await ask(http, order, { url, accept: 'application/json' });
  if (answer.status !== 200 || !/^application\/([\w.-]+\+)?json$/.test(essence(answer))) {
    answer.body.destroy();
    return;
  }
  const said: unknown = JSON.parse((await readBody(answer, MAX_OEMBED_BYTES)).toString('utf8'));
  if (!isJsonObject(said)) return;
  const { title, author_name: author, provider_name: provider, thumbnail_url: thumbnail } = said;
  if (typeof title === 'string') setProperty(facts, 'og:title', title);
  if (typeof author === 'string') setProperty(facts, 'og:author', author);
  if (typeof provider === 'string') setProperty(facts, 'og:site_name', provider);
  if (typeof thumbnail === 'string') facts.image ??= thumbnail;
}

async function fetchImage(
  http: OutboundHttp,
  order: PreviewOrder,
  href: string,
  base: string,
): Promise<{ bytes: Buffer; type: string } | null> {
  const url = new URL(href, base).href;
  const answer = await ask(http, order, { url, accept: 'image/*', timeoutMs: IMAGE_TIMEOUT_MS });
  if (answer.status !== 200) {
    answer.body.destroy();
    return null;
  }
  return { bytes: await readBody(answer, order.maxImageBytes), type: essence(answer) };
}
